//! xAI's voice agent, in OpenAI's events (<https://docs.x.ai/docs/guides/voice/agent>).

use std::{io, time::Duration};

use async_trait::async_trait;
use serde_json::json;

use super::{openai_realtime, realtime};
use crate::upstream::{
    Answer, Call, Dial, Vendor, Wants,
    carriers::{self, Shown},
    ids,
};

/// As third parties report it.
const LONGEST: Duration = Duration::from_secs(7_200);

/// `wss://api.x.ai/v1/realtime`.
#[derive(Clone, Debug)]
pub struct XaiRealtime {
    api_key: String,
}

impl XaiRealtime {
    /// With this key.
    #[must_use]
    pub fn new(api_key: &str) -> Self {
        let api_key = api_key.to_owned();
        Self { api_key }
    }
}

#[async_trait]
impl Vendor for XaiRealtime {
    fn name(&self) -> &'static str {
        "xai-realtime"
    }

    fn wants(&self) -> Wants {
        let bearer = format!("Bearer {}", self.api_key);
        let target = "/v1/realtime?model=grok-voice-latest";
        Wants::new(target, &[("Authorization", &bearer)])
    }

    fn refusal(&self, dial: &Dial) -> Option<Answer> {
        if dial.path != "/v1/realtime" {
            return Some(problem(
                404,
                "not-found",
                "The requested resource was not found",
            ));
        }
        if let Some(astray) = carriers::astray(dial) {
            return Some(problem(401, "unauthenticated:bad-credentials", &astray));
        }
        let key = carriers::authorization(dial, "Bearer");
        (key != Shown::One(&self.api_key)).then(|| {
            let message = "Incorrect API key provided. You can obtain an API key from \
                           https://console.x.ai.";
            problem(401, "unauthenticated:bad-credentials", message)
        })
    }

    fn welcome(&self, dial: &Dial) -> Vec<(String, String)> {
        let mut headers = vec![("x-request-id".to_owned(), ids::uuid())];
        headers.extend(openai_realtime::chosen_protocol(dial));
        headers
    }

    async fn converse(&self, call: Call) -> io::Result<()> {
        let model = call.dial().query_values("model").concat();
        let session = realtime::general("realtime", &model);
        realtime::converse(call, &realtime::LENIENT, session, LONGEST).await
    }
}

fn problem(status: u16, code: &str, message: &str) -> Answer {
    Answer::json(status, &json!({"code": code, "error": message}))
        .header("x-request-id", &ids::uuid())
}
