//! The session object, and what may be changed about it.

use serde_json::{Value, json};

use super::{Answers, Talk, errors};
use crate::upstream::ids;

/// OpenAI's since general availability: `realtime` or `transcription`.
pub(in super::super) fn general(kind: &str, model: &str) -> Value {
    let format = json!({"type": "audio/pcm", "rate": 24_000});
    let vad = json!({
        "type": "server_vad",
        "threshold": 0.5,
        "prefix_padding_ms": 300,
        "silence_duration_ms": 500,
        "create_response": kind == "realtime",
        "interrupt_response": kind == "realtime",
    });
    let input = json!({
        "format": format, "transcription": null, "noise_reduction": null, "turn_detection": vad,
    });
    let mut session = json!({
        "type": kind,
        "object": format!("realtime.{kind}_session"),
        "id": ids::named("sess"),
        "expires_at": 0,
        "include": null,
        "audio": {"input": input},
    });
    if kind == "realtime" {
        let output = json!({"format": format, "voice": "alloy", "speed": 1.0});
        session["object"] = "realtime.session".into();
        session["model"] = model.into();
        session["output_modalities"] = json!(["audio"]);
        session["instructions"] = "".into();
        session["tools"] = json!([]);
        session["tool_choice"] = "auto".into();
        session["max_output_tokens"] = "inf".into();
        session["tracing"] = Value::Null;
        session["prompt"] = Value::Null;
        session["audio"]["output"] = output;
    }
    session
}

/// Before that, and with Azure Voice Live. Turns are detected where the client asks for it.
pub(in super::super) fn preview(model: &str) -> Value {
    json!({
        "object": "realtime.session",
        "id": ids::named("sess"),
        "model": model,
        "modalities": ["audio", "text"],
        "instructions": "",
        "voice": "alloy",
        "input_audio_format": "pcm16",
        "output_audio_format": "pcm16",
        "input_audio_transcription": null,
        "turn_detection": null,
        "tools": [],
        "tool_choice": "auto",
        "temperature": 0.8,
        "max_response_output_tokens": "inf",
    })
}

impl Talk {
    pub(super) fn update(&mut self, event: &Value) -> Answers {
        let change = &event["session"];
        if !change.is_object() {
            return Err(errors::missing("session"));
        }
        if self.dialect.strict {
            match &change["type"] {
                Value::Null => return Err(errors::missing("session.type")),
                kind if *kind != self.session["type"] => {
                    let why = "Passing a session of another type is not allowed.";
                    return Err(errors::invalid("session.type", why));
                }
                _ => {}
            }
        }
        merge(&mut self.session, change);
        Ok(vec![
            json!({"type": "session.updated", "session": self.session}),
        ])
    }

    /// Whether and how turns are detected.
    pub(super) fn turn_detection(&self) -> &Value {
        match self.dialect.nested {
            true => &self.session["audio"]["input"]["turn_detection"],
            false => &self.session["turn_detection"],
        }
    }

    /// Whether what is heard is to be written down.
    pub(super) fn transcribes(&self) -> bool {
        let asked = match self.dialect.nested {
            true => &self.session["audio"]["input"]["transcription"],
            false => &self.session["input_audio_transcription"],
        };
        !asked.is_null() || self.session["type"] == "transcription"
    }
}

/// Objects are merged, everything else is replaced.
fn merge(into: &mut Value, change: &Value) {
    match (into, change) {
        (Value::Object(into), Value::Object(change)) => {
            for (name, value) in change {
                merge(into.entry(name).or_insert(Value::Null), value);
            }
        }
        (into, change) => into.clone_from(change),
    }
}
