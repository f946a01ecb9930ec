//! Sound that comes in, and where its turns end.

use base64::{Engine as _, engine::general_purpose::STANDARD};
use serde_json::{Value, json};

use super::{Answers, Talk, errors};
use crate::upstream::{Call, ids};

/// 24 kHz, 16 bits.
const BYTES_PER_MILLISECOND: usize = 48;
/// The vendor's own smallest commit.
const SMALLEST_COMMIT: u64 = 100;
/// A sample this far from zero is speech.
const LOUD: u16 = 1_000;
const APPENDS_PER_ECHO: u64 = 5;

/// The input audio buffer.
#[derive(Default)]
pub(super) struct Input {
    appends: u64,
    /// Bytes since the session began.
    heard: usize,
    /// Bytes since the last commit.
    pub(super) buffered: usize,
    /// The item that the speech under way will be.
    speaking: Option<String>,
    /// Bytes since the last loud sample of that speech.
    quiet: usize,
    /// Base64 of the last append.
    pub(super) last: String,
}

impl Talk {
    pub(super) fn append(&mut self, call: &Call, event: &Value) -> Answers {
        let audio = event["audio"]
            .as_str()
            .ok_or_else(|| errors::missing("audio"))?;
        let pcm = STANDARD.decode(audio).map_err(|_not_base64| {
            let why = "Invalid 'audio'. Expected base64-encoded audio bytes.";
            errors::invalid("audio", why)
        })?;
        call.audio(&pcm);
        let input = &mut self.input;
        input.appends += 1;
        input.heard += pcm.len();
        input.buffered += pcm.len();
        audio.clone_into(&mut input.last);
        let mut answers = self.listen(&pcm);
        if self.dialect.echoes && self.input.appends.is_multiple_of(APPENDS_PER_ECHO) {
            answers.push(json!({
                "type": "response.audio.delta",
                "response_id": "resp_echo", "item_id": "item_echo",
                "output_index": 0, "content_index": 0,
                "delta": audio,
            }));
        }
        Ok(answers)
    }

    /// Speech begins with the first loud sample and, where turns are detected, ends with silence.
    fn listen(&mut self, pcm: &[u8]) -> Vec<Value> {
        let detection = self.turn_detection().clone();
        if detection.is_null() && !self.dialect.echoes {
            return Vec::new();
        }
        let milliseconds = self.input.heard / BYTES_PER_MILLISECOND;
        let input = &mut self.input;
        match (is_loud(pcm), &input.speaking) {
            (true, None) => {
                let item = ids::named("item");
                input.speaking = Some(item.clone());
                input.quiet = 0;
                let start = (input.heard - pcm.len()) / BYTES_PER_MILLISECOND;
                vec![json!({
                    "type": "input_audio_buffer.speech_started",
                    "audio_start_ms": start, "item_id": item,
                })]
            }
            (true, Some(_)) => {
                input.quiet = 0;
                Vec::new()
            }
            (false, Some(item)) => {
                input.quiet += pcm.len();
                let patience = detection["silence_duration_ms"].as_u64().unwrap_or(500);
                let quiet = u64::try_from(input.quiet / BYTES_PER_MILLISECOND).unwrap();
                if detection.is_null() || quiet < patience {
                    return Vec::new();
                }
                let stopped = json!({
                    "type": "input_audio_buffer.speech_stopped",
                    "audio_end_ms": milliseconds, "item_id": item,
                });
                let mut answers = vec![stopped];
                answers.extend(self.committed());
                if detection["create_response"] != false && self.session["type"] != "transcription"
                {
                    answers.extend(self.response(&json!({})));
                }
                answers
            }
            (false, None) => Vec::new(),
        }
    }

    pub(super) fn commit(&mut self) -> Answers {
        let buffered = u64::try_from(self.input.buffered / BYTES_PER_MILLISECOND).unwrap();
        if buffered < SMALLEST_COMMIT {
            return Err(errors::nothing_buffered(buffered));
        }
        Ok(self.committed())
    }

    pub(super) fn clear(&mut self) -> Answers {
        self.input.buffered = 0;
        self.input.speaking = None;
        Ok(vec![json!({"type": "input_audio_buffer.cleared"})])
    }

    /// The buffer becomes an item of the user's.
    fn committed(&mut self) -> Vec<Value> {
        let input = &mut self.input;
        let item = input.speaking.take().unwrap_or_else(|| ids::named("item"));
        let seconds = input.buffered / BYTES_PER_MILLISECOND / 1_000;
        input.buffered = 0;
        let mut answers = vec![json!({
            "type": "input_audio_buffer.committed",
            "item_id": item, "previous_item_id": self.items.last(),
        })];
        answers.extend(self.announce(&json!({
            "id": item, "object": "realtime.item", "type": "message", "status": "completed",
            "role": "user", "content": [{"type": "input_audio", "transcript": null}],
        })));
        if self.transcribes() {
            answers.extend(transcription(&item, seconds));
        }
        answers
    }
}

fn transcription(item: &str, seconds: usize) -> [Value; 2] {
    let prefix = "conversation.item.input_audio_transcription";
    let text = "Something was said.";
    [
        json!({"type": format!("{prefix}.delta"), "item_id": item, "content_index": 0, "delta": text}),
        json!({
            "type": format!("{prefix}.completed"), "item_id": item, "content_index": 0,
            "transcript": text, "usage": {"type": "duration", "seconds": seconds},
        }),
    ]
}

fn is_loud(pcm: &[u8]) -> bool {
    pcm.chunks_exact(2)
        .any(|it| i16::from_le_bytes([it[0], it[1]]).unsigned_abs() >= LOUD)
}
