//! What an agent says.

use base64::{Engine as _, engine::general_purpose::STANDARD};
use serde_json::{Value, json};

use super::super::speech::Speech;
use crate::upstream::{Call, ids, message::Message};

/// After so much of the user's sound the agent answers.
const TURN: usize = 1_000;
/// 100 ms of 16 kHz silence: the agent's voice.
const VOICE: [u8; 3_200] = [0; 3_200];

/// What is remembered of a conversation.
pub(super) struct Talk {
    speech: Speech,
    events: u64,
}

impl Default for Talk {
    fn default() -> Self {
        Self {
            speech: Speech::at(16_000),
            events: 0,
        }
    }
}

impl Talk {
    /// Metadata, a ping, and the agent's first message.
    pub(super) fn begin(&mut self) -> Vec<Value> {
        let metadata = json!({
            "type": "conversation_initiation_metadata",
            "conversation_initiation_metadata_event": {
                "conversation_id": ids::named("conv"),
                "agent_output_audio_format": "pcm_16000",
                "user_input_audio_format": "pcm_16000",
            },
        });
        let mut events = vec![metadata, self.ping()];
        events.extend(self.reply("Hello."));
        events
    }

    pub(super) fn hear(
        &mut self,
        call: &Call,
        message: &Message,
    ) -> Result<Vec<Value>, &'static str> {
        let event = message.json().filter(|_| !message.binary);
        let event = event.ok_or("a message that is not JSON")?;
        if let Some(audio) = event["user_audio_chunk"].as_str() {
            let pcm = STANDARD.decode(audio);
            let pcm = pcm.map_err(|_not_base64| "user_audio_chunk is not base64")?;
            call.audio(&pcm);
            return Ok(self.audio(pcm.len()));
        }
        match event["type"].as_str() {
            Some("user_message") => Ok(self.reply("You wrote something.").to_vec()),
            Some("pong") if event["event_id"].as_u64().is_none_or(|id| id > self.events) => {
                Err("a pong to no ping")
            }
            Some(
                "pong" | "client_tool_result" | "contextual_update" | "feedback" | "user_activity",
            ) => Ok(Vec::new()),
            _ => Err("an unknown message"),
        }
    }

    fn audio(&mut self, bytes: usize) -> Vec<Value> {
        self.speech.hear(bytes);
        if self.speech.open().length() < TURN {
            return Vec::new();
        }
        let said = self.speech.settle().text();
        let mut events = vec![json!({
            "type": "user_transcript",
            "user_transcription_event": {"user_transcript": said, "event_id": self.next()},
        })];
        events.extend(self.reply("You said something."));
        events.push(self.ping());
        events
    }

    fn reply(&mut self, text: &str) -> [Value; 2] {
        let id = self.next();
        [
            json!({
                "type": "agent_response",
                "agent_response_event": {"agent_response": text, "event_id": id},
            }),
            json!({
                "type": "audio",
                "audio_event": {"audio_base_64": STANDARD.encode(VOICE), "event_id": id},
            }),
        ]
    }

    fn ping(&mut self) -> Value {
        json!({"type": "ping", "ping_event": {"event_id": self.next(), "ping_ms": null}})
    }

    const fn next(&mut self) -> u64 {
        self.events += 1;
        self.events
    }
}
