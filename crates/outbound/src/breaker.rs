//! Leaving somebody alone who fails again and again.

use tollbridge_domain::Moment;

/// So many failures in a row are no accident.
const ENOUGH: u32 = 5;

/// The longest pause, in seconds: who recovers is noticed that soon.
const LONGEST: i64 = 2;

/// Closed: everybody asks. Open: nobody does, for a second at first, then for two. Then one asks,
/// and all others go by what comes of that.
///
/// The clock counts whole seconds, so a pause is up to one shorter.
#[derive(Debug, Default)]
pub(crate) struct Breaker {
    failures: u32,
    open: Option<Open>,
}

#[derive(Debug)]
struct Open {
    pause: i64,
    since: Moment,
    until: Moment,
    tried: bool,
}

/// Leave to ask.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) enum Leave {
    /// As everybody.
    Ordinary,
    /// As the one who tries whether it works again.
    Trial,
}

impl Breaker {
    /// Leave to ask, or the seconds after which there may be some.
    pub(crate) fn enter(&mut self, now: Moment) -> Result<Leave, u32> {
        let Some(open) = &mut self.open else {
            return Ok(Leave::Ordinary);
        };
        // A clock that stepped back does not make the pause longer.
        if open.since <= now && now < open.until {
            let rest = open.until.since(now);
            return Err(u32::try_from(rest).unwrap_or(1));
        }
        if open.tried {
            return Err(1);
        }
        open.tried = true;
        Ok(Leave::Trial)
    }

    /// An answer came.
    pub(crate) fn succeed(&mut self) {
        *self = Self::default();
    }

    /// None came.
    pub(crate) fn fail(&mut self, leave: Leave, now: Moment) {
        match (&self.open, leave) {
            (None, _) => {
                self.failures += 1;
                if self.failures >= ENOUGH {
                    self.open(1, now);
                }
            }
            (Some(open), Leave::Trial) => self.open((open.pause * 2).min(LONGEST), now),
            // Asked before the others gave up, and says nothing new.
            (Some(_), Leave::Ordinary) => {}
        }
    }

    /// Whoever asked did not wait for an answer: somebody else may try.
    pub(crate) fn abandon(&mut self, leave: Leave) {
        if let (Some(open), Leave::Trial) = (&mut self.open, leave) {
            open.tried = false;
        }
    }

    /// Seconds after which asking again makes sense.
    pub(crate) fn rest(&self, now: Moment) -> u32 {
        let rest = self.open.as_ref().map_or(1, |open| open.until.since(now));
        u32::try_from(rest.clamp(1, LONGEST)).unwrap_or(1)
    }

    fn open(&mut self, pause: i64, now: Moment) {
        self.open = Some(Open {
            pause,
            since: now,
            until: now.plus(pause),
            tried: false,
        });
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const T0: Moment = Moment::from_seconds(1_000);

    fn broken() -> Breaker {
        let mut breaker = Breaker::default();
        for _ in 0..ENOUGH {
            let leave = breaker.enter(T0).unwrap();
            breaker.fail(leave, T0);
        }
        breaker
    }

    #[test]
    fn four_failures_are_accidents_and_a_success_forgets_them() {
        let mut breaker = Breaker::default();
        for _ in 0..3 {
            for _ in 0..4 {
                assert_eq!(breaker.enter(T0), Ok(Leave::Ordinary));
                breaker.fail(Leave::Ordinary, T0);
            }
            breaker.succeed();
        }
        assert_eq!(broken().enter(T0), Err(1));
    }

    #[test]
    fn one_tries_after_a_pause_that_grows_to_two_seconds() {
        let mut breaker = broken();
        let mut now = T0.plus(1);
        for pause in [2, 2, 2] {
            assert_eq!(breaker.enter(now), Ok(Leave::Trial));
            assert_eq!(breaker.enter(now), Err(1));
            breaker.fail(Leave::Trial, now);
            assert_eq!(breaker.enter(now), Err(u32::try_from(pause).unwrap()));
            assert!(breaker.enter(now.plus(pause - 1)).is_err());
            now = now.plus(pause);
        }
        assert_eq!(breaker.enter(now), Ok(Leave::Trial));
        breaker.succeed();
        assert_eq!(breaker.enter(now), Ok(Leave::Ordinary));
    }

    #[test]
    fn a_trial_that_is_abandoned_is_somebody_elses() {
        let mut breaker = broken();
        let now = T0.plus(1);
        assert_eq!(breaker.enter(now), Ok(Leave::Trial));
        breaker.abandon(Leave::Trial);
        assert_eq!(breaker.enter(now), Ok(Leave::Trial));
    }

    #[test]
    fn a_late_failure_does_not_prolong_the_pause_and_neither_does_a_clock_that_steps_back() {
        let mut breaker = broken();
        breaker.fail(Leave::Ordinary, T0);
        assert_eq!(breaker.enter(T0.plus(1)), Ok(Leave::Trial));
        let mut breaker = broken();
        assert_eq!(breaker.enter(T0.minus(3_600)), Ok(Leave::Trial));
    }
}
