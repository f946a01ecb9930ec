//! An upstream that repeats whatever it was shown: in headers, in the body of a refusal, in the
//! reason of a close. It hands out what fetching engines ask for as well.

use std::io;

use async_trait::async_trait;
use serde_json::json;
use tollbridge_testkit::{Answer, Call, Dial, Vendor, Wants};

use crate::cases::GOOGLE;

/// The signature in the addresses that it signs.
pub(crate) const SIGNATURE: &str = "canary-signature-6a20e1";

/// Under which names it repeats things: those that numbers of requests have, and some more.
const NAMES: &[&str] = &[
    "apim-request-id",
    "dg-request-id",
    "x-request-id",
    "x-tt-logid",
    "x-echo",
];

#[derive(Debug)]
pub(crate) struct Gossip {
    /// What it knows without being told.
    pub(crate) secrets: Vec<String>,
    /// Whether it says 101 first.
    pub(crate) polite: bool,
}

impl Gossip {
    fn headers(&self) -> Vec<(String, String)> {
        let secrets = self.secrets.join(" ");
        NAMES
            .iter()
            .map(|name| ((*name).to_owned(), secrets.clone()))
            .collect()
    }
}

#[async_trait]
impl Vendor for Gossip {
    fn name(&self) -> &'static str {
        "gossip"
    }

    fn wants(&self) -> Wants {
        Wants::new("/", &[])
    }

    fn rest(&self, dial: &Dial) -> Option<Answer> {
        if dial.path.ends_with("/get-signed-url") {
            let host = dial.header_values("host").concat();
            let url = format!("ws://{host}/signed?conversation_signature={SIGNATURE}");
            return Some(Answer::json(200, &json!({"signed_url": url})));
        }
        let token = json!({"access_token": GOOGLE, "expires_in": 3_599, "token_type": "Bearer"});
        let token = Answer::json(200, &token).header("Metadata-Flavor", "Google");
        (dial.path == "/token").then_some(token)
    }

    fn refusal(&self, dial: &Dial) -> Option<Answer> {
        if self.polite {
            return None;
        }
        let mut answer = Answer::text(403, &format!("{}\n{}", self.secrets.join(" "), dial.head))
            .header(
                "WWW-Authenticate",
                &format!("Bearer error=\"{}\"", self.secrets.concat()),
            );
        answer.headers.extend(self.headers());
        Some(answer)
    }

    fn welcome(&self, _dial: &Dial) -> Vec<(String, String)> {
        self.headers()
    }

    async fn converse(&self, call: Call) -> io::Result<()> {
        let reason = format!("wrong key: {}", self.secrets.join(","));
        call.close(1008, reason.get(..120).unwrap_or(&reason)).await
    }
}
