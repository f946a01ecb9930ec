//! Deepgram's live transcription
//! (<https://developers.deepgram.com/reference/speech-to-text/listen-streaming>).

use std::{io, time::Duration};

use async_trait::async_trait;
use serde_json::{Value, json};
use tokio::time::Instant;

use super::speech::{Speech, Stretch};
use crate::upstream::{
    Answer, Call, Dial, Heard, Vendor, Wants,
    carriers::{self, Shown},
    ids,
    message::Message,
};

/// After so much audio what was heard is final.
const SETTLES_AFTER: usize = 1_000;
const NO_AUDIO: &str = "NET-0001: did not receive audio data or a text message in time";

/// `wss://api.deepgram.com/v1/listen`.
#[derive(Clone, Debug)]
pub struct Deepgram {
    api_key: String,
    patience: Duration,
}

impl Deepgram {
    /// With this key, patient for the vendor's 10 s.
    #[must_use]
    pub fn new(api_key: &str) -> Self {
        Self {
            api_key: api_key.to_owned(),
            patience: Duration::from_secs(10),
        }
    }

    /// Waits so long for audio or `KeepAlive`.
    #[must_use]
    pub const fn patient(mut self, patience: Duration) -> Self {
        self.patience = patience;
        self
    }
}

#[async_trait]
impl Vendor for Deepgram {
    fn name(&self) -> &'static str {
        "deepgram"
    }

    fn wants(&self) -> Wants {
        let target = "/v1/listen?model=nova-3&encoding=linear16&sample_rate=16000";
        let token = format!("Token {}", self.api_key);
        Wants::new(target, &[("Authorization", &token)])
    }

    fn refusal(&self, dial: &Dial) -> Option<Answer> {
        if dial.path != "/v1/listen" {
            return Some(problem(404, "NOT_FOUND", "There is nothing here."));
        }
        if let Some(astray) = carriers::astray(dial) {
            return Some(problem(401, "INVALID_AUTH", &astray));
        }
        if carriers::authorization(dial, "Token") != Shown::One(&self.api_key) {
            return Some(problem(401, "INVALID_AUTH", "Invalid credentials."));
        }
        let raw = !dial.query_values("encoding").is_empty();
        let rate = dial.query_values("sample_rate").concat();
        (raw && rate.parse::<usize>().unwrap_or(0) == 0).then(|| {
            let message = "Bad Request: failed to process audio: raw audio has a sample_rate";
            problem(400, "Bad Request", message)
        })
    }

    fn welcome(&self, _dial: &Dial) -> Vec<(String, String)> {
        vec![("dg-request-id".to_owned(), ids::uuid())]
    }

    async fn converse(&self, mut call: Call) -> io::Result<()> {
        let mut talk = Talk::new(&call.dial());
        let mut deadline = Instant::now() + self.patience;
        loop {
            let message = match call.hear_by(deadline).await? {
                Heard::Message(message) => message,
                Heard::Silence => {
                    return call.close(1011, NO_AUDIO).await;
                }
                Heard::End => {
                    call.finish().await;
                    return Ok(());
                }
            };
            let said = talk.hear(&call, &message);
            if !matches!(said, Said::Idle) {
                deadline = Instant::now() + self.patience;
            }
            match said {
                Said::Results(results) => {
                    for event in results {
                        call.say(&event).await?;
                    }
                }
                Said::Idle => {}
                Said::End(events) => {
                    for event in events {
                        call.say(&event).await?;
                    }
                    return call.close(1000, "").await;
                }
                Said::Nonsense => {
                    call.say(&nonsense()).await?;
                    return call.close(1008, "DATA-0000").await;
                }
            }
        }
    }
}

fn problem(status: u16, code: &str, message: &str) -> Answer {
    let id = ids::uuid();
    Answer::json(
        status,
        &json!({"err_code": code, "err_msg": message, "request_id": id}),
    )
    .header("dg-request-id", &id)
    .header("dg-error", message)
}

fn nonsense() -> Value {
    json!({
        "type": "Error", "variant": "DATA-0000",
        "description": "The payload cannot be decoded as audio or as a message.",
        "message": "The payload cannot be decoded as audio or as a message.",
    })
}

/// What a message leads to.
enum Said {
    /// Nothing, and it does not count as a sign of life.
    Idle,
    Results(Vec<Value>),
    End(Vec<Value>),
    Nonsense,
}

struct Talk {
    id: String,
    speech: Speech,
    interim: bool,
}

impl Talk {
    fn new(dial: &Dial) -> Self {
        let rate = dial.query_values("sample_rate").concat();
        Self {
            id: ids::uuid(),
            speech: Speech::at(rate.parse().unwrap_or(16_000)),
            interim: dial.query_values("interim_results") == ["true"],
        }
    }

    fn hear(&mut self, call: &Call, message: &Message) -> Said {
        if message.binary {
            return self.audio(call, &message.payload);
        }
        let Some(event) = message.json() else {
            return Said::Nonsense;
        };
        match event["type"].as_str() {
            Some("KeepAlive") => Said::Results(Vec::new()),
            Some("Finalize") => {
                let rest = self.speech.settle();
                Said::Results(vec![self.results(rest, true, true)])
            }
            Some("CloseStream") => self.end(),
            _ => Said::Nonsense,
        }
    }

    fn audio(&mut self, call: &Call, bytes: &[u8]) -> Said {
        if bytes.is_empty() {
            return Said::Idle;
        }
        call.audio(bytes);
        self.speech.hear(bytes.len());
        let open = self.speech.open();
        Said::Results(match open.length() >= SETTLES_AFTER {
            true => {
                self.speech.settle();
                vec![self.results(open, true, false)]
            }
            false if self.interim => vec![self.results(open, false, false)],
            false => Vec::new(),
        })
    }

    fn end(&mut self) -> Said {
        let mut events = Vec::new();
        if self.speech.open().length() > 0 {
            let rest = self.speech.settle();
            events.push(self.results(rest, true, false));
        }
        let all = Stretch {
            start: 0,
            end: self.speech.milliseconds(),
        };
        events.push(json!({
            "type": "Metadata", "transaction_key": "deprecated", "request_id": self.id,
            "sha256": "", "created": "2026-01-01T00:00:00.000Z",
            "duration": all.seconds().1, "channels": 1,
        }));
        Said::End(events)
    }

    fn results(&self, what: Stretch, is_final: bool, finalized: bool) -> Value {
        let (start, end) = what.seconds();
        let words = what.list(
            |start, end| json!({"word": "word", "start": start, "end": end, "confidence": 0.99}),
        );
        json!({
            "type": "Results",
            "channel_index": [0, 1],
            "duration": end - start,
            "start": start,
            "is_final": is_final,
            "speech_final": is_final,
            "from_finalize": finalized,
            "channel": {"alternatives": [
                {"transcript": what.text(), "confidence": 0.99, "words": words},
            ]},
            "metadata": {
                "request_id": self.id,
                "model_uuid": self.id,
                "model_info": {"name": "stand-in", "version": "1", "arch": "nova-3"},
            },
        })
    }
}
