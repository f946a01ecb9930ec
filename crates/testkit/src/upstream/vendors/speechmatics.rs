//! Speechmatics' realtime transcription
//! (<https://docs.speechmatics.com/api-ref/realtime-transcription-websocket>).

use std::io;

use async_trait::async_trait;
use serde_json::{Value, json};

use super::speech::Speech;
use crate::upstream::{
    Answer, Call, Dial, Vendor, Wants,
    carriers::{self, Shown},
    ids,
    message::Message,
};

/// After so much audio what was heard is final.
const SETTLES_AFTER: usize = 1_000;

/// `wss://eu2.rt.speechmatics.com/v2`.
#[derive(Clone, Debug)]
pub struct Speechmatics {
    api_key: String,
}

impl Speechmatics {
    /// With this key.
    #[must_use]
    pub fn new(api_key: &str) -> Self {
        let api_key = api_key.to_owned();
        Self { api_key }
    }
}

#[async_trait]
impl Vendor for Speechmatics {
    fn name(&self) -> &'static str {
        "speechmatics"
    }

    fn wants(&self) -> Wants {
        let bearer = format!("Bearer {}", self.api_key);
        Wants::new("/v2", &[("Authorization", &bearer)])
    }

    fn refusal(&self, dial: &Dial) -> Option<Answer> {
        if dial.path != "/v2" {
            return Some(problem(404, "Not Found", "path not found"));
        }
        if let Some(astray) = carriers::astray(dial) {
            return Some(problem(401, "Permission Denied", &astray));
        }
        let key = carriers::authorization(dial, "Bearer");
        (key != Shown::One(&self.api_key))
            .then(|| problem(401, "Permission Denied", "api key is not valid"))
    }

    fn welcome(&self, _dial: &Dial) -> Vec<(String, String)> {
        vec![("request-id".to_owned(), ids::uuid())]
    }

    async fn converse(&self, mut call: Call) -> io::Result<()> {
        let mut talk = Talk::default();
        while let Some(message) = call.hear().await? {
            match talk.hear(&call, &message) {
                Ok(events) => {
                    for event in &events {
                        call.say(event).await?;
                    }
                    if talk.ended {
                        return call.close(1000, "").await;
                    }
                }
                Err((kind, reason)) => {
                    let error = json!({"message": "Error", "type": kind, "reason": reason});
                    call.say(&error).await?;
                    return call.close(1008, kind).await;
                }
            }
        }
        call.finish().await;
        Ok(())
    }
}

fn problem(status: u16, error: &str, detail: &str) -> Answer {
    let body = json!({"code": status, "error": error, "detail": detail});
    Answer::json(status, &body).header("request-id", &ids::uuid())
}

/// Type and reason of an error.
type Wrong = (&'static str, &'static str);

#[derive(Default)]
struct Talk {
    begun: Option<Begun>,
    ended: bool,
}

struct Begun {
    speech: Speech,
    chunks: u64,
    partials: bool,
    language: Value,
}

impl Talk {
    fn hear(&mut self, call: &Call, message: &Message) -> Result<Vec<Value>, Wrong> {
        let Some(begun) = &mut self.begun else {
            let event = message.json().filter(|_| !message.binary);
            let begun = Begun::of(&event.unwrap_or_default())?;
            let started = json!({
                "message": "RecognitionStarted",
                "id": ids::uuid(),
                "orchestrator_version": "2026.1",
                "language_pack_info": {"word_delimiter": " ", "writing_direction": "left-to-right"},
            });
            self.begun = Some(begun);
            return Ok(vec![started]);
        };
        if message.binary {
            call.audio(&message.payload);
            return Ok(begun.audio(message.payload.len()));
        }
        let event = message.json().unwrap_or_default();
        match event["message"].as_str() {
            // The vendor's own client counts what was acknowledged when it stopped.
            Some("EndOfStream")
                if event["last_seq_no"]
                    .as_u64()
                    .is_some_and(|last| last <= begun.chunks) =>
            {
                self.ended = true;
                Ok(begun.end())
            }
            Some("EndOfStream") => Err(("protocol_error", "last_seq_no was never sent")),
            Some("ForceEndOfUtterance") => Ok(vec![json!({"message": "EndOfUtterance"})]),
            Some("SetRecognitionConfig") => Ok(Vec::new()),
            Some("StartRecognition") => Err(("protocol_error", "StartRecognition came before")),
            _ => Err(("invalid_message", "The message is not one that is known")),
        }
    }
}

impl Begun {
    fn of(event: &Value) -> Result<Self, Wrong> {
        if event["message"] != "StartRecognition" {
            return Err(("protocol_error", "StartRecognition must come first"));
        }
        let language = event["transcription_config"]["language"].clone();
        if !language.is_string() {
            return Err(("invalid_config", "transcription_config.language is missing"));
        }
        let format = &event["audio_format"];
        let rate = format["sample_rate"]
            .as_u64()
            .and_then(|rate| usize::try_from(rate).ok());
        let speech = match (format["type"].as_str(), format["encoding"].as_str(), rate) {
            (Some("file"), _, _) => Speech::at(16_000),
            (Some("raw"), Some("pcm_s16le"), Some(rate @ 1..)) => Speech::at(rate),
            (Some("raw"), Some("pcm_f32le"), Some(rate @ 1..)) => Speech::of(4 * rate),
            (Some("raw"), Some("mulaw"), Some(rate @ 1..)) => Speech::of(rate),
            _ => {
                return Err((
                    "invalid_audio_type",
                    "audio_format is not one that is known",
                ));
            }
        };
        Ok(Self {
            speech,
            chunks: 0,
            partials: event["transcription_config"]["enable_partials"] == true,
            language,
        })
    }

    fn audio(&mut self, bytes: usize) -> Vec<Value> {
        self.chunks += 1;
        self.speech.hear(bytes);
        let mut events = vec![json!({"message": "AudioAdded", "seq_no": self.chunks})];
        if self.speech.open().length() >= SETTLES_AFTER {
            events.push(self.transcript("AddTranscript"));
            self.speech.settle();
        } else if self.partials {
            events.push(self.transcript("AddPartialTranscript"));
        }
        events
    }

    fn end(&mut self) -> Vec<Value> {
        let rest = self.transcript("AddTranscript");
        vec![rest, json!({"message": "EndOfTranscript"})]
    }

    fn transcript(&self, kind: &str) -> Value {
        let said = self.speech.open();
        let (start, end) = said.seconds();
        let results = said.list(|start, end| {
            let word = json!({"content": "word", "confidence": 0.99, "language": self.language});
            json!({"type": "word", "start_time": start, "end_time": end, "alternatives": [word]})
        });
        json!({
            "message": kind,
            "format": "2.9",
            "metadata": {"start_time": start, "end_time": end, "transcript": said.text()},
            "results": results,
        })
    }
}
