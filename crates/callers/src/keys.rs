//! The keys of one issuer, shared by all worker threads and fetched as rarely as possible.

use std::{
    pin::pin,
    sync::{Arc, Mutex, MutexGuard, OnceLock, PoisonError},
    time::Duration,
};

use tokio::{
    sync::{Notify, Semaphore},
    time::timeout,
};
use tollbridge_authn::Watcher;
use tollbridge_domain::{CallerName, Clock};
use tollbridge_outbound::{Tls, Unavailable};

use crate::{
    discovery::Published,
    key_book::{KeyBook, Step},
    key_set::KeySet,
    trouble::Trouble,
};

/// How long a fetch may take, discovery and keys together. One that hangs when the issuer comes back
/// is waited for this long before another is made.
const PATIENCE: Duration = Duration::from_secs(2);

/// What those who wait have beyond that, so that they learn how it ended.
const GRACE: Duration = Duration::from_millis(500);

/// How many may wait for a fetch. It is one fetch for all of them, so they cost little more than
/// their requests do.
const MOST_WAITING: usize = 1_024;

/// One issuer's keys. Nothing of them is ever shared with another issuer's.
///
/// A fetch runs as a task of its own on the worker whose need was first and is not broken off when
/// that client leaves; where its worker ends, another of those who wait makes it.
pub(crate) struct Keys(Arc<Core>);

struct Core {
    name: CallerName,
    published: Published,
    tls: Tls,
    clock: Arc<dyn Clock>,
    book: Mutex<KeyBook>,
    /// Something in the book has changed.
    news: Notify,
    waiting: Semaphore,
    watcher: OnceLock<Watcher>,
}

impl Keys {
    pub(crate) fn new(
        name: CallerName,
        published: Published,
        tls: Tls,
        clock: Arc<dyn Clock>,
    ) -> Self {
        Self(Arc::new(Core {
            name,
            published,
            tls,
            clock,
            book: Mutex::default(),
            news: Notify::new(),
            waiting: Semaphore::new(MOST_WAITING),
            watcher: OnceLock::new(),
        }))
    }

    /// The first watcher stays.
    pub(crate) fn watch(&self, watcher: &Watcher) {
        let _first = self.0.watcher.set(Arc::clone(watcher));
    }

    /// The keys as they are known.
    pub(crate) async fn known(&self) -> Result<Arc<KeySet>, Unavailable> {
        self.0.settle(|book, clock| book.step(clock.now())).await
    }

    /// The keys as they are after one more look, where that may be had. The same as `seen` where
    /// it may not, or brought nothing new.
    pub(crate) async fn newer_than(&self, seen: &Arc<KeySet>) -> Result<Arc<KeySet>, Unavailable> {
        self.0
            .settle(|book, clock| book.step_unknown(seen, clock.now()))
            .await
    }
}

impl Core {
    /// Steps until there are keys or nobody can say.
    async fn settle(
        self: &Arc<Self>,
        step: impl Fn(&mut KeyBook, &dyn Clock) -> Step,
    ) -> Result<Arc<KeySet>, Unavailable> {
        let settled = timeout(PATIENCE + GRACE, self.steps(step)).await;
        settled.unwrap_or(Err(Unavailable(1)))
    }

    async fn steps(
        self: &Arc<Self>,
        step: impl Fn(&mut KeyBook, &dyn Clock) -> Step,
    ) -> Result<Arc<KeySet>, Unavailable> {
        loop {
            let mut news = pin!(self.news.notified());
            // From here on nothing is missed, whichever thread it happens on.
            news.as_mut().enable();
            let next = step(&mut self.book(), self.clock.as_ref());
            match next {
                Step::Use(keys) => return Ok(keys),
                Step::UseAndRenew(keys, flight) => {
                    self.launch(flight);
                    return Ok(keys);
                }
                Step::Launch(flight) => self.launch(flight),
                Step::Wait => {}
                Step::Fail => return Err(Unavailable(self.book().rest(self.clock.now()))),
            }
            let Ok(_place) = self.waiting.try_acquire() else {
                return Err(Unavailable(1));
            };
            news.await;
        }
    }

    fn launch(self: &Arc<Self>, number: u64) {
        let flight = Flight {
            core: Arc::clone(self),
            number,
            landed: false,
        };
        actix_rt::spawn(flight.fly());
    }

    fn tell(&self, outcome: Result<(), &str>) {
        if let Some(watcher) = self.watcher.get() {
            watcher(&self.name, outcome);
        }
    }

    fn book(&self) -> MutexGuard<'_, KeyBook> {
        self.book.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// The right and the duty to make a fetch. Dropped before it has landed, e.g. with the worker that
/// it flew on, it leaves the right to somebody else.
struct Flight {
    core: Arc<Core>,
    number: u64,
    landed: bool,
}

impl Flight {
    async fn fly(mut self) {
        let core = Arc::clone(&self.core);
        let asked = core.clock.now();
        let fetched = timeout(PATIENCE, core.published.keys(&core.tls)).await;
        let fetched = fetched.unwrap_or(Err(Trouble::Timeout(PATIENCE)));
        self.landed = true;
        let told = fetched.as_ref().err().map(ToString::to_string);
        let times = (asked, core.clock.now());
        core.book().land(self.number, times, fetched.ok());
        core.news.notify_waiters();
        core.tell(told.as_deref().map_or(Ok(()), Err));
    }
}

impl Drop for Flight {
    fn drop(&mut self) {
        if !self.landed {
            self.core.book().abandon(self.number);
            self.core.news.notify_waiters();
        }
    }
}
