//! A recognition under way.

use serde_json::{Value, json};

use super::{
    BAD_REQUEST, EMPTY_AUDIO, PATHS,
    packet::{self, AUDIO, Packet, REQUEST},
};
use crate::upstream::Dial;

/// Milliseconds of speech in 32 bytes of 16 kHz PCM16.
const BYTES_PER_MILLISECOND: u64 = 32;
/// How long a word of this stand-in's language is.
const MILLISECONDS_PER_WORD: u64 = 400;
/// After so much audio a path that does not stream answers all the same.
const MILLISECONDS_UNANSWERED: u64 = 15_000;

/// When a path answers.
#[derive(Clone, Copy, Debug, Default)]
pub(super) enum Pace {
    /// `bigmodel`: each packet.
    #[default]
    Packet,
    /// `bigmodel_async`: the request, and whatever changes the result.
    Change,
    /// `bigmodel_nostream`: the request, the last packet, and every 15 s.
    End,
}

impl Pace {
    /// That of the path that was dialled.
    pub(super) fn of(dial: &Dial) -> Option<Self> {
        match dial.path.strip_prefix(PATHS)? {
            "bigmodel" => Some(Self::Packet),
            "bigmodel_async" => Some(Self::Change),
            "bigmodel_nostream" => Some(Self::End),
            _ => None,
        }
    }
}

/// An answer, where there is one, and whether it is the last.
type Reply = (Option<Vec<u8>>, bool);

/// What is remembered of it.
pub(super) struct Talk {
    pace: Pace,
    /// Serialization and compression of the request, in which the answers are made.
    form: Option<u8>,
    sequence: i32,
    bytes: u64,
    /// Milliseconds at the last answer.
    answered: u64,
    /// The audio of the last packet.
    pub(super) heard: Vec<u8>,
}

impl Talk {
    pub(super) const fn new(pace: Pace) -> Self {
        Self {
            pace,
            form: None,
            sequence: 0,
            bytes: 0,
            answered: 0,
            heard: Vec::new(),
        }
    }

    /// The answer to a packet, if it has one, and whether it is the last.
    pub(super) fn hear(&mut self, packet: Packet) -> Result<Reply, (u32, String)> {
        match (packet.kind, self.form) {
            (REQUEST, None) => self.begin(&packet)?,
            (AUDIO, Some(_)) => {
                self.bytes += u64::try_from(packet.payload.len()).unwrap();
            }
            (REQUEST, Some(_)) => return Err((BAD_REQUEST, "a second request".to_owned())),
            _ => return Err((BAD_REQUEST, "audio before the request".to_owned())),
        }
        if packet.last && self.bytes == 0 {
            return Err((EMPTY_AUDIO, "empty audio".to_owned()));
        }
        let is_due = packet.kind == REQUEST || packet.last || self.is_due();
        self.heard = match packet.kind {
            AUDIO => packet.payload,
            _ => Vec::new(),
        };
        if !is_due {
            return Ok((None, false));
        }
        self.sequence += 1;
        self.answered = self.milliseconds();
        Ok((Some(self.answer(packet.last)), packet.last))
    }

    fn begin(&mut self, packet: &Packet) -> Result<(), (u32, String)> {
        let request: Value = serde_json::from_slice(&packet.payload)
            .map_err(|error| (BAD_REQUEST, format!("the request is not JSON: {error}")))?;
        if request["request"]["model_name"] != "bigmodel" || !request["audio"]["format"].is_string()
        {
            let message = "model_name or audio.format is wrong".to_owned();
            return Err((BAD_REQUEST, message));
        }
        self.form = Some(packet.form);
        Ok(())
    }

    const fn milliseconds(&self) -> u64 {
        self.bytes / BYTES_PER_MILLISECOND
    }

    const fn is_due(&self) -> bool {
        let (now, then) = (self.milliseconds(), self.answered);
        match self.pace {
            Pace::Packet => true,
            Pace::Change => now / MILLISECONDS_PER_WORD != then / MILLISECONDS_PER_WORD,
            Pace::End => now - then >= MILLISECONDS_UNANSWERED,
        }
    }

    fn answer(&self, last: bool) -> Vec<u8> {
        let milliseconds = self.milliseconds();
        let words = usize::try_from(milliseconds / MILLISECONDS_PER_WORD).unwrap();
        let text = "word ".repeat(words);
        let text = text.trim_end();
        let utterance = json!({
            "text": text, "start_time": 0, "end_time": milliseconds, "definite": last,
        });
        let answer = json!({
            "audio_info": {"duration": milliseconds},
            "result": {"text": text, "utterances": [utterance]},
        });
        packet::response(
            self.form.unwrap_or(0x10),
            self.sequence,
            last,
            &answer.to_string(),
        )
    }
}
