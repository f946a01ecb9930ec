//! Counters of a running session.

use std::{
    sync::atomic::{AtomicU64, Ordering},
    time::Duration,
};

use tokio::time::Instant;

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
    last_activity: AtomicU64,
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
    /// Milliseconds from the session's start to the last data in either direction.
    pub last_activity: u64,
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
            last_activity: read(&self.last_activity),
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

    fn mark_activity(&self, age: Duration) {
        let millis = age.as_secs().saturating_mul(1000) + u64::from(age.subsec_millis());
        self.last_activity.store(millis, Ordering::Relaxed);
    }
}

/// Keeps a meter's `last_activity`, which counts in milliseconds: what follows within one is not worth
/// reckoning, and a flood would do it for each message.
pub(crate) struct Activity {
    started: Instant,
    due_at: Instant,
}

impl Activity {
    /// Of a session that starts now.
    pub(crate) const fn since(now: Instant) -> Self {
        Self {
            started: now,
            due_at: now,
        }
    }

    pub(crate) fn mark(&mut self, now: Instant, meter: &Meter) {
        if now >= self.due_at {
            meter.mark_activity(now.saturating_duration_since(self.started));
            self.due_at = now + Duration::from_millis(1);
        }
    }
}

/// By the one writer there is.
fn add(counter: &AtomicU64, more: u64) {
    counter.store(
        counter.load(Ordering::Relaxed).wrapping_add(more),
        Ordering::Relaxed,
    );
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_last_activity_is_right_to_the_millisecond() {
        let start = Instant::now();
        let meter = Meter::default();
        let mut activity = Activity::since(start);
        let mut marked = |micros| {
            activity.mark(start + Duration::from_micros(micros), &meter);
            meter.snapshot().last_activity
        };
        let at = [0, 999, 1000, 1500, 2001, 2999, 3_600_000_000];
        assert_eq!(at.map(&mut marked), [0, 0, 1, 1, 2, 2, 3_600_000]);
    }
}
