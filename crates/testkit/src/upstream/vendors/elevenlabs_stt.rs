//! ElevenLabs' realtime speech to text
//! (<https://elevenlabs.io/docs/api-reference/speech-to-text/v-1-speech-to-text-realtime>). A wrong
//! key is an `auth_error` behind the 101, since that is an event of its own there.

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

/// Less than this is not worth a commit.
const SMALLEST_COMMIT: usize = 300;
/// With voice activity detection, so much is committed by itself.
const COMMITS_AFTER: usize = 2_000;

/// `wss://api.elevenlabs.io/v1/speech-to-text/realtime`.
#[derive(Clone, Debug)]
pub struct ElevenLabsStt {
    api_key: String,
}

impl ElevenLabsStt {
    /// With this `xi-api-key`.
    #[must_use]
    pub fn new(api_key: &str) -> Self {
        let api_key = api_key.to_owned();
        Self { api_key }
    }
}

#[async_trait]
impl Vendor for ElevenLabsStt {
    fn name(&self) -> &'static str {
        "elevenlabs-stt"
    }

    fn wants(&self) -> Wants {
        let target = "/v1/speech-to-text/realtime?model_id=scribe_v2_realtime";
        Wants::new(target, &[("xi-api-key", &self.api_key)])
    }

    fn refusal(&self, dial: &Dial) -> Option<Answer> {
        let known = dial.path == "/v1/speech-to-text/realtime";
        (!known).then(|| Answer::json(404, &json!({"detail": "Not Found"})))
    }

    fn welcome(&self, _dial: &Dial) -> Vec<(String, String)> {
        vec![("request-id".to_owned(), ids::hex())]
    }

    async fn converse(&self, mut call: Call) -> io::Result<()> {
        let dial = call.dial();
        let astray = carriers::astray(&dial);
        if astray.is_some() || carriers::shown(&dial, "xi-api-key") != Shown::One(&self.api_key) {
            let why = astray.unwrap_or_else(|| "You must be authenticated.".to_owned());
            call.say(&error("auth_error", &why)).await?;
            return call.close(1008, "auth_error").await;
        }
        let mut talk = Talk::new(&dial);
        if dial.query_values("model_id").len() != 1 {
            call.say(&error("input_error", "model_id must be given once"))
                .await?;
            return call.close(1008, "input_error").await;
        }
        call.say(&talk.started(&dial)).await?;
        while let Some(message) = call.hear().await? {
            for event in talk.hear(&call, &message) {
                call.say(&event).await?;
            }
        }
        call.finish().await;
        Ok(())
    }
}

fn error(kind: &str, why: &str) -> Value {
    json!({"message_type": kind, "error": why})
}

struct Talk {
    speech: Speech,
    rate: usize,
    detects: bool,
    timestamps: bool,
}

impl Talk {
    fn new(dial: &Dial) -> Self {
        let format = dial.query_values("audio_format").concat();
        let rate = format.rsplit('_').next().and_then(|rate| rate.parse().ok());
        let rate = rate.unwrap_or(16_000);
        Self {
            speech: Speech::at(rate),
            rate,
            detects: dial.query_values("commit_strategy") == ["vad"],
            timestamps: dial.query_values("include_timestamps") == ["true"],
        }
    }

    fn started(&self, dial: &Dial) -> Value {
        json!({
            "message_type": "session_started",
            "session_id": ids::hex(),
            "config": {
                "sample_rate": self.rate,
                "audio_format": format!("pcm_{}", self.rate),
                "language_code": dial.query_values("language_code").first(),
                "model_id": dial.query_values("model_id").concat(),
                "commit_strategy": if self.detects { "vad" } else { "manual" },
                "include_timestamps": self.timestamps,
                "enable_logging": true,
            },
        })
    }

    fn hear(&mut self, call: &Call, message: &Message) -> Vec<Value> {
        let event = message.json().unwrap_or_default();
        if message.binary || event["message_type"] != "input_audio_chunk" {
            return vec![error("input_error", "Expected an input_audio_chunk")];
        }
        let encoded = event["audio_base_64"].as_str();
        let Some(pcm) = encoded.and_then(|audio| STANDARD.decode(audio).ok()) else {
            return vec![error("input_error", "audio_base_64 is not base64")];
        };
        call.audio(&pcm);
        let before = self.speech.open().words().count();
        self.speech.hear(pcm.len());
        let open = self.speech.open();
        let due = event["commit"] == true || (self.detects && open.length() >= COMMITS_AFTER);
        match (due, open.words().count() > before) {
            (true, _) => self.commit(),
            (false, true) => vec![json!({
                "message_type": "partial_transcript", "text": open.text(),
            })],
            (false, false) => Vec::new(),
        }
    }

    fn commit(&mut self) -> Vec<Value> {
        if self.speech.open().length() < SMALLEST_COMMIT {
            let why = "Commit request ignored: only a little audio is uncommitted.";
            return vec![error("commit_throttled", why)];
        }
        let said = self.speech.settle();
        let text = said.text();
        let mut events = vec![json!({"message_type": "committed_transcript", "text": text})];
        if self.timestamps {
            let words = said.list(
                |start, end| json!({"text": "word", "start": start, "end": end, "type": "word"}),
            );
            events.push(json!({
                "message_type": "committed_transcript_with_timestamps",
                "text": text, "language_code": "en", "words": words,
            }));
        }
        events
    }
}
