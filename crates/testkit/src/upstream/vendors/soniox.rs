//! Soniox' realtime transcription
//! (<https://soniox.com/docs/stt/api-reference/websocket-api>). Errors are messages, even those
//! about keys; then it closes.

use std::io;

use async_trait::async_trait;
use serde_json::{Value, json};

use super::speech::Speech;
use crate::upstream::{
    Answer, Call, Dial, Vendor, Wants,
    carriers::{self, Shown},
    message::Message,
};

/// After so much audio its tokens are final.
const SETTLES_AFTER: usize = 1_000;

/// `wss://stt-rt.soniox.com/transcribe-websocket`.
#[derive(Clone, Debug)]
pub struct Soniox {
    api_key: String,
}

impl Soniox {
    /// With this key.
    #[must_use]
    pub fn new(api_key: &str) -> Self {
        let api_key = api_key.to_owned();
        Self { api_key }
    }
}

#[async_trait]
impl Vendor for Soniox {
    fn name(&self) -> &'static str {
        "soniox"
    }

    fn wants(&self) -> Wants {
        let bearer = format!("Bearer {}", self.api_key);
        Wants::new("/transcribe-websocket", &[("Authorization", &bearer)])
            .saying(json!({"model": "stt-rt-preview", "audio_format": "auto"}))
    }

    fn refusal(&self, dial: &Dial) -> Option<Answer> {
        let known = dial.path == "/transcribe-websocket";
        (!known).then(|| Answer::json(404, &json!({"detail": "Not Found"})))
    }

    async fn converse(&self, mut call: Call) -> io::Result<()> {
        let dial = call.dial();
        let key = carriers::authorization(&dial, "Bearer");
        if let Some(astray) = carriers::astray(&dial) {
            return fail(call, (401, astray)).await;
        }
        if key != Shown::One(&self.api_key) {
            return fail(call, (401, "Invalid API key.".to_owned())).await;
        }
        let mut talk = None;
        while let Some(message) = call.hear().await? {
            let heard = match &mut talk {
                None => Talk::begun_by(&message).map(|begun| {
                    talk = Some(begun);
                    Vec::new()
                }),
                Some(talk) => talk.hear(&call, &message),
            };
            match heard {
                Err(wrong) => return fail(call, wrong).await,
                Ok(answers) => {
                    for answer in &answers {
                        call.say(answer).await?;
                    }
                    if answers.last().is_some_and(|it| it["finished"] == true) {
                        return call.close(1000, "").await;
                    }
                }
            }
        }
        call.finish().await;
        Ok(())
    }
}

/// Code and message of an error.
type Wrong = (u16, String);

async fn fail(mut call: Call, (code, why): Wrong) -> io::Result<()> {
    call.say(&json!({"error_code": code, "error_message": why, "tokens": []}))
        .await?;
    call.close(1000, "").await
}

struct Talk {
    speech: Speech,
}

impl Talk {
    fn begun_by(message: &Message) -> Result<Self, Wrong> {
        let config = message.json().filter(|_| !message.binary);
        let config = config.unwrap_or_default();
        if !config["api_key"].is_null() {
            let why = "api_key in the configuration is no longer accepted.";
            return Err((401, why.to_owned()));
        }
        for name in ["model", "audio_format"] {
            if !config[name].is_string() {
                return Err((400, format!("Missing parameter: {name}")));
            }
        }
        let rate = config["sample_rate"]
            .as_u64()
            .and_then(|rate| usize::try_from(rate).ok());
        let speech = match (&config["audio_format"], rate) {
            (format, _) if format == "auto" => Speech::at(16_000),
            (format, Some(rate @ 1..)) if format == "pcm_s16le" || format == "s16le" => {
                Speech::at(rate)
            }
            (format, None) if format == "pcm_s16le" => {
                return Err((400, "Missing parameter: sample_rate".to_owned()));
            }
            _ => return Err((400, "Invalid audio_format.".to_owned())),
        };
        Ok(Self { speech })
    }

    fn hear(&mut self, call: &Call, message: &Message) -> Result<Vec<Value>, Wrong> {
        if message.payload.is_empty() {
            let rest = self.tokens(true);
            self.speech.settle();
            let mut last = self.tokens(true);
            last["finished"] = true.into();
            return Ok(vec![rest, last]);
        }
        if message.binary {
            call.audio(&message.payload);
            self.speech.hear(message.payload.len());
            let settles = self.speech.open().length() >= SETTLES_AFTER;
            let tokens = self.tokens(settles);
            if settles {
                self.speech.settle();
            }
            return Ok(vec![tokens]);
        }
        let event = message.json().unwrap_or_default();
        match (event["type"].as_str(), &event["keep_alive"]) {
            (Some("keepalive"), _) | (None, Value::Bool(true)) => Ok(Vec::new()),
            (Some("finalize"), _) => {
                let mut tokens = self.tokens(true);
                self.speech.settle();
                let end = json!({"text": "<fin>", "is_final": true, "confidence": 1.0});
                if let Some(list) = tokens["tokens"].as_array_mut() {
                    list.push(end);
                }
                Ok(vec![tokens])
            }
            _ => Err((400, "Invalid control message.".to_owned())),
        }
    }

    fn tokens(&self, settled: bool) -> Value {
        let open = self.speech.open();
        let tokens = open.words().map(|word| {
            json!({
                "text": "word ", "start_ms": word.start, "end_ms": word.end,
                "confidence": 0.99, "is_final": settled,
            })
        });
        json!({
            "tokens": tokens.collect::<Vec<_>>(),
            "final_audio_proc_ms": if settled { open.end } else { open.start },
            "total_audio_proc_ms": open.end,
        })
    }
}
