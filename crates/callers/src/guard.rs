//! What stands between a caller and whoever is asked about them.

use std::{
    future::Future,
    sync::{Arc, Mutex, MutexGuard, OnceLock, PoisonError},
    time::Duration,
};

use tokio::{sync::Semaphore, time::timeout};
use tollbridge_authn::Watcher;
use tollbridge_domain::{CallerName, Clock};

use crate::{
    breaker::{Breaker, Leave},
    trouble::Trouble,
};

/// How many questions of one caller may be open at once. More come in only when one ends: who
/// would be one too many learns it at once.
const AT_ONCE: usize = 64;

/// Deadline, bound and circuit breaker of one caller's questions; one for all worker threads.
pub(crate) struct Guard {
    name: CallerName,
    clock: Arc<dyn Clock>,
    patience: Duration,
    turns: Semaphore,
    breaker: Mutex<Breaker>,
    watcher: OnceLock<Watcher>,
}

/// Nobody can say; seconds after which asking again makes sense.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) struct Unavailable(pub(crate) u32);

impl Guard {
    pub(crate) fn new(name: CallerName, clock: Arc<dyn Clock>, patience: Duration) -> Self {
        Self {
            name,
            clock,
            patience,
            turns: Semaphore::new(AT_ONCE),
            breaker: Mutex::default(),
            watcher: OnceLock::new(),
        }
    }

    pub(crate) fn clock(&self) -> &dyn Clock {
        self.clock.as_ref()
    }

    /// The first watcher stays.
    pub(crate) fn watch(&self, watcher: &Watcher) {
        let _first = self.watcher.set(Arc::clone(watcher));
    }

    /// Asks, if that may be.
    ///
    /// # Cancellation
    /// A question that is dropped counts neither as answered nor as failed.
    pub(crate) async fn ask<T>(
        &self,
        asking: impl Future<Output = Result<T, Trouble>>,
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
        let outcome = timeout(self.patience, asking)
            .await
            .unwrap_or(Err(Trouble::Timeout(self.patience)));
        asked.end(&outcome);
        outcome.map_err(|_told| Unavailable(self.breaker().rest(self.clock.now())))
    }

    fn tell(&self, outcome: Result<(), &str>) {
        if let Some(watcher) = self.watcher.get() {
            watcher(&self.name, outcome);
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
    fn end<T>(&mut self, outcome: &Result<T, Trouble>) {
        self.answered = true;
        let now = self.guard.clock.now();
        match outcome {
            Ok(_) => {
                self.guard.breaker().succeed();
                self.guard.tell(Ok(()));
            }
            Err(trouble) => {
                self.guard.breaker().fail(self.leave, now);
                self.guard.tell(Err(&trouble.to_string()));
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
        let name = CallerName::parse("app").unwrap();
        Guard::new(name, Arc::new(clock.clone()), Duration::from_millis(1))
    }

    async fn fail(guard: &Guard) -> Result<(), Unavailable> {
        guard.ask(async { Err(Trouble::Answer("nothing")) }).await
    }

    #[actix_rt::test]
    async fn who_fails_five_times_is_left_alone_and_tried_again() {
        let clock = ManualClock::at(Moment::from_seconds(1_000));
        let guard = guard(&clock);
        for _ in 0..5 {
            assert_eq!(fail(&guard).await, Err(Unavailable(1)));
        }
        let asked = Cell::new(false);
        let asking = async {
            asked.set(true);
            Ok(())
        };
        assert_eq!(guard.ask(asking).await, Err(Unavailable(1)));
        assert!(!asked.get());
        clock.advance(1);
        assert_eq!(guard.ask(async { Ok(7) }).await, Ok(7));
        assert_eq!(fail(&guard).await, Err(Unavailable(1)));
    }

    #[actix_rt::test]
    async fn what_does_not_come_in_time_is_a_failure() {
        let clock = ManualClock::at(Moment::from_seconds(1_000));
        let guard = guard(&clock);
        assert!(guard.ask::<()>(pending()).await.is_err());
    }

    #[actix_rt::test]
    async fn one_question_too_many_is_not_asked() {
        let clock = ManualClock::at(Moment::from_seconds(1_000));
        let guard = guard(&clock);
        let _all = guard.turns.acquire_many(64).await.unwrap();
        assert_eq!(guard.ask(async { Ok(()) }).await, Err(Unavailable(1)));
    }
}
