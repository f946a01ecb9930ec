//! A clock that moves only when told.

use std::sync::{
    Arc,
    atomic::{AtomicI64, Ordering},
};

use tollbridge_domain::{Clock, Moment};

/// Stands still until [`advance`](Self::advance)d. Clones show the same time.
#[derive(Clone, Debug)]
pub struct ManualClock(Arc<AtomicI64>);

impl ManualClock {
    /// Starts at `now`.
    #[must_use]
    pub fn at(now: Moment) -> Self {
        Self(Arc::new(AtomicI64::new(now.seconds())))
    }

    /// Moves on by so many seconds; negative steps back, as real clocks do.
    pub fn advance(&self, seconds: i64) {
        self.0.fetch_add(seconds, Ordering::SeqCst);
    }

    /// Jumps.
    pub fn set(&self, now: Moment) {
        self.0.store(now.seconds(), Ordering::SeqCst);
    }
}

impl Clock for ManualClock {
    fn now(&self) -> Moment {
        Moment::from_seconds(self.0.load(Ordering::SeqCst))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn it_moves_only_when_told() {
        let clock = ManualClock::at(Moment::from_seconds(1_000));
        let other = clock.clone();
        assert_eq!(other.now().seconds(), 1_000);
        clock.advance(30);
        assert_eq!(other.now().seconds(), 1_030);
    }
}
