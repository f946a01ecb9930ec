//! OpenAI's Realtime API (<https://platform.openai.com/docs/guides/realtime-websocket>).

use std::{io, time::Duration};

use async_trait::async_trait;

use super::{openai, realtime};
use crate::upstream::{Answer, Call, Dial, Vendor, Wants};

/// `wss://api.openai.com/v1/realtime`.
#[derive(Clone, Debug)]
pub struct OpenAiRealtime {
    api_key: String,
    longest: Duration,
}

impl OpenAiRealtime {
    /// With this key, for 60 minutes.
    #[must_use]
    pub fn new(api_key: &str) -> Self {
        Self {
            api_key: api_key.to_owned(),
            longest: Duration::from_secs(3_600),
        }
    }

    /// Ends sessions after so long.
    #[must_use]
    pub const fn lasting(mut self, longest: Duration) -> Self {
        self.longest = longest;
        self
    }
}

#[async_trait]
impl Vendor for OpenAiRealtime {
    fn name(&self) -> &'static str {
        "openai-realtime"
    }

    fn wants(&self) -> Wants {
        let bearer = format!("Bearer {}", self.api_key);
        let target = "/v1/realtime?model=gpt-realtime";
        Wants::new(target, &[("Authorization", &bearer)]).offering(&["realtime"])
    }

    fn refusal(&self, dial: &Dial) -> Option<Answer> {
        if dial.path != "/v1/realtime" {
            return Some(openai::no_such_path(dial));
        }
        openai::unauthenticated(dial, &self.api_key).or_else(|| purposeless(dial))
    }

    fn welcome(&self, dial: &Dial) -> Vec<(String, String)> {
        let mut headers = vec![("x-request-id".to_owned(), openai::request_id())];
        headers.extend(chosen_protocol(dial));
        headers
    }

    async fn converse(&self, call: Call) -> io::Result<()> {
        let session = session(&call.dial());
        realtime::converse(call, &realtime::GENERAL, session, self.longest).await
    }
}

/// A model, a call, or a transcription: one of them, once.
pub(super) fn purposeless(dial: &Dial) -> Option<Answer> {
    let [models, calls, intents] =
        ["model", "call_id", "intent"].map(|name| dial.query_values(name));
    let (code, message) = match (models.as_slice(), calls.as_slice(), intents.as_slice()) {
        ([model], [], [] | ["transcription"]) if !model.is_empty() => return None,
        ([], [call], []) if !call.is_empty() => return None,
        ([], [], ["transcription"]) => return None,
        ([] | [""], [], []) => ("missing_model", "You must provide a model parameter."),
        _ => (
            "invalid_parameter",
            "One of model, call_id and intent=transcription, once.",
        ),
    };
    Some(openai::problem(400, Some(code), message))
}

/// `realtime`, where it is offered.
pub(super) fn chosen_protocol(dial: &Dial) -> Option<(String, String)> {
    let offered = dial.protocols().contains(&"realtime");
    offered.then(|| ("Sec-WebSocket-Protocol".to_owned(), "realtime".to_owned()))
}

/// What the query asks for.
pub(super) fn session(dial: &Dial) -> serde_json::Value {
    let kind = match dial.query_values("intent").as_slice() {
        ["transcription"] => "transcription",
        _ => "realtime",
    };
    let model = dial.query_values("model").concat();
    let model = if model.is_empty() {
        "gpt-realtime"
    } else {
        &model
    };
    realtime::general(kind, model)
}
