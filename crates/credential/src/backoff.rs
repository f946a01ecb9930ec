//! Leaving somebody alone for a while.

use tollbridge_domain::Moment;

/// The longest pause, in seconds.
const LONGEST: i64 = 30;

/// A pause of a second that doubles up to half a minute each time it is needed again.
///
/// The clock counts whole seconds, so the first pause is a second at most.
#[derive(Debug, Default)]
pub(crate) struct Backoff {
    pause: i64,
    since: Moment,
    until: Moment,
}

impl Backoff {
    /// Begins a pause, unless there is one already: failures that come together count once.
    pub(crate) fn begin(&mut self, now: Moment) {
        if self.holds(now) {
            return;
        }
        self.pause = (self.pause * 2).clamp(1, LONGEST);
        self.since = now;
        self.until = now.plus(self.pause);
    }

    /// Whether the pause goes on. A clock that steps back does not make it longer.
    pub(crate) fn holds(&self, now: Moment) -> bool {
        self.since <= now && now < self.until
    }

    /// Whether it ended so long ago that the next one should be a short one again.
    pub(crate) fn is_forgotten(&self, now: Moment) -> bool {
        now.since(self.until) > 2 * LONGEST
    }

    /// All is well.
    pub(crate) fn end(&mut self) {
        *self = Self::default();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_pause_doubles_up_to_half_a_minute() {
        let mut backoff = Backoff::default();
        let mut now = Moment::from_seconds(1_000);
        for pause in [1, 2, 4, 8, 16, 30, 30] {
            backoff.begin(now);
            backoff.begin(now);
            assert!(backoff.holds(now.plus(pause - 1)), "{pause}");
            assert!(!backoff.holds(now.plus(pause)), "{pause}");
            now = now.plus(pause);
        }
        assert!(!backoff.is_forgotten(now.plus(60)));
        assert!(backoff.is_forgotten(now.plus(61)));
        backoff.end();
        backoff.begin(now);
        assert!(!backoff.holds(now.plus(1)));
    }

    #[test]
    fn a_clock_that_steps_back_does_not_prolong_it() {
        let mut backoff = Backoff::default();
        let now = Moment::from_seconds(10_000);
        backoff.begin(now);
        assert!(!backoff.holds(now.minus(3_600)));
    }
}
