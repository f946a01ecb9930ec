//! AssemblyAI's streaming transcription, version 3
//! (<https://www.assemblyai.com/docs/streaming/common-session-errors-and-closures>). It says 101
//! to everybody and then why not.

use std::io;

use async_trait::async_trait;
use serde_json::{Value, json};

use super::speech::{Speech, Stretch};
use crate::upstream::{
    Answer, Call, Dial, Vendor, Wants,
    carriers::{self, Shown},
    ids,
    message::Message,
};

/// Not a clock: 2027, for whoever looks.
const EXPIRES_AT: u64 = 1_800_000_000;
const UNAUTHORIZED: u16 = 1008;
const BAD_MESSAGE: u16 = 3006;
const BAD_CHUNK: u16 = 3007;
/// After so much audio a turn is over.
const TURN: usize = 2_000;

/// `wss://streaming.assemblyai.com/v3/ws`.
#[derive(Clone, Debug)]
pub struct AssemblyAi {
    api_key: String,
}

impl AssemblyAi {
    /// With this key.
    #[must_use]
    pub fn new(api_key: &str) -> Self {
        let api_key = api_key.to_owned();
        Self { api_key }
    }

    /// Why the conversation ends before it begins.
    fn objection(&self, dial: &Dial) -> Option<(u16, String)> {
        let key = carriers::shown(dial, "authorization");
        if let Some(astray) = carriers::astray(dial) {
            return Some((UNAUTHORIZED, astray));
        }
        if key == Shown::Nothing {
            let why = "Missing Authorization header";
            return Some((UNAUTHORIZED, format!("Unauthorized Connection: {why}")));
        }
        if key != Shown::One(&self.api_key) {
            return Some((UNAUTHORIZED, "Unauthorized Connection".to_owned()));
        }
        let rate = dial.query_values("sample_rate").concat();
        let usable = rate.parse::<usize>().is_ok_and(|rate| rate > 0);
        (!usable).then(|| (BAD_MESSAGE, "Invalid sample_rate".to_owned()))
    }
}

#[async_trait]
impl Vendor for AssemblyAi {
    fn name(&self) -> &'static str {
        "assemblyai"
    }

    fn wants(&self) -> Wants {
        let target = "/v3/ws?sample_rate=16000&speech_model=universal-streaming-english";
        Wants::new(target, &[("Authorization", &self.api_key)])
    }

    fn refusal(&self, dial: &Dial) -> Option<Answer> {
        (dial.path != "/v3/ws").then(|| Answer::json(404, &json!({"error": "Not found"})))
    }

    async fn converse(&self, mut call: Call) -> io::Result<()> {
        let dial = call.dial();
        if let Some((code, why)) = self.objection(&dial) {
            return fail(call, code, &why).await;
        }
        let begin = json!({"type": "Begin", "id": ids::uuid(), "expires_at": EXPIRES_AT});
        call.say(&begin).await?;
        let mut talk = Talk::new(&dial);
        while let Some(message) = call.hear().await? {
            match talk.hear(&call, &message) {
                Ok((events, ended)) => {
                    for event in events {
                        call.say(&event).await?;
                    }
                    if ended {
                        return call.close(1000, "").await;
                    }
                }
                Err((code, why)) => return fail(call, code, why).await,
            }
        }
        call.finish().await;
        Ok(())
    }
}

async fn fail(mut call: Call, code: u16, why: &str) -> io::Result<()> {
    let error = json!({"type": "Error", "error_code": code, "error": why});
    call.say(&error).await?;
    call.close(code, why).await
}

struct Talk {
    speech: Speech,
    turn: u32,
}

/// Events, and whether they are the last.
type Answers = Result<(Vec<Value>, bool), (u16, &'static str)>;

impl Talk {
    fn new(dial: &Dial) -> Self {
        let rate = dial.query_values("sample_rate").concat();
        let rate = rate.parse().unwrap_or(16_000);
        let speech = match dial.query_values("encoding").as_slice() {
            ["pcm_mulaw"] => Speech::of(rate),
            _ => Speech::at(rate),
        };
        Self { speech, turn: 0 }
    }

    fn hear(&mut self, call: &Call, message: &Message) -> Answers {
        if message.binary {
            return self.audio(call, &message.payload);
        }
        let event = message.json().unwrap_or_default();
        match event["type"].as_str() {
            Some("UpdateConfiguration") => Ok((Vec::new(), false)),
            Some("ForceEndpoint") => Ok((vec![self.end_of_turn()], false)),
            Some("Terminate") => Ok((self.terminate(), true)),
            Some(_) => Err((BAD_MESSAGE, "Invalid Message Type")),
            None => Err((BAD_MESSAGE, "Invalid JSON")),
        }
    }

    fn audio(&mut self, call: &Call, bytes: &[u8]) -> Answers {
        if !(50..=1_000).contains(&self.speech.milliseconds_of(bytes.len())) {
            let why = "Input Duration Violation: chunk must be between 50 and 1000 ms";
            return Err((BAD_CHUNK, why));
        }
        call.audio(bytes);
        let before = self.speech.open().words().count();
        self.speech.hear(bytes.len());
        let open = self.speech.open();
        let events = match open.words().count() {
            _ if open.length() >= TURN => vec![self.end_of_turn()],
            words if words > before => vec![self.turn(open, false)],
            _ => Vec::new(),
        };
        Ok((events, false))
    }

    fn end_of_turn(&mut self) -> Value {
        let said = self.speech.settle();
        let event = self.turn(said, true);
        self.turn += 1;
        event
    }

    fn terminate(&mut self) -> Vec<Value> {
        let mut events = Vec::new();
        if self.speech.open().length() > 0 {
            events.push(self.end_of_turn());
        }
        let seconds = self.speech.milliseconds() / 1_000;
        events.push(json!({
            "type": "Termination",
            "audio_duration_seconds": seconds,
            "session_duration_seconds": seconds,
        }));
        events
    }

    fn turn(&self, said: Stretch, over: bool) -> Value {
        let words = said.words().map(|word| {
            json!({
                "text": "word", "start": word.start, "end": word.end,
                "confidence": 0.99, "word_is_final": true,
            })
        });
        json!({
            "type": "Turn",
            "turn_order": self.turn,
            "turn_is_formatted": over,
            "end_of_turn": over,
            "end_of_turn_confidence": if over { 0.9 } else { 0.1 },
            "transcript": said.text(),
            "utterance": if over { said.text() } else { String::new() },
            "words": words.collect::<Vec<_>>(),
        })
    }
}
