//! Pings of the bridge's own, towards one peer.

use tokio::time::Instant;
use tollbridge_domain::Entropy;

use crate::{Pings, close::control, deadline::after};

/// Tells a silent peer from a vanished one. Only this bridge's own pongs are swallowed; the
/// peers' pings and pongs pass.
#[derive(Debug)]
pub(crate) struct Heartbeat {
    pings: Pings,
    /// Random, so that no peer's payload is mistaken for ours.
    tag: [u8; 8],
    sent: u32,
    due_at: Instant,
    /// When the oldest ping was sent since which nothing at all has come.
    unanswered_since: Option<Instant>,
}

impl Heartbeat {
    pub(crate) fn new(pings: Pings, entropy: &dyn Entropy, now: Instant) -> Self {
        let mut tag = [0; 8];
        entropy.fill(&mut tag);
        Self {
            pings,
            tag,
            sent: 0,
            due_at: after(now, pings.interval),
            unanswered_since: None,
        }
    }

    /// The next ping, with a payload that was never used before; towards an upstream it is masked.
    pub(crate) fn ping(&mut self, now: Instant, mask: Option<[u8; 4]>) -> Vec<u8> {
        self.sent = self.sent.wrapping_add(1);
        self.due_at = after(now, self.pings.interval);
        self.unanswered_since.get_or_insert(now);
        control(0x89, &self.payload(), mask)
    }

    /// Any byte from the peer is life, not only the pong.
    pub(crate) const fn heard(&mut self) {
        self.unanswered_since = None;
    }

    /// Whether a pong's payload answers a ping of ours; a late one does too.
    pub(crate) fn is_ours(&self, payload: impl Iterator<Item = u8>) -> bool {
        payload.take(self.tag.len()).eq(self.tag.iter().copied())
    }

    pub(crate) fn is_due(&self, now: Instant) -> bool {
        now >= self.due_at
    }

    /// When the next ping is due. One that is due already but found no frame boundary waits for
    /// the bytes that bring one, not for a clock.
    pub(crate) fn rings_at(&self, now: Instant) -> Option<Instant> {
        Some(self.due_at).filter(|at| *at > now)
    }

    /// When the peer is given up, if nothing comes.
    pub(crate) fn lost_at(&self) -> Option<Instant> {
        self.unanswered_since
            .map(|since| after(since, self.pings.pong_timeout))
    }

    fn payload(&self) -> Vec<u8> {
        [self.tag.as_slice(), &self.sent.to_be_bytes()].concat()
    }
}
