//! Mistral's realtime transcription
//! (<https://docs.mistral.ai/studio/audio/speech-to-text/transcribe-in-realtime>).

use std::io;

use async_trait::async_trait;
use base64::{Engine as _, engine::general_purpose::STANDARD};
use serde_json::{Value, json};

use super::speech::Speech;
use crate::upstream::{
    Answer, Call, Dial, Vendor, Wants,
    carriers::{self, Shown},
    ids,
    message::Message,
};

const PATH: &str = "/v1/audio/transcriptions/realtime";

/// `wss://api.mistral.ai`.
#[derive(Clone, Debug)]
pub struct MistralRealtime {
    api_key: String,
}

impl MistralRealtime {
    /// With this key.
    #[must_use]
    pub fn new(api_key: &str) -> Self {
        let api_key = api_key.to_owned();
        Self { api_key }
    }
}

#[async_trait]
impl Vendor for MistralRealtime {
    fn name(&self) -> &'static str {
        "mistral-realtime"
    }

    fn wants(&self) -> Wants {
        let bearer = format!("Bearer {}", self.api_key);
        let target = format!("{PATH}?model=voxtral-mini-transcribe-realtime-2602");
        Wants::new(&target, &[("Authorization", &bearer)])
    }

    fn refusal(&self, dial: &Dial) -> Option<Answer> {
        if dial.path != PATH {
            return Some(problem(404, "no Route matched with those values"));
        }
        if let Some(astray) = carriers::astray(dial) {
            return Some(problem(401, &astray));
        }
        if carriers::authorization(dial, "Bearer") != Shown::One(&self.api_key) {
            return Some(problem(401, "Unauthorized"));
        }
        let model = dial.query_values("model");
        let given = matches!(model.as_slice(), [model] if !model.is_empty());
        (!given).then(|| problem(400, "model must be given once"))
    }

    fn welcome(&self, _dial: &Dial) -> Vec<(String, String)> {
        vec![("x-request-id".to_owned(), ids::uuid())]
    }

    async fn converse(&self, mut call: Call) -> io::Result<()> {
        let mut talk = Talk::new(&call.dial().query_values("model").concat());
        let created = json!({"type": "session.created", "session": talk.session});
        call.say(&created).await?;
        while let Some(message) = call.hear().await? {
            let events = talk.hear(&call, &message);
            for event in &events {
                call.say(event).await?;
            }
            if events
                .last()
                .is_some_and(|it| it["type"] == "transcription.done")
            {
                return call.close(1000, "").await;
            }
        }
        call.finish().await;
        Ok(())
    }
}

fn problem(status: u16, message: &str) -> Answer {
    let id = ids::uuid();
    Answer::json(status, &json!({"message": message, "request_id": id})).header("x-request-id", &id)
}

struct Talk {
    session: Value,
    speech: Speech,
    begun: bool,
}

impl Talk {
    fn new(model: &str) -> Self {
        let session = json!({
            "request_id": ids::uuid(),
            "model": model,
            "audio_format": {"encoding": "pcm_s16le", "sample_rate": 16_000},
            "target_streaming_delay_ms": null,
        });
        Self {
            session,
            speech: Speech::at(16_000),
            begun: false,
        }
    }

    fn hear(&mut self, call: &Call, message: &Message) -> Vec<Value> {
        let event = message
            .json()
            .filter(|_| !message.binary)
            .unwrap_or_default();
        match event["type"].as_str() {
            Some("session.update") => self.update(&event["session"]),
            Some("input_audio.append") => self.append(call, &event["audio"]),
            Some("input_audio.flush") => Vec::new(),
            Some("input_audio.end") => vec![self.done()],
            _ => vec![error("Unknown message type")],
        }
    }

    /// What is set is fixed with the first audio.
    fn update(&mut self, change: &Value) -> Vec<Value> {
        if self.begun {
            return vec![error("The session cannot be updated once audio was sent")];
        }
        let format = &change["audio_format"];
        if let Some(rate @ 1..) = format["sample_rate"].as_u64() {
            self.session["audio_format"] = format.clone();
            self.speech = Speech::at(usize::try_from(rate).unwrap_or(16_000));
        }
        vec![json!({"type": "session.updated", "session": self.session})]
    }

    fn append(&mut self, call: &Call, audio: &Value) -> Vec<Value> {
        let Some(pcm) = audio.as_str().and_then(|audio| STANDARD.decode(audio).ok()) else {
            return vec![error("audio is not base64")];
        };
        call.audio(&pcm);
        let mut events = Vec::new();
        if !self.begun {
            self.begun = true;
            events.push(json!({"type": "transcription.language", "audio_language": "en"}));
        }
        let before = self.speech.open().words().count();
        self.speech.hear(pcm.len());
        for _ in before..self.speech.open().words().count() {
            events.push(json!({"type": "transcription.text.delta", "text": "word "}));
        }
        events
    }

    fn done(&self) -> Value {
        let said = self.speech.open();
        json!({
            "type": "transcription.done",
            "model": self.session["model"],
            "text": said.text(),
            "language": "en",
            "segments": [],
            "usage": {
                "prompt_audio_seconds": said.length() / 1_000,
                "prompt_tokens": 1, "completion_tokens": 1, "total_tokens": 2,
            },
        })
    }
}

fn error(message: &str) -> Value {
    json!({"type": "error", "error": {"message": message, "code": 400}})
}
