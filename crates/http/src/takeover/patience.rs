//! How long a head may take that is not a connection's first.
//!
//! actix looks at the clock for the first head only, and its keep-alive ends with the first byte
//! that follows an answer: one byte more would keep a connection open for ever.

use std::{pin::Pin, task::Context, time::Duration};

use tokio::time::{Sleep, sleep};

use super::gate::Gate;

/// The time that the head which has begun may still take.
pub(super) struct Patience {
    longest: Duration,
    /// How many requests had come when the head began.
    requests: u64,
    begun: bool,
    over: Option<Pin<Box<Sleep>>>,
}

impl Patience {
    pub(super) const fn of(longest: Duration) -> Self {
        Self {
            longest,
            requests: 0,
            begun: false,
            over: None,
        }
    }

    /// Something was let through.
    pub(super) fn note(&mut self, gate: &Gate) {
        // While a request is answered it is its body, and whoever reads that has a deadline.
        self.begun |= !gate.is_busy();
    }

    /// Whether the head that has begun took too long.
    pub(super) fn is_over(&mut self, cx: &mut Context<'_>, gate: &Gate) -> bool {
        if gate.requests() != self.requests {
            self.requests = gate.requests();
            self.begun = false;
            self.over = None;
        }
        // The first head is actix's to judge: it answers 408.
        if self.requests == 0 || !self.begun || gate.is_busy() {
            return false;
        }
        let longest = self.longest;
        let over = self.over.get_or_insert_with(|| Box::pin(sleep(longest)));
        over.as_mut().poll(cx).is_ready()
    }
}
