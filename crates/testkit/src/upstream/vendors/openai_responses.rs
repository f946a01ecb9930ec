//! OpenAI's Responses API in WebSocket mode
//! (<https://platform.openai.com/docs/guides/websocket-mode>): one response after another.

use std::{
    collections::HashSet,
    io,
    sync::{Arc, Mutex, PoisonError},
    time::Duration,
};

use async_trait::async_trait;
use serde_json::{Value, json};
use tokio::time::Instant;

use self::response::{Made, response};
use super::openai;
use crate::upstream::{Answer, Call, Dial, Heard, Vendor, Wants};

mod response;

/// Stored responses are not kept without end.
const MOST_STORED: usize = 10_000;

/// `wss://api.openai.com/v1/responses`.
#[derive(Clone, Debug)]
pub struct OpenAiResponses {
    api_key: String,
    longest: Duration,
    /// Ids of responses that every connection can continue.
    stored: Arc<Mutex<HashSet<String>>>,
}

impl OpenAiResponses {
    /// With this key, for 60 minutes.
    #[must_use]
    pub fn new(api_key: &str) -> Self {
        Self {
            api_key: api_key.to_owned(),
            longest: Duration::from_secs(3_600),
            stored: Arc::default(),
        }
    }

    /// Ends connections after so long.
    #[must_use]
    pub const fn lasting(mut self, longest: Duration) -> Self {
        self.longest = longest;
        self
    }

    fn stored(&self) -> std::sync::MutexGuard<'_, HashSet<String>> {
        self.stored.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The events that answer one, or the error.
    fn answer(&self, event: &Value, own: &mut HashSet<String>) -> Result<Vec<Value>, Value> {
        match event["type"].as_str() {
            Some("response.create") => {}
            Some("response.steer") => {
                let message = "There is no response in flight.";
                return Err(error("no_response_in_flight", message, None));
            }
            _ => {
                let message = "Invalid value. Supported values are: 'response.create'.";
                return Err(error("invalid_value", message, Some("type")));
            }
        }
        if !event["model"].is_string() {
            let message = "Missing required parameter: 'model'.";
            return Err(error("missing_required_parameter", message, Some("model")));
        }
        if let Some(previous) = event["previous_response_id"].as_str()
            && !own.contains(previous)
            && !self.stored().contains(previous)
        {
            let message = format!("Previous response with id '{previous}' not found.");
            let param = Some("previous_response_id");
            return Err(error("previous_response_not_found", &message, param));
        }
        let Made { id, events } = response(event);
        if event["store"] != false {
            let mut stored = self.stored();
            if stored.len() >= MOST_STORED {
                stored.clear();
            }
            stored.insert(id.clone());
        }
        // The service keeps the last one of a connection, whether it is stored or not.
        own.clear();
        own.insert(id);
        Ok(events)
    }
}

#[async_trait]
impl Vendor for OpenAiResponses {
    fn name(&self) -> &'static str {
        "openai-responses"
    }

    fn wants(&self) -> Wants {
        let bearer = format!("Bearer {}", self.api_key);
        Wants::new("/v1/responses", &[("Authorization", &bearer)])
    }

    fn refusal(&self, dial: &Dial) -> Option<Answer> {
        if dial.path != "/v1/responses" {
            return Some(openai::no_such_path(dial));
        }
        openai::unauthenticated(dial, &self.api_key)
    }

    fn welcome(&self, _dial: &Dial) -> Vec<(String, String)> {
        vec![("x-request-id".to_owned(), openai::request_id())]
    }

    async fn converse(&self, mut call: Call) -> io::Result<()> {
        let end = Instant::now() + self.longest;
        let mut own = HashSet::new();
        loop {
            let message = match call.hear_by(end).await? {
                Heard::Message(message) => message,
                Heard::Silence => {
                    let code = "websocket_connection_limit_reached";
                    let message = "Responses websocket connection limit reached (60 minutes). \
                                   Create a new websocket connection to continue.";
                    call.say(&error(code, message, None)).await?;
                    return call.close(1000, "").await;
                }
                Heard::End => {
                    call.finish().await;
                    return Ok(());
                }
            };
            let event = message
                .json()
                .filter(|_| !message.binary)
                .unwrap_or_default();
            let events = self
                .answer(&event, &mut own)
                .unwrap_or_else(|error| vec![error]);
            for event in events {
                call.say(&event).await?;
            }
        }
    }
}

fn error(code: &str, message: &str, param: Option<&str>) -> Value {
    json!({"type": "error", "status": 400, "error": {
        "type": "invalid_request_error", "code": code, "message": message, "param": param,
    }})
}
