//! What a stand-in understands of speech: a word for every 400 ms of it.

use serde_json::{Value, json};

/// How long a word of its language is.
const MILLISECONDS_PER_WORD: usize = 400;

/// Audio heard so far.
#[derive(Clone, Copy, Debug)]
pub(super) struct Speech {
    bytes: usize,
    bytes_per_second: usize,
    /// Milliseconds of it that are final.
    settled: usize,
}

/// A stretch of it, in milliseconds from the beginning.
#[derive(Clone, Copy, Debug)]
pub(super) struct Stretch {
    pub(super) start: usize,
    pub(super) end: usize,
}

impl Speech {
    /// PCM of 16 bits.
    pub(super) const fn at(rate: usize) -> Self {
        Self::of(2 * rate)
    }

    /// Any kind of sound of so many bytes a second.
    pub(super) const fn of(bytes_per_second: usize) -> Self {
        Self {
            bytes: 0,
            bytes_per_second,
            settled: 0,
        }
    }

    pub(super) const fn hear(&mut self, bytes: usize) {
        self.bytes += bytes;
    }

    pub(super) const fn milliseconds(&self) -> usize {
        self.milliseconds_of(self.bytes)
    }

    pub(super) const fn milliseconds_of(&self, bytes: usize) -> usize {
        bytes * 1_000 / self.bytes_per_second
    }

    /// What is not final yet.
    pub(super) const fn open(&self) -> Stretch {
        Stretch {
            start: self.settled,
            end: self.milliseconds(),
        }
    }

    /// Makes that final.
    pub(super) const fn settle(&mut self) -> Stretch {
        let open = self.open();
        self.settled = open.end;
        open
    }
}

impl Stretch {
    pub(super) const fn length(self) -> usize {
        self.end - self.start
    }

    /// Its words, with their beginning and end.
    pub(super) fn words(self) -> impl Iterator<Item = Self> {
        (0..self.length() / MILLISECONDS_PER_WORD).map(move |index| {
            let start = self.start + index * MILLISECONDS_PER_WORD;
            Self {
                start,
                end: start + MILLISECONDS_PER_WORD,
            }
        })
    }

    pub(super) fn text(self) -> String {
        vec!["word"; self.words().count()].join(" ")
    }

    /// Its beginning and end in seconds.
    #[expect(
        clippy::cast_precision_loss,
        reason = "hours of milliseconds are small"
    )]
    pub(super) fn seconds(self) -> (f64, f64) {
        (self.start as f64 / 1_000.0, self.end as f64 / 1_000.0)
    }

    /// Its words as JSON, each made by `write` from beginning and end in seconds.
    pub(super) fn list(self, write: impl Fn(f64, f64) -> Value) -> Value {
        let words = self.words().map(Self::seconds);
        json!(
            words
                .map(|(start, end)| write(start, end))
                .collect::<Vec<_>>()
        )
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_second_is_two_words_and_a_bit() {
        let mut speech = Speech::at(16_000);
        speech.hear(32_000);
        assert_eq!(speech.open().text(), "word word");
        assert_eq!(speech.settle().length(), 1_000);
        speech.hear(16_000);
        assert_eq!((speech.open().start, speech.open().end), (1_000, 1_500));
        assert_eq!(speech.open().words().count(), 1);
    }
}
