//! What a model says.

use base64::{Engine as _, engine::general_purpose::STANDARD};
use serde_json::{Value, json};

use super::{super::speech::Speech, INVALID, MESSAGES};
use crate::upstream::{Call, ids};

/// After so much of the user's sound the model answers.
const TURN: usize = 1_000;
/// 100 ms of 24 kHz silence: the model's voice.
const VOICE: [u8; 4_800] = [0; 4_800];

/// Answers, or the code and reason of the close.
type Answers = Result<Vec<Value>, (u16, String)>;

/// What is remembered of a conversation.
pub(super) struct Talk {
    models: String,
    speech: Speech,
    /// Whether the setup has come, and asked for text.
    setup: Option<bool>,
}

impl Talk {
    pub(super) fn new(models: &str) -> Self {
        Self {
            models: models.to_owned(),
            speech: Speech::at(16_000),
            setup: None,
        }
    }

    pub(super) fn hear(&mut self, call: &Call, event: &Value) -> Answers {
        let Some((name, content)) = sole_member(event) else {
            return Err((1007, INVALID.to_owned()));
        };
        if !MESSAGES.contains(&name) {
            let why = format!("Invalid JSON payload received. Unknown name \"{name}\"");
            return Err((1007, why.chars().take(120).collect()));
        }
        match (name, self.setup) {
            ("setup", None) => self.begin(content),
            ("setup", Some(_)) => Err((1007, "setup must be sent only once".to_owned())),
            (_, None) => Err((1007, "setup must be the first message".to_owned())),
            ("clientContent", _) if content["turnComplete"] != true => Ok(Vec::new()),
            ("realtimeInput", _) => self.input(call, content),
            _ => Ok(self.turn()),
        }
    }

    fn begin(&mut self, setup: &Value) -> Answers {
        let model = setup["model"].as_str().unwrap_or_default();
        if !model.starts_with(&self.models) {
            let why = format!("{model} is not found, or is not for bidiGenerateContent.");
            return Err((1008, why.chars().take(120).collect()));
        }
        let modalities = &setup["generationConfig"]["responseModalities"];
        self.setup = Some(*modalities == json!(["TEXT"]));
        Ok(vec![json!({"setupComplete": {"sessionId": ids::hex()}})])
    }

    fn input(&mut self, call: &Call, content: &Value) -> Answers {
        if content["audioStreamEnd"] == true || content["text"].is_string() {
            return Ok(self.turn());
        }
        let mut blobs: Vec<_> = content["mediaChunks"]
            .as_array()
            .into_iter()
            .flatten()
            .collect();
        blobs.extend(content.get("audio"));
        for blob in blobs {
            let audio = blob["data"]
                .as_str()
                .and_then(|data| STANDARD.decode(data).ok());
            let known = blob["mimeType"]
                .as_str()
                .is_some_and(|kind| kind.starts_with("audio/pcm"));
            let (Some(audio), true) = (audio, known) else {
                return Err((1007, INVALID.to_owned()));
            };
            call.audio(&audio);
            self.speech.hear(audio.len());
        }
        match self.speech.open().length() >= TURN {
            true => Ok(self.turn()),
            false => Ok(Vec::new()),
        }
    }

    fn turn(&mut self) -> Vec<Value> {
        self.speech.settle();
        let part = match self.setup {
            Some(true) => json!({"text": "You said something."}),
            _ => json!({"inlineData": {
                "mimeType": "audio/pcm;rate=24000", "data": STANDARD.encode(VOICE),
            }}),
        };
        vec![
            json!({"serverContent": {"modelTurn": {"role": "model", "parts": [part]}}}),
            json!({"serverContent": {"generationComplete": true}}),
            json!({
                "serverContent": {"turnComplete": true},
                "usageMetadata": {
                    "promptTokenCount": 1, "responseTokenCount": 1, "totalTokenCount": 2,
                },
            }),
        ]
    }
}

/// A message is an object of one member.
fn sole_member(event: &Value) -> Option<(&str, &Value)> {
    let mut members = event.as_object()?.iter();
    let (name, content) = members.next()?;
    members.next().is_none().then_some((name, content))
}
