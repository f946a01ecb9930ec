//! What stands between those who want to know something and whoever is asked.

use std::{
    fmt::Display,
    future::Future,
    sync::{Arc, Mutex, MutexGuard, OnceLock, PoisonError},
    time::Duration,
};

use tokio::{sync::Semaphore, time::timeout};
use tollbridge_domain::Clock;

use crate::breaker::{Breaker, Leave};

/// How many questions of one kind may be open at once. More come in only when one ends: who
/// would be one too many learns it at once.
const AT_ONCE: usize = 64;

/// Deadline, bound and circuit breaker of one kind of questions, as one caller's or one route's;
/// one for all worker threads.
pub struct Guard {
    clock: Arc<dyn Clock>,
    patience: Duration,
    turns: Semaphore,
    breaker: Mutex<Breaker>,
    watcher: OnceLock<Told>,
}

/// Is told how a question that was asked ended: well, or why not, in words for the operator's log.
type Told = Box<dyn Fn(Result<(), &str>) + Send + Sync>;

/// Nobody can say; seconds after which asking again makes sense.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct Unavailable(pub u32);

impl Guard {
    /// Nobody has been asked yet. An answer may take as long as `patience`.
    #[must_use]
    pub fn new(clock: Arc<dyn Clock>, patience: Duration) -> Self {
        Self {
            clock,
            patience,
            turns: Semaphore::new(AT_ONCE),
            breaker: Mutex::default(),
            watcher: OnceLock::new(),
        }
    }

    /// The clock by which pauses are counted.
    #[must_use]
    pub fn clock(&self) -> &dyn Clock {
        self.clock.as_ref()
    }

    /// Has `watcher` told how each question ended that was asked. The first watcher stays.
    pub fn watch(&self, watcher: impl Fn(Result<(), &str>) + Send + Sync + 'static) {
        let _first = self.watcher.set(Box::new(watcher));
    }

    /// Asks, if that may be. `Display` of an error is for the operator's log: no secret.
    ///
    /// # Errors
    /// Where nobody answers in time, or is asked at all.
    ///
    /// # Cancellation
    /// A question that is dropped counts neither as answered nor as failed.
    pub async fn ask<T, E: Display>(
        &self,
        asking: impl Future<Output = Result<T, E>>,
    ) -> Result<T, Unavailable> {
        self.ask_of_strangers(asking, |_error| true).await
    }

    /// As [`Guard::ask`], where strangers have a part in the question: errors that one of them may bring
    /// about at will are no answer to that one, and do not count against whoever is asked.
    ///
    /// # Errors
    /// As [`Guard::ask`].
    pub async fn ask_of_strangers<T, E: Display>(
        &self,
        asking: impl Future<Output = Result<T, E>>,
        counts: impl Fn(&E) -> bool,
    ) -> Result<T, Unavailable> {
        let Ok(_turn) = self.turns.try_acquire() else {
            return Err(Unavailable(1));
        };
        let leave = self.breaker().enter(self.clock.now());
        let mut asked = Asked {
            guard: self,
            leave: leave.map_err(Unavailable)?,
            answered: false,
        };
        let outcome = match timeout(self.patience, asking).await {
            Ok(outcome) => outcome.map_err(|trouble| (trouble.to_string(), counts(&trouble))),
            Err(_late) => Err((format!("no answer came within {:?}", self.patience), true)),
        };
        asked.end(&outcome);
        outcome.map_err(|_told| Unavailable(self.breaker().rest(self.clock.now())))
    }

    fn tell(&self, outcome: Result<(), &str>) {
        if let Some(watcher) = self.watcher.get() {
            watcher(outcome);
        }
    }

    fn breaker(&self) -> MutexGuard<'_, Breaker> {
        self.breaker.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// A question that is open.
struct Asked<'a> {
    guard: &'a Guard,
    leave: Leave,
    answered: bool,
}

impl Asked<'_> {
    fn end<T>(&mut self, outcome: &Result<T, (String, bool)>) {
        self.answered = true;
        let now = self.guard.clock.now();
        match outcome {
            Ok(_) => {
                self.guard.breaker().succeed();
                self.guard.tell(Ok(()));
            }
            Err((trouble, counts)) => {
                if *counts {
                    self.guard.breaker().fail(self.leave, now);
                } else {
                    // Whoever is asked is there.
                    self.guard.breaker().succeed();
                }
                self.guard.tell(Err(trouble));
            }
        }
    }
}

impl Drop for Asked<'_> {
    fn drop(&mut self) {
        if !self.answered {
            self.guard.breaker().abandon(self.leave);
        }
    }
}

#[cfg(test)]
mod tests {
    use std::{cell::Cell, future::pending};

    use tollbridge_domain::Moment;
    use tollbridge_testkit::ManualClock;

    use super::*;

    fn guard(clock: &ManualClock) -> Guard {
        Guard::new(Arc::new(clock.clone()), Duration::from_millis(1))
    }

    async fn fail(guard: &Guard) -> Result<(), Unavailable> {
        guard.ask(async { Err("nothing") }).await
    }

    #[tokio::test]
    async fn who_fails_five_times_is_left_alone_and_tried_again() {
        let clock = ManualClock::at(Moment::from_seconds(1_000));
        let guard = guard(&clock);
        for _ in 0..5 {
            assert_eq!(fail(&guard).await, Err(Unavailable(1)));
        }
        let asked = Cell::new(false);
        let asking = async {
            asked.set(true);
            Ok::<_, &str>(())
        };
        assert_eq!(guard.ask(asking).await, Err(Unavailable(1)));
        assert!(!asked.get());
        clock.advance(1);
        assert_eq!(guard.ask(async { Ok::<_, &str>(7) }).await, Ok(7));
        assert_eq!(fail(&guard).await, Err(Unavailable(1)));
    }

    #[tokio::test]
    async fn what_does_not_come_in_time_is_a_failure() {
        let clock = ManualClock::at(Moment::from_seconds(1_000));
        let guard = guard(&clock);
        assert!(guard.ask::<(), &str>(pending()).await.is_err());
    }

    #[tokio::test]
    async fn one_question_too_many_is_not_asked() {
        let clock = ManualClock::at(Moment::from_seconds(1_000));
        let guard = guard(&clock);
        let _all = guard.turns.acquire_many(64).await.unwrap();
        assert_eq!(
            guard.ask(async { Ok::<_, &str>(()) }).await,
            Err(Unavailable(1))
        );
    }
}
