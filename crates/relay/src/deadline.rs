//! One timer for all of a session's deadlines.

use std::{
    pin::Pin,
    task::{Context, Poll},
    time::Duration,
};

use tokio::time::{Instant, Sleep, sleep_until};

/// Wakes at the earliest deadline or before it. It is moved only when it would come too late, so
/// that traffic, which pushes deadlines back, costs no timer operation.
#[derive(Debug)]
pub(crate) struct Alarm(Pin<Box<Sleep>>);

impl Alarm {
    pub(crate) fn new(at: Instant) -> Self {
        Self(Box::pin(sleep_until(at)))
    }

    /// When it rings, or rang.
    pub(crate) fn rings_at(&self) -> Instant {
        self.0.deadline()
    }

    /// Ready when it rang: look at all deadlines again, none need have passed.
    pub(crate) fn poll(&mut self, cx: &mut Context<'_>, next: Instant) -> Poll<()> {
        if next < self.0.deadline() || self.0.is_elapsed() {
            self.0.as_mut().reset(next);
        }
        self.0.as_mut().poll(cx)
    }
}

/// `instant` plus `delay`; a delay beyond all clocks is a century.
pub(crate) fn after(instant: Instant, delay: Duration) -> Instant {
    instant
        .checked_add(delay)
        .unwrap_or_else(|| instant + CENTURY)
}

const CENTURY: Duration = Duration::from_secs(100 * 365 * 24 * 3600);
