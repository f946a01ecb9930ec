//! Counters of a running session.

use std::sync::atomic::{AtomicU64, Ordering};

use crate::{Side, Tally};

/// Counters that others read while the session runs. Up is from the client to the upstream.
///
/// Only the session's own thread counts, so that it need not lock the bus for it as a common
/// counter would: that is a good part of what a small message costs here.
#[derive(Debug, Default)]
pub struct Meter {
    bytes_up: AtomicU64,
    bytes_down: AtomicU64,
    frames_up: AtomicU64,
    frames_down: AtomicU64,
    messages_up: AtomicU64,
    messages_down: AtomicU64,
}

/// A reading of a [`Meter`].
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
pub struct Counts {
    /// Bytes read from the client after its handshake.
    pub bytes_up: u64,
    /// Bytes read from the upstream after its handshake.
    pub bytes_down: u64,
    /// Frames from the client, control frames included.
    pub frames_up: u64,
    /// Frames from the upstream, control frames included.
    pub frames_down: u64,
    /// Complete data messages from the client.
    pub messages_up: u64,
    /// Complete data messages from the upstream.
    pub messages_down: u64,
}

impl Meter {
    /// What the counters say now; each is right, together they may be a moment apart.
    #[must_use]
    pub fn snapshot(&self) -> Counts {
        let read = |counter: &AtomicU64| counter.load(Ordering::Relaxed);
        Counts {
            bytes_up: read(&self.bytes_up),
            bytes_down: read(&self.bytes_down),
            frames_up: read(&self.frames_up),
            frames_down: read(&self.frames_down),
            messages_up: read(&self.messages_up),
            messages_down: read(&self.messages_down),
        }
    }

    pub(crate) fn add_bytes(&self, from: Side, bytes: usize) {
        let counter = match from {
            Side::Client => &self.bytes_up,
            Side::Upstream | Side::Bridge => &self.bytes_down,
        };
        add(counter, bytes as u64);
    }

    pub(crate) fn add_tally(&self, from: Side, tally: Tally) {
        let (frames, messages) = match from {
            Side::Client => (&self.frames_up, &self.messages_up),
            Side::Upstream | Side::Bridge => (&self.frames_down, &self.messages_down),
        };
        add(frames, tally.frames);
        add(messages, tally.messages);
    }
}

/// By the one writer there is.
fn add(counter: &AtomicU64, more: u64) {
    counter.store(
        counter.load(Ordering::Relaxed).wrapping_add(more),
        Ordering::Relaxed,
    );
}
