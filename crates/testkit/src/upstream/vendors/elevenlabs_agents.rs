//! ElevenLabs' agents: a signed URL by REST, then a conversation on it
//! (<https://elevenlabs.io/docs/agents-platform/libraries/web-sockets>).

use std::{
    collections::HashSet,
    io,
    sync::{Arc, Mutex, PoisonError},
};

use async_trait::async_trait;
use serde_json::json;

use self::talk::Talk;
use crate::upstream::{
    Answer, Call, Dial, Vendor, Wants,
    carriers::{self, Shown},
    ids,
};

mod talk;

const SIGN: &str = "/v1/convai/conversation/get-signed-url";
const CONVERSATION: &str = "/v1/convai/conversation";
const SIGNATURE: &str = "conversation_signature";
/// Signatures that nobody used are not kept without end.
const MOST_SIGNATURES: usize = 10_000;

/// `https://api.elevenlabs.io` and `wss://api.elevenlabs.io`.
#[derive(Clone, Debug)]
pub struct ElevenLabsAgents {
    api_key: String,
    signatures: Arc<Mutex<HashSet<String>>>,
}

impl ElevenLabsAgents {
    /// With this `xi-api-key`.
    #[must_use]
    pub fn new(api_key: &str) -> Self {
        Self {
            api_key: api_key.to_owned(),
            signatures: Arc::default(),
        }
    }

    fn sign(&self) -> String {
        let signature = format!("cvtkn_real-signature-{}", ids::hex());
        let mut known = self.known();
        if known.len() >= MOST_SIGNATURES {
            known.clear();
        }
        known.insert(signature.clone());
        signature
    }

    fn known(&self) -> std::sync::MutexGuard<'_, HashSet<String>> {
        self.signatures
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
    }

    fn signed_url(&self, dial: &Dial) -> Answer {
        if let Some(astray) = carriers::in_query(dial) {
            return problem(401, "needs_authorization", astray);
        }
        match carriers::shown(dial, "xi-api-key") {
            Shown::One(key) if key == self.api_key => {}
            Shown::Nothing => {
                let message = "Neither authorization header nor xi-api-key received, please \
                               provide one.";
                return problem(401, "needs_authorization", message);
            }
            _ => return problem(401, "invalid_api_key", "Invalid API key"),
        }
        let agents = dial.query_values("agent_id");
        let [agent] = agents.as_slice() else {
            return problem(422, "missing_agent", "agent_id must be given once");
        };
        let scheme = if dial.tls { "wss" } else { "ws" };
        let host = dial.header_values("host").concat();
        let signature = self.sign();
        let url =
            format!("{scheme}://{host}{CONVERSATION}?agent_id={agent}&{SIGNATURE}={signature}");
        Answer::json(200, &json!({"signed_url": url})).header("request-id", &ids::hex())
    }
}

#[async_trait]
impl Vendor for ElevenLabsAgents {
    fn name(&self) -> &'static str {
        "elevenlabs-agents"
    }

    /// What the signed URL costs; the URL itself wants nothing more.
    fn wants(&self) -> Wants {
        let target = format!("{SIGN}?agent_id=agent_1");
        Wants::new(&target, &[("xi-api-key", &self.api_key)]).offering(&["convai"])
    }

    fn rest(&self, dial: &Dial) -> Option<Answer> {
        (dial.path == SIGN && dial.method() == "GET").then(|| self.signed_url(dial))
    }

    fn refusal(&self, dial: &Dial) -> Option<Answer> {
        if dial.path != CONVERSATION {
            return Some(Answer::json(404, &json!({"detail": "Not Found"})));
        }
        if let Some(astray) = carriers::astray(dial) {
            return Some(problem(403, "authorization_failed", &astray));
        }
        if !dial.header_values("xi-api-key").is_empty() {
            let message = "a signed URL needs no key beside it";
            return Some(problem(403, "authorization_failed", message));
        }
        let signatures = dial.query_values(SIGNATURE);
        let used = signatures.len() == 1 && self.known().remove(signatures[0]);
        let message = "Invalid or used conversation signature";
        (!used).then(|| problem(403, "authorization_failed", message))
    }

    fn welcome(&self, dial: &Dial) -> Vec<(String, String)> {
        let mut headers = vec![("request-id".to_owned(), ids::hex())];
        if dial.protocols().contains(&"convai") {
            headers.push(("Sec-WebSocket-Protocol".to_owned(), "convai".to_owned()));
        }
        headers
    }

    async fn converse(&self, mut call: Call) -> io::Result<()> {
        let Some(first) = call.hear().await? else {
            call.finish().await;
            return Ok(());
        };
        let first = first.json().unwrap_or_default();
        if first["type"] != "conversation_initiation_client_data" {
            return call
                .close(1008, "Expected conversation_initiation_client_data")
                .await;
        }
        let mut talk = Talk::default();
        for event in talk.begin() {
            call.say(&event).await?;
        }
        while let Some(message) = call.hear().await? {
            match talk.hear(&call, &message) {
                Ok(events) => {
                    for event in events {
                        call.say(&event).await?;
                    }
                }
                Err(why) => return call.close(1008, why).await,
            }
        }
        call.finish().await;
        Ok(())
    }
}

fn problem(status: u16, kind: &str, message: &str) -> Answer {
    Answer::json(
        status,
        &json!({"detail": {"status": kind, "message": message}}),
    )
    .header("request-id", &ids::hex())
}
