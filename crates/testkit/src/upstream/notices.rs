//! What an upstream met, told as it happens.

use std::collections::VecDeque;

use serde_json::{Value, json};
use tokio::sync::watch;

use super::{Dial, Seen, Upstream};
use crate::frame::Event;

/// One object for every handshake, one for every ending of a session. Names only: no value of a
/// header or a query is in them.
pub struct Notices {
    seen: watch::Receiver<Seen>,
    /// How far each dial is told.
    told: Vec<Stage>,
    /// The first that is not told to its end.
    open: usize,
    waiting: VecDeque<Value>,
}

#[derive(Clone, Copy, Eq, PartialEq)]
enum Stage {
    Unknown,
    Answered,
    Over,
}

impl Notices {
    /// Of this upstream, from its beginning.
    #[must_use]
    pub fn of(upstream: &Upstream) -> Self {
        Self {
            seen: upstream.seen.clone(),
            told: Vec::new(),
            open: 0,
            waiting: VecDeque::new(),
        }
    }

    /// The next one; `None` when the upstream is gone.
    pub async fn next(&mut self) -> Option<Value> {
        loop {
            self.look();
            if let Some(notice) = self.waiting.pop_front() {
                return Some(notice);
            }
            self.seen.changed().await.ok()?;
        }
    }

    fn look(&mut self) {
        let seen = self.seen.borrow_and_update();
        self.told.resize(seen.dials.len(), Stage::Unknown);
        let dials = seen.dials.iter().zip(&mut self.told).enumerate();
        for (index, (dial, stage)) in dials.skip(self.open) {
            if *stage == Stage::Unknown && dial.answered.is_some() {
                self.waiting.push_back(handshake(index, dial));
                *stage = match dial.answered {
                    Some(101) => Stage::Answered,
                    _ => Stage::Over,
                };
            }
            if *stage == Stage::Answered && dial.end.is_some() {
                self.waiting.push_back(ending(index, dial));
                *stage = Stage::Over;
            }
        }
        while self.told.get(self.open) == Some(&Stage::Over) {
            self.open += 1;
        }
    }
}

fn handshake(index: usize, dial: &Dial) -> Value {
    let query: Vec<_> = dial.query.iter().map(|(name, _)| name).collect();
    json!({
        "event": "handshake",
        "dial": index,
        "method": dial.method(),
        "path": dial.path,
        "query": query,
        "headers": dial.header_names(),
        "protocols": dial.protocols().into_iter().map(abridged).collect::<Vec<_>>(),
        "answered": dial.answered,
        "refused": dial.answered.filter(|status| *status >= 400),
    })
}

fn ending(index: usize, dial: &Dial) -> Value {
    let close = match &dial.end {
        Some(Event::Frame(frame)) => frame.close_parts().map(|(code, _)| code),
        _ => None,
    };
    json!({
        "event": "ending",
        "dial": index,
        "path": dial.path,
        "client_close": close,
        "vendor_close": dial.closed.as_ref().map(|(code, _)| code),
        "received": dial.received.to_json(),
        "sent": dial.sent.to_json(),
        "audio": dial.audio.to_json(),
    })
}

/// A subprotocol may be a credential; those that are not are short.
fn abridged(protocol: &str) -> String {
    const SHORT: usize = 32;
    if protocol.len() <= SHORT && !protocol.contains("real-") {
        return protocol.to_owned();
    }
    let start: String = protocol.chars().take(8).collect();
    format!("{start}…")
}
