//! What all threads know of an issuer's keys, and what that lets one of them do.

use std::sync::Arc;

use tollbridge_domain::Moment;

use crate::key_set::KeySet;

/// How long keys are used beyond their time where newer ones cannot be had, in seconds.
const STALE: i64 = 60 * 60;

/// How often, in seconds, a key that is not in the set has the set fetched again.
const UNKNOWN_EVERY: i64 = 30;

/// The longest pause after a failure, in seconds.
const LONGEST_PAUSE: i64 = 5;

/// Kept under a lock that is never held while anything is waited for.
#[derive(Default)]
pub(crate) struct KeyBook {
    held: Option<Held>,
    /// The number of the fetch that is under way.
    flying: Option<u64>,
    flights: u64,
    failures: u32,
    failed: Option<Pause>,
    /// Until when an unknown key has nothing fetched.
    unknown: Option<Pause>,
}

struct Held {
    keys: Arc<KeySet>,
    since: Moment,
    due: Moment,
}

/// A time in which something is not done. A clock that steps back ends it.
#[derive(Clone, Copy)]
struct Pause {
    since: Moment,
    until: Moment,
}

/// What somebody who wants the keys is to do.
#[derive(Debug)]
pub(crate) enum Step {
    /// Verify by these.
    Use(Arc<KeySet>),
    /// Verify by these, and see to it that this fetch is made.
    UseAndRenew(Arc<KeySet>, u64),
    /// See to it that this fetch is made, and wait for it.
    Launch(u64),
    /// Wait for this fetch, which somebody else makes.
    Wait,
    /// There are none, and it is too early to ask again.
    Fail,
}

impl KeyBook {
    /// For somebody who wants to verify now.
    pub(crate) fn step(&mut self, now: Moment) -> Step {
        let keys = self.usable(now);
        let paused = holds(self.failed, now);
        match (keys, self.flying) {
            (Some(keys), None) if self.is_due(now) && !paused => {
                Step::UseAndRenew(keys, self.launch())
            }
            (Some(keys), _) => Step::Use(keys),
            (None, Some(_)) => Step::Wait,
            (None, None) if paused => Step::Fail,
            (None, None) => Step::Launch(self.launch()),
        }
    }

    /// For somebody whose token names a key that is not in these keys. [`Step::Use`] where newer
    /// ones have come meanwhile, or none may be fetched now and the last fetch was good.
    pub(crate) fn step_unknown(&mut self, seen: &Arc<KeySet>, now: Moment) -> Step {
        if self.flying.is_some() {
            return Step::Wait;
        }
        match self.usable(now) {
            Some(keys) if !Arc::ptr_eq(&keys, seen) => return Step::Use(keys),
            _ if holds(self.failed, now) => return Step::Fail,
            Some(keys) if holds(self.unknown, now) => return Step::Use(keys),
            _ => {}
        }
        self.unknown = Some(Pause::new(now, UNKNOWN_EVERY));
        Step::Launch(self.launch())
    }

    /// A fetch that was begun at `asked` has ended, with keys that may be kept for so long.
    pub(crate) fn land(
        &mut self,
        flight: u64,
        (asked, now): (Moment, Moment),
        outcome: Option<(KeySet, i64)>,
    ) {
        if self.flying == Some(flight) {
            self.flying = None;
        }
        if let Some((keys, life)) = outcome {
            self.failures = 0;
            self.failed = None;
            self.held = Some(Held {
                keys: Arc::new(keys),
                since: asked,
                due: asked.plus(life),
            });
        } else {
            self.failures = self.failures.saturating_add(1);
            let pause = match self.failures {
                0..=4 => 1,
                more => i64::from(more - 3).min(LONGEST_PAUSE),
            };
            self.failed = Some(Pause::new(now, pause));
            // What is unknown stays so only while somebody could have said otherwise.
            self.unknown = None;
        }
    }

    /// Whoever made it is gone: somebody else makes the next one.
    pub(crate) fn abandon(&mut self, flight: u64) {
        if self.flying == Some(flight) {
            self.flying = None;
            self.unknown = None;
        }
    }

    /// Seconds after which asking again makes sense.
    pub(crate) fn rest(&self, now: Moment) -> u32 {
        let rest = self.failed.map_or(1, |pause| pause.until.since(now));
        u32::try_from(rest.clamp(1, LONGEST_PAUSE)).unwrap_or(1)
    }

