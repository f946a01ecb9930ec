//! A response, from `response.created` to `response.done`.

use base64::{Engine as _, engine::general_purpose::STANDARD};
use serde_json::{Value, json};

use super::{Answers, Talk, errors};
use crate::upstream::ids;

/// What every response says.
const WORDS: [&str; 2] = ["You said ", "something."];
/// 100 ms of silence, where nothing was heard that could be sent back.
const SILENCE: [u8; 4_800] = [0; 4_800];

impl Talk {
    pub(super) fn respond(&mut self, event: &Value) -> Answers {
        if self.session["type"] == "transcription" {
            let why = "A transcription session does not respond.";
            return Err(errors::invalid("type", why));
        }
        Ok(self.response(&event["response"]))
    }

    pub(super) fn response(&mut self, wanted: &Value) -> Vec<Value> {
        let (id, item) = (ids::named("resp"), ids::named("item"));
        let silent = self.is_silent(wanted);
        let mut events = vec![
            json!({"type": "response.created", "response": self.outline(&id, wanted, "in_progress", &[])}),
            json!({"type": "rate_limits.updated", "rate_limits": [
                {"name": "requests", "limit": 1_000, "remaining": 999, "reset_seconds": 0.1},
            ]}),
        ];
        let begun = message(&item, "in_progress", &json!([]));
        events.push(json!({"type": "response.output_item.added", "item": begun}));
        events.extend(self.announce_begun(&begun));
        events.extend(self.content(silent));
        let part = match silent {
            true => json!({"type": self.dialect.text, "text": WORDS.concat()}),
            false => json!({"type": self.dialect.audio, "transcript": WORDS.concat()}),
        };
        let done = message(&item, "completed", &json!([part]));
        events.push(json!({"type": "response.output_item.done", "item": done}));
        events.extend(self.announce_done(&done));
        for event in &mut events[2..] {
            place(event, &id, &item);
        }
        let response = self.outline(&id, wanted, "completed", &[done]);
        events.push(json!({"type": "response.done", "response": response}));
        events
    }

    /// Whether the response is text and no sound.
    fn is_silent(&self, wanted: &Value) -> bool {
        let name = match self.dialect.nested {
            true => "output_modalities",
            false => "modalities",
        };
        let modalities = match &wanted[name] {
            Value::Null => &self.session[name],
            wanted => wanted,
        };
        *modalities == json!(["text"])
    }

    /// The one part of its one item, in pieces.
    fn content(&self, silent: bool) -> Vec<Value> {
        let (kind, part) = match silent {
            true => ("text", json!({"type": "text", "text": ""})),
            false => ("audio", json!({"type": "audio", "transcript": ""})),
        };
        let mut events = vec![json!({"type": "response.content_part.added", "part": part})];
        let said = WORDS.concat();
        let words = match silent {
            true => self.dialect.text.to_owned(),
            false => format!("{}_transcript", self.dialect.audio),
        };
        for piece in WORDS {
            events.push(json!({"type": format!("response.{words}.delta"), "delta": piece}));
            if !silent {
                let delta = self.sound();
                let kind = format!("response.{}.delta", self.dialect.audio);
                events.push(json!({"type": kind, "delta": delta}));
            }
        }
        let field = if silent { "text" } else { "transcript" };
        if !silent {
            let kind = format!("response.{}.done", self.dialect.audio);
            events.push(json!({"type": kind}));
        }
        events.push(json!({"type": format!("response.{words}.done"), field: said}));
        let part = json!({"type": kind, field: said});
        events.push(json!({"type": "response.content_part.done", "part": part}));
        events
    }

    /// What was heard last, or silence.
    fn sound(&self) -> String {
        match self.input.last.as_str() {
            "" => STANDARD.encode(SILENCE),
            last => last.to_owned(),
        }
    }

    fn outline(&self, id: &str, wanted: &Value, status: &str, output: &[Value]) -> Value {
        let tokens = output.len();
        let kinds = json!({"text_tokens": tokens, "audio_tokens": 0, "image_tokens": 0});
        let none = json!({"text_tokens": 0, "audio_tokens": 0, "image_tokens": 0});
        let mut input = kinds.clone();
        input["cached_tokens"] = 0.into();
        input["cached_tokens_details"] = none;
        let usage = json!({
            "total_tokens": 2 * tokens, "input_tokens": tokens, "output_tokens": tokens,
            "input_token_details": input,
            "output_token_details": kinds,
        });
        json!({
            "object": "realtime.response",
            "id": id,
            "status": status,
            "status_details": null,
            "output": output,
            "conversation_id": "conv_1",
            "max_output_tokens": "inf",
            "metadata": wanted["metadata"],
            // Not known before the end.
            "usage": if tokens == 0 { Value::Null } else { usage },
        })
    }
}

fn message(id: &str, status: &str, content: &Value) -> Value {
    json!({
        "id": id, "object": "realtime.item", "type": "message", "status": status,
        "role": "assistant", "content": content,
    })
}

/// Says of an event which response, item and part it belongs to.
fn place(event: &mut Value, response: &str, item: &str) {
    let kind = event["type"].as_str().unwrap_or_default().to_owned();
    if !kind.starts_with("response.") {
        return;
    }
    event["response_id"] = response.into();
    event["output_index"] = 0.into();
    if event.get("item").is_none() {
        event["item_id"] = item.into();
        event["content_index"] = 0.into();
    }
}
