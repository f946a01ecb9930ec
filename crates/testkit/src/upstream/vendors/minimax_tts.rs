//! MiniMax' text to speech (<https://platform.minimax.io/docs/api-reference/speech-t2a-websocket>).

use std::{io, time::Duration};

use async_trait::async_trait;
use serde_json::{Value, json};

use crate::upstream::{
    Answer, Call, Dial, Heard, Vendor, Wants,
    carriers::{self, Shown},
    ids,
};

const LOGIN_FAILED: u32 = 1_004;
const INVALID: u32 = 2_013;
/// What is said, in hexadecimal as this vendor has it.
const VOICE: &str = "494433";

/// `wss://api.minimax.io/ws/v1/t2a_v2`.
#[derive(Clone, Debug)]
pub struct MiniMaxTts {
    api_key: String,
    patience: Duration,
}

impl MiniMaxTts {
    /// With this key, patient for the vendor's 120 s.
    #[must_use]
    pub fn new(api_key: &str) -> Self {
        Self {
            api_key: api_key.to_owned(),
            patience: Duration::from_secs(120),
        }
    }

    /// Waits so long for an event.
    #[must_use]
    pub const fn patient(mut self, patience: Duration) -> Self {
        self.patience = patience;
        self
    }
}

#[async_trait]
impl Vendor for MiniMaxTts {
    fn name(&self) -> &'static str {
        "minimax-tts"
    }

    fn wants(&self) -> Wants {
        let bearer = format!("Bearer {}", self.api_key);
        Wants::new("/ws/v1/t2a_v2", &[("Authorization", &bearer)])
    }

    fn refusal(&self, dial: &Dial) -> Option<Answer> {
        if dial.path != "/ws/v1/t2a_v2" {
            return Some(Answer::text(404, "404 page not found"));
        }
        let astray = carriers::astray(dial);
        let key = carriers::authorization(dial, "Bearer");
        if astray.is_none() && key == Shown::One(&self.api_key) {
            return None;
        }
        let message = "login fail: Please carry the API secret key in the 'Authorization' field \
                       of the request header";
        let message = astray.unwrap_or_else(|| message.to_owned());
        let body = json!({"base_resp": {"status_code": LOGIN_FAILED, "status_msg": message}});
        Some(Answer::json(401, &body).header("Trace-Id", &ids::hex()))
    }

    fn welcome(&self, _dial: &Dial) -> Vec<(String, String)> {
        vec![("Trace-Id".to_owned(), ids::hex())]
    }

    async fn converse(&self, mut call: Call) -> io::Result<()> {
        let session = ids::uuid();
        call.say(&event(&session, "connected_success")).await?;
        let mut started = false;
        loop {
            let message = match call.hear_within(self.patience).await? {
                Heard::Message(message) => message,
                Heard::Silence => return call.close(1000, "idle").await,
                Heard::End => {
                    call.finish().await;
                    return Ok(());
                }
            };
            let wanted = message
                .json()
                .filter(|_| !message.binary)
                .unwrap_or_default();
            match (wanted["event"].as_str(), started) {
                (Some("task_start"), false) if wanted["model"].is_string() => {
                    started = true;
                    call.say(&event(&session, "task_started")).await?;
                }
                (Some("task_continue"), true) if wanted["text"].is_string() => {
                    for last in [false, true] {
                        call.say(&sound(&session, last)).await?;
                    }
                }
                (Some("task_finish"), true) => {
                    call.say(&event(&session, "task_finished")).await?;
                    return call.close(1000, "").await;
                }
                _ => {
                    let mut failed = event(&session, "task_failed");
                    failed["base_resp"] =
                        json!({"status_code": INVALID, "status_msg": "invalid params"});
                    call.say(&failed).await?;
                    return call.close(1000, "").await;
                }
            }
        }
    }
}

fn event(session: &str, kind: &str) -> Value {
    json!({
        "event": kind, "session_id": session, "trace_id": ids::hex(),
        "base_resp": {"status_code": 0, "status_msg": "success"},
    })
}

fn sound(session: &str, last: bool) -> Value {
    let mut event = event(session, "task_continued");
    event["is_final"] = last.into();
    event["data"] = json!({"audio": if last { "" } else { VOICE }});
    event
}