    fn usable(&self, now: Moment) -> Option<Arc<KeySet>> {
        let held = self.held.as_ref()?;
        (now < held.due.plus(STALE)).then(|| Arc::clone(&held.keys))
    }

    /// Also where the clock has stepped back, and nobody knows how old they are.
    fn is_due(&self, now: Moment) -> bool {
        let held = self.held.as_ref();
        held.is_none_or(|held| now >= held.due || now < held.since)
    }

    fn launch(&mut self) -> u64 {
        self.flights += 1;
        self.flying = Some(self.flights);
        self.flights
    }
}

impl Pause {
    const fn new(now: Moment, seconds: i64) -> Self {
        Self {
            since: now,
            until: now.plus(seconds),
        }
    }
}

fn holds(pause: Option<Pause>, now: Moment) -> bool {
    pause.is_some_and(|pause| pause.since <= now && now < pause.until)
}

#[cfg(test)]
mod tests {
    use super::*;

    const T0: Moment = Moment::from_seconds(1_000_000);

    fn launched(step: Step) -> u64 {
        match step {
            Step::Launch(flight) | Step::UseAndRenew(_, flight) => flight,
            other => panic!("no launch: {other:?}"),
        }
    }

    fn used(step: Step) -> Arc<KeySet> {
        match step {
            Step::Use(keys) => keys,
            other => panic!("no keys: {other:?}"),
        }
    }

    fn land(book: &mut KeyBook, flight: u64, now: Moment) {
        book.land(flight, (now, now), Some((KeySet::default(), 600)));
    }

    fn holding() -> KeyBook {
        let mut book = KeyBook::default();
        let flight = launched(book.step(T0));
        assert!(matches!(book.step(T0), Step::Wait));
        land(&mut book, flight, T0);
        book
    }

    #[test]
    fn keys_are_kept_renewed_when_due_and_stale_for_an_hour() {
        let mut book = holding();
        used(book.step(T0.plus(599)));
        let flight = launched(book.step(T0.plus(600)));
        let seen = used(book.step(T0.plus(600)));
        book.land(flight, (T0, T0.plus(601)), None);
        assert!(Arc::ptr_eq(&seen, &used(book.step(T0.plus(601)))));
        launched(book.step(T0.plus(602)));
        book.abandon(2 + 1);
        launched(book.step(T0.plus(600 + STALE - 1)));
        book.abandon(4);
        assert!(matches!(book.step(T0.plus(600 + STALE)), Step::Launch(5)));
    }

    #[test]
    fn the_first_unknown_key_fetches_at_once_and_the_next_after_half_a_minute() {
        let mut book = holding();
        let mut fetches = 0;
        for second in 0..90 {
            let now = T0.plus(second);
            for _token in 0..10 {
                let seen = used(book.step(now));
                if let Step::Launch(flight) = book.step_unknown(&seen, now) {
                    fetches += 1;
                    land(&mut book, flight, now);
                }
            }
        }
        assert_eq!(fetches, 3);
    }

    #[test]
    fn who_saw_older_keys_gets_the_newer_ones_without_a_fetch() {
        let mut book = holding();
        let old = used(book.step(T0));
        let flight = launched(book.step_unknown(&old, T0));
        assert!(matches!(book.step_unknown(&old, T0), Step::Wait));
        land(&mut book, flight, T0);
        assert!(!Arc::ptr_eq(&old, &used(book.step_unknown(&old, T0))));
    }

    #[test]
    fn a_fetch_for_an_unknown_key_that_failed_is_made_again_soon() {
        let mut book = holding();
        let seen = used(book.step(T0));
        let flight = launched(book.step_unknown(&seen, T0));
        book.land(flight, (T0, T0), None);
        assert!(matches!(book.step_unknown(&seen, T0), Step::Fail));
        launched(book.step_unknown(&seen, T0.plus(1)));
    }

    #[test]
    fn pauses_grow_to_five_seconds() {
        let mut book = KeyBook::default();
        let mut now = T0;
        for pause in [1, 1, 1, 1, 2, 3, 4, 5, 5] {
            let flight = launched(book.step(now));
            book.land(flight, (now, now), None);
            assert!(matches!(book.step(now.plus(pause - 1)), Step::Fail));
            now = now.plus(pause);
        }
    }
}
