//! What an upstream remembers of one dial.

use serde_json::{Value, json};

use super::{Seen, Tally};
use crate::{
    frame::{Event, Frame},
    head::{self, Head},
};

use tokio::sync::watch;

/// Frames beyond this many, or of more bytes than this in all, are counted and not kept.
const KEPT_FRAMES: usize = 20_000;
const KEPT_BYTES: u64 = 128 * 1024 * 1024;

/// One dial: what was asked, what was answered, what was said.
#[derive(Clone, Debug, Default)]
pub struct Dial {
    /// The request head as it came.
    pub head: String,
    /// The path of the request's target.
    pub path: String,
    /// Its query, decoded, in order.
    pub query: Vec<(String, String)>,
    /// Its headers, in order, names as they came.
    pub headers: Vec<(String, String)>,
    /// The status of the answer.
    pub answered: Option<u16>,
    /// Frames received, unmasked.
    pub frames: Vec<Frame>,
    /// How the other side ended: with a close frame, or without.
    pub end: Option<Event>,
    /// All payloads of data frames received.
    pub received: Tally,
    /// All payloads of data frames sent.
    pub sent: Tally,
    /// The audio found in what was received.
    pub audio: Tally,
    /// Whether it came over TLS.
    pub tls: bool,
    /// Code and reason of the first close frame sent.
    pub closed: Option<(u16, String)>,
}

impl Dial {
    /// All values of a header, in order.
    #[must_use]
    pub fn header_values(&self, name: &str) -> Vec<&str> {
        head::all(&self.headers, name)
    }

    /// All values of a query parameter, in order.
    #[must_use]
    pub fn query_values(&self, name: &str) -> Vec<&str> {
        self.query
            .iter()
            .filter(|(it, _)| it == name)
            .map(|(_, value)| value.as_str())
            .collect()
    }

    /// The method of the request.
    #[must_use]
    pub fn method(&self) -> &str {
        self.head.split(' ').next().unwrap_or_default()
    }

    /// The subprotocols offered, in order.
    #[must_use]
    pub fn protocols(&self) -> Vec<&str> {
        self.header_values("sec-websocket-protocol")
            .into_iter()
            .flat_map(|list| list.split(','))
            .map(str::trim)
            .filter(|protocol| !protocol.is_empty())
            .collect()
    }

    /// The names of all headers in lower case, sorted.
    #[must_use]
    pub fn header_names(&self) -> Vec<String> {
        let mut names: Vec<_> = self
            .headers
            .iter()
            .map(|(name, _)| name.to_ascii_lowercase())
            .collect();
        names.sort();
        names
    }

    /// For a report: sums, no contents.
    #[must_use]
    pub fn to_json(&self) -> Value {
        let close = match &self.end {
            Some(Event::Frame(frame)) => frame.close_parts().map(|(code, _)| code),
            _ => None,
        };
        json!({
            "path": self.path,
            "answered": self.answered,
            "received": self.received.to_json(),
            "sent": self.sent.to_json(),
            "audio": self.audio.to_json(),
            "ended": self.end.is_some(),
            "close": close,
        })
    }

    pub(super) fn new(head: Head, tls: bool) -> Self {
        let target = head.start.split(' ').nth(1).unwrap_or_default();
        let (path, query) = target.split_once('?').unwrap_or((target, ""));
        Self {
            path: path.to_owned(),
            query: parse_query(query),
            head: head.raw,
            headers: head.headers,
            tls,
            ..Self::default()
        }
    }

    fn keep(&mut self, frame: &Frame, whole: bool) {
        if !frame.is_control() {
            self.received.add(&frame.payload);
        }
        if whole && self.frames.len() < KEPT_FRAMES && self.received.bytes < KEPT_BYTES {
            self.frames.push(frame.clone());
        }
    }
}

/// The pen with which a connection writes its dial.
#[derive(Clone)]
pub(crate) struct Pen {
    seen: watch::Sender<Seen>,
    index: usize,
    forgetful: bool,
}

impl Pen {
    pub(super) fn new(seen: watch::Sender<Seen>, head: Head, tls: bool) -> Self {
        let mut index = 0;
        seen.send_modify(|seen| {
            index = seen.dials.len();
            seen.dials.push(Dial::new(head, tls));
        });
        Self {
            seen,
            index,
            forgetful: false,
        }
    }

    /// Writes down sums and no frames.
    pub(super) const fn forgetful(mut self) -> Self {
        self.forgetful = true;
        self
    }

    pub(super) fn answered(&self, status: u16) {
        self.write(|dial| dial.answered = Some(status));
    }

    pub(super) fn received(&self, event: &Event) {
        self.write(|dial| match event {
            Event::Frame(frame) => {
                dial.keep(frame, !self.forgetful);
                if frame.opcode == crate::frame::CLOSE {
                    dial.end.get_or_insert_with(|| event.clone());
                }
            }
            Event::Eof | Event::Reset => {
                dial.end.get_or_insert_with(|| event.clone());
            }
        });
    }

    pub(super) fn sent(&self, frame: &Frame) {
        if !frame.is_control() {
            self.write(|dial| dial.sent.add(&frame.payload));
        } else if let Some(parts) = frame.close_parts() {
            self.write(|dial| {
                dial.closed.get_or_insert(parts);
            });
        }
    }

    pub(super) fn audio(&self, bytes: &[u8]) {
        self.write(|dial| dial.audio.add(bytes));
    }

    /// What is written so far.
    pub(super) fn dial(&self) -> Dial {
        self.seen.borrow().dials[self.index].clone()
    }

    fn write(&self, write: impl FnOnce(&mut Dial)) {
        self.seen
            .send_modify(|seen| write(&mut seen.dials[self.index]));
    }
}

pub(super) fn parse_query(query: &str) -> Vec<(String, String)> {
    query
        .split('&')
        .filter(|pair| !pair.is_empty())
        .map(|pair| {
            let (name, value) = pair.split_once('=').unwrap_or((pair, ""));
            (percent_decoded(name), percent_decoded(value))
        })
        .collect()
}

fn percent_decoded(text: &str) -> String {
    let mut out = Vec::new();
    let mut rest = text.as_bytes();
    while let Some((&byte, tail)) = rest.split_first() {
        let hex = tail.get(..2).and_then(|hex| std::str::from_utf8(hex).ok());
        let decoded = hex.and_then(|hex| u8::from_str_radix(hex, 16).ok());
        match (byte, decoded) {
            (b'%', Some(decoded)) => {
                out.push(decoded);
                rest = &tail[2..];
            }
            (b'+', _) => {
                out.push(b' ');
                rest = tail;
            }
            _ => {
                out.push(byte);
                rest = tail;
            }
        }
    }
    String::from_utf8_lossy(&out).into_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_query_is_decoded_and_keeps_its_order() {
        let query = parse_query("a=1&b=%C3%BC+x&a=%zz&c");
        let expected = [("a", "1"), ("b", "ü x"), ("a", "%zz"), ("c", "")];
        assert_eq!(
            query,
            expected.map(|(name, value)| (name.to_owned(), value.to_owned()))
        );
    }
}
