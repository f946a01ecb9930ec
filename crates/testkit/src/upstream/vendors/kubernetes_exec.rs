//! `kubectl exec` by WebSocket: KEP-4006 and `k8s.io/apimachinery/pkg/util/remotecommand`.
//!
//! With `stdin=true` the command is `cat`. Otherwise it says its own name and succeeds, unless it
//! is `false`.

use std::io;

use async_trait::async_trait;
use serde_json::{Value, json};

use crate::{
    frame::Frame,
    upstream::{
        Answer, Call, Dial, Vendor, Wants,
        carriers::{self, Shown},
        ids,
        message::Message,
    },
};

/// Best first.
const PROTOCOLS: &[&str] = &["v5.channel.k8s.io", "v4.channel.k8s.io"];
const STDIN: u8 = 0;
const STDOUT: u8 = 1;
const STATUS: u8 = 3;
const RESIZE: u8 = 4;
/// Since v5: closes the stream named by the next byte.
const CLOSES: u8 = 255;

/// `wss://{api server}/api/v1/namespaces/{ns}/pods/{pod}/exec`.
#[derive(Clone, Debug)]
pub struct KubernetesExec {
    token: String,
}

impl KubernetesExec {
    /// With this service account's token.
    #[must_use]
    pub fn new(token: &str) -> Self {
        let token = token.to_owned();
        Self { token }
    }
}

#[async_trait]
impl Vendor for KubernetesExec {
    fn name(&self) -> &'static str {
        "kubernetes-exec"
    }

    fn wants(&self) -> Wants {
        let bearer = format!("Bearer {}", self.token);
        let target = "/api/v1/namespaces/default/pods/pod/exec?command=cat&stdin=true&stdout=true";
        Wants::new(target, &[("Authorization", &bearer)]).offering(&PROTOCOLS[..1])
    }

    fn refusal(&self, dial: &Dial) -> Option<Answer> {
        let place: Vec<_> = dial.path.split('/').collect();
        if !matches!(
            place.as_slice(),
            ["", "api", "v1", "namespaces", _, "pods", _, "exec"]
        ) {
            return Some(problem(404, "NotFound", "404 page not found"));
        }
        let astray = carriers::astray(dial);
        let token = carriers::authorization(dial, "Bearer");
        if astray.is_some() || token != Shown::One(&self.token) {
            let message = astray.unwrap_or_else(|| "Unauthorized".to_owned());
            return Some(problem(401, "Unauthorized", &message));
        }
        if dial.query_values("command").is_empty() {
            let message = "you must specify at least one command for the container";
            return Some(problem(400, "BadRequest", message));
        }
        let known = chosen(dial).is_some();
        (!known).then(|| problem(400, "BadRequest", "no protocol that both sides know"))
    }

    fn welcome(&self, dial: &Dial) -> Vec<(String, String)> {
        let mut headers = vec![("Audit-Id".to_owned(), ids::uuid())];
        if let Some(protocol) = chosen(dial) {
            headers.push(("Sec-WebSocket-Protocol".to_owned(), protocol.to_owned()));
        }
        headers
    }

    async fn converse(&self, mut call: Call) -> io::Result<()> {
        let dial = call.dial();
        // Tells the client that the command runs.
        say(&mut call, STDOUT, &[]).await?;
        if dial.query_values("stdin") != ["true"] {
            let command = dial.query_values("command").join(" ");
            say(&mut call, STDOUT, format!("{command}\n").as_bytes()).await?;
            return exit(call, i32::from(command == "false")).await;
        }
        let closes = chosen(&dial) == Some(PROTOCOLS[0]);
        while let Some(message) = call.hear().await? {
            match input(&message, closes) {
                Input::Bytes(bytes) => {
                    call.audio(bytes);
                    say(&mut call, STDOUT, bytes).await?;
                }
                Input::Size => {}
                Input::End => return exit(call, 0).await,
                Input::Wrong => return call.close(1002, "no such channel").await,
            }
        }
        call.finish().await;
        Ok(())
    }
}

/// The best of those that are offered.
fn chosen(dial: &Dial) -> Option<&'static str> {
    let offered = dial.protocols();
    PROTOCOLS.iter().copied().find(|it| offered.contains(it))
}

enum Input<'a> {
    Bytes(&'a [u8]),
    /// Of the terminal; nothing here depends on it.
    Size,
    End,
    Wrong,
}

fn input(message: &Message, closes: bool) -> Input<'_> {
    match (message.binary, message.payload.split_first()) {
        (true, Some((&STDIN, bytes))) => Input::Bytes(bytes),
        (true, Some((&RESIZE, size))) if serde_json::from_slice::<Value>(size).is_ok() => {
            Input::Size
        }
        (true, Some((&CLOSES, [STDIN]))) if closes => Input::End,
        _ => Input::Wrong,
    }
}

async fn say(call: &mut Call, channel: u8, bytes: &[u8]) -> io::Result<()> {
    call.send(Frame::binary([&[channel], bytes].concat())).await
}

async fn exit(mut call: Call, code: i32) -> io::Result<()> {
    let status = match code {
        0 => json!({"metadata": {}, "status": "Success"}),
        code => json!({
            "metadata": {}, "status": "Failure", "reason": "NonZeroExitCode",
            "message": format!("command terminated with non-zero exit code: {code}"),
            "details": {"causes": [{"reason": "ExitCode", "message": code.to_string()}]},
        }),
    };
    say(&mut call, STATUS, status.to_string().as_bytes()).await?;
    call.close(1000, "").await
}

fn problem(status: u16, reason: &str, message: &str) -> Answer {
    let body = json!({
        "kind": "Status", "apiVersion": "v1", "metadata": {}, "status": "Failure",
        "message": message, "reason": reason, "code": status,
    });
    Answer::json(status, &body).header("Audit-Id", &ids::uuid())
}
