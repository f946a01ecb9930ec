//! A stand-in for Azure Voice Live, strict about the handshake, modest in conversation.

use std::io;

use base64::{Engine as _, engine::general_purpose::STANDARD};
use serde_json::{Value, json};

use super::{Dial, link::Link, messages, session::Refusal};
use crate::frame::Frame;

/// After so many appends it answers with the last one's audio.
const APPENDS_PER_ANSWER: u64 = 5;

/// What it wants to see.
#[derive(Clone, Debug)]
pub struct AzureVoiceLive {
    /// Value of the `api-key` header.
    pub api_key: String,
}

impl AzureVoiceLive {
    /// Why this dial is refused: path, version and model must be there once, the key in the
    /// header and nowhere else.
    pub(super) fn refusal(&self, dial: &Dial) -> Option<Refusal> {
        if dial.path != "/voice-live/realtime" {
            return Some(problem(404, "Resource not found"));
        }
        let authenticated = dial.header_values("api-key") == [self.api_key.as_str()]
            && dial.query_values("api-key").is_empty()
            && dial.query_values("authorization").is_empty();
        if !authenticated {
            return Some(problem(
                401,
                "Access denied due to invalid subscription key",
            ));
        }
        for name in ["api-version", "model"] {
            if !matches!(dial.query_values(name).as_slice(), [value] if !value.is_empty()) {
                return Some(problem(400, &format!("{name} must be given once")));
            }
        }
        None
    }
}

fn problem(status: u16, message: &str) -> Refusal {
    let body = json!({"error": {"code": status.to_string(), "message": message}});
    let headers = vec![("Content-Type".to_owned(), "application/json".to_owned())];
    (status, headers, body.to_string())
}

/// The server speaks first, then answers events with events.
pub(super) async fn converse(mut link: Link) -> io::Result<()> {
    let model = link.pen.dial().query_values("model").concat();
    let mut conversation = Conversation::default();
    let created = json!({"type": "session.created", "session": {"id": "sess_1", "model": model}});
    conversation.say(&mut link, created).await?;
    while let Some(message) = messages::next(&mut link, true).await? {
        for answer in conversation.hear(&link, &message) {
            conversation.say(&mut link, answer).await?;
        }
    }
    link.finish().await;
    Ok(())
}

#[derive(Default)]
struct Conversation {
    events: u64,
    appends: u64,
    response: u64,
}

impl Conversation {
    async fn say(&mut self, link: &mut Link, mut event: Value) -> io::Result<()> {
        self.events += 1;
        event["event_id"] = format!("event_{}", self.events).into();
        link.send(Frame::text(event.to_string())).await
    }

    fn hear(&mut self, link: &Link, payload: &[u8]) -> Vec<Value> {
        let Ok(event) = serde_json::from_slice::<Value>(payload) else {
            return vec![error("invalid_json", "The event is not JSON.")];
        };
        match event["type"].as_str() {
            Some("session.update") => {
                vec![json!({"type": "session.updated", "session": event["session"]})]
            }
            Some("input_audio_buffer.append") => self.append(link, &event["audio"]),
            Some("input_audio_buffer.commit") => {
                vec![json!({"type": "input_audio_buffer.committed", "item_id": "item_1"})]
            }
            Some("response.create") => self.respond(),
            _ => vec![error("unknown_event", "There is no such event.")],
        }
    }

    fn append(&mut self, link: &Link, audio: &Value) -> Vec<Value> {
        let Some(pcm) = audio.as_str().and_then(|audio| STANDARD.decode(audio).ok()) else {
            return vec![error("invalid_audio", "`audio` is not base64.")];
        };
        link.pen.audio(&pcm);
        self.appends += 1;
        if self.appends == 1 {
            return vec![json!({"type": "input_audio_buffer.speech_started", "audio_start_ms": 0})];
        }
        match self.appends % APPENDS_PER_ANSWER {
            0 => vec![json!({"type": "response.audio.delta", "delta": audio})],
            _ => Vec::new(),
        }
    }

    fn respond(&mut self) -> Vec<Value> {
        self.response += 1;
        let id = format!("resp_{}", self.response);
        vec![
            json!({"type": "response.created", "response": {"id": id}}),
            json!({"type": "response.audio_transcript.delta", "delta": "You said it."}),
            json!({"type": "response.done", "response": {"id": id, "status": "completed"}}),
        ]
    }
}

fn error(code: &str, message: &str) -> Value {
    json!({"type": "error", "error": {"type": "invalid_request_error", "code": code, "message": message}})
}
