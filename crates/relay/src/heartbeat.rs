//! Pings of the bridge's own, towards the client.

use std::time::Duration;

use tokio::time::Instant;
use tollbridge_domain::Entropy;

use crate::{close::control, deadline::after};

/// Tells a silent client from a vanished one. Only this bridge's own pongs are swallowed; the
/// peers' pings and pongs pass.
#[derive(Debug)]
pub(crate) struct Heartbeat {
    interval: Duration,
    /// Random, so that no peer's payload is mistaken for ours.
    tag: [u8; 8],
    sent: u32,
    due_at: Instant,
    heard_at: Instant,
    awaiting: bool,
}

impl Heartbeat {
    pub(crate) fn new(interval: Duration, entropy: &dyn Entropy, now: Instant) -> Self {
        let mut tag = [0; 8];
        entropy.fill(&mut tag);
        Self {
            interval,
            tag,
            sent: 0,
            due_at: after(now, interval),
            heard_at: now,
            awaiting: false,
        }
    }

    /// The next ping, with a payload that was never used before.
    pub(crate) fn ping(&mut self, now: Instant) -> Vec<u8> {
        self.sent = self.sent.wrapping_add(1);
        self.due_at = after(now, self.interval);
        self.awaiting = true;
        control(0x89, &self.payload(), None)
    }

    /// Any byte from the client is life, not only the pong.
    pub(crate) const fn heard(&mut self, now: Instant) {
        self.heard_at = now;
        self.awaiting = false;
    }

    /// Whether a pong's payload answers a ping of ours; a late one does too.
    pub(crate) fn is_ours(&self, payload: impl Iterator<Item = u8>) -> bool {
        payload.take(self.tag.len()).eq(self.tag.iter().copied())
    }

    pub(crate) fn is_due(&self, now: Instant) -> bool {
        now >= self.due_at
    }

    /// Whether a ping went unanswered and nothing at all has come for two intervals.
    pub(crate) fn is_over(&self, now: Instant) -> bool {
        self.awaiting && now >= self.gone_at()
    }

    /// When to look again. A ping that is due but found no frame boundary waits for the bytes
    /// that bring one, not for a clock.
    pub(crate) fn next(&self, now: Instant) -> Option<Instant> {
        let due = Some(self.due_at).filter(|at| *at > now);
        let gone = Some(self.gone_at()).filter(|_| self.awaiting);
        due.into_iter().chain(gone).min()
    }

    fn gone_at(&self) -> Instant {
        after(after(self.heard_at, self.interval), self.interval)
    }

    fn payload(&self) -> Vec<u8> {
        [self.tag.as_slice(), &self.sent.to_be_bytes()].concat()
    }
}
