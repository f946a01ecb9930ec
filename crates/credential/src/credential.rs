//! One route's credential, shared by all worker threads.

use std::{
    fmt,
    pin::pin,
    sync::{Arc, Mutex, MutexGuard, OnceLock, PoisonError},
    time::Duration,
};

use tokio::{
    sync::{Notify, Semaphore},
    time::timeout,
};
use tollbridge_domain::{Clock, Moment, Secret};

use crate::{
    FetchError, Fetched, Http, Source, Tls,
    book::{Book, Step},
    flight::Flight,
    source::Means,
    value::Harvest,
};

/// How many dials at once may ask a source of which each must ask anew.
const AT_ONCE: usize = 16;

/// What those who wait have beyond the fetch that they wait for, so that its own failure is what
/// they learn.
const GRACE: Duration = Duration::from_millis(500);

/// What a source gives, asked for as rarely as possible.
///
/// - While it is good it is given out at once. Five minutes before its end, or a fifth of its life
///   where that is less, the next who wants it starts a renewal; nobody waits for that.
/// - Where there is none, all wait for one fetch. It runs as a task of its own on the worker whose
///   need was first, and is not broken off when that client leaves; it ends with its worker, and
///   then another of those who wait makes it.
/// - After a failure the source is left alone, for a second at first and up to 30; who comes in
///   between learns the last failure at once, unless the old credential still lasts.
/// - What may be used once (`cache_for` zero) is not shared: each dial fetches for itself, at most
///   16 at a time, and failures are remembered as above.
pub struct Credential(Arc<Core>);

/// What a fetch needs, on whichever thread it runs.
pub(crate) struct Core {
    source: Source,
    clock: Arc<dyn Clock>,
    patience: Duration,
    tls: Tls,
    book: Mutex<Book>,
    /// Something in the book has changed.
    news: Notify,
    turns: Semaphore,
    watcher: OnceLock<Watcher>,
}

type Watcher = Box<dyn Fn(Result<(), &FetchError>) + Send + Sync>;

impl Credential {
    /// Asks `source` for at most `timeout` each time (a token command has its own).
    #[must_use]
    pub fn new(source: Source, clock: Arc<dyn Clock>, timeout: Duration, tls: Tls) -> Self {
        Self(Arc::new(Core {
            patience: source.own_timeout().unwrap_or(timeout),
            source,
            clock,
            tls,
            book: Mutex::default(),
            news: Notify::new(),
            turns: Semaphore::new(AT_ONCE),
            watcher: OnceLock::new(),
        }))
    }

    /// Has `watcher` told how each fetch ended, for log and metrics: a renewal that fails while the
    /// old credential still lasts is seen by nobody else. Called on a worker thread, once for each
    /// fetch. The first watcher stays.
    pub fn watch(&self, watcher: impl Fn(Result<(), &FetchError>) + Send + Sync + 'static) {
        let _first = self.0.watcher.set(Box::new(watcher));
    }

    /// What the source is asked with: whoever is behind it may know that and repeat it, and nobody
    /// else should.
    #[must_use]
    pub fn secrets(&self) -> Vec<Secret<String>> {
        self.0.source.secrets()
    }

    /// The credential to dial with.
    ///
    /// # Errors
    /// Where there is none and none can be had, or could a moment ago.
    ///
    /// # Cancellation
    /// Dropping the future breaks off nothing that others wait for.
    ///
    /// # Panics
    /// Outside of an actix worker and without a local task set.
    pub async fn get(&self, http: &Http) -> Result<Fetched, FetchError> {
        let core = &self.0;
        let patience = core.patience + GRACE;
        let got = if core.source.is_kept() {
            timeout(patience, core.shared(http)).await
        } else {
            timeout(patience, core.alone(http)).await
        };
        got.unwrap_or(Err(FetchError::Timeout(core.patience)))
    }

    /// Somebody may have put another secret in place: the next [`get`](Self::get) begins a renewal,
    /// and is itself given what is held.
    pub fn renew_soon(&self) {
        self.0.book().age();
    }

    /// An upstream answered 401 to this one: the next [`get`](Self::get) renews it, once, however
    /// many report the same one. Where the upstream refuses the new one as well, and again, it is
    /// renewed at growing intervals only, up to half a minute.
    pub fn refused(&self, fetched: &Fetched) {
        let now = self.0.now();
        self.0.book().refuse(fetched.generation(), now);
    }
}

impl Core {
    async fn shared(self: &Arc<Self>, http: &Http) -> Result<Fetched, FetchError> {
        loop {
            let mut news = pin!(self.news.notified());
            // From here on nothing is missed, whichever thread it happens on.
            news.as_mut().enable();
            let step = self.book().step(self.now());
            let flight = match step {
                Step::Use(fetched) => return Ok(fetched),
                Step::UseAndRenew(fetched, flight) => {
                    self.launch(flight, http);
                    return Ok(fetched);
                }
                Step::Launch(flight) => {
                    self.launch(flight, http);
                    flight
                }
                Step::Wait(flight) => flight,
                Step::Fail(error) => return Err(error),
            };
            news.await;
            if let Some(outcome) = self.book().outcome(flight) {
                return outcome;
            }
        }
    }

    fn launch(self: &Arc<Self>, flight: u64, http: &Http) {
        let flight = Flight::new(Arc::clone(self), flight);
        let http = http.clone();
        actix_rt::spawn(async move {
            let asked = flight.core().now();
            let outcome = flight.core().fetch(&http, asked).await;
            flight.land(asked, outcome);
        });
    }

    async fn alone(&self, http: &Http) -> Result<Fetched, FetchError> {
        let turn = self.turns.acquire().await;
        let _turn = turn.map_err(|_closed| FetchError::Abandoned)?;
        let asked = self.now();
        let failing = self.book().failing(asked);
        if let Some(error) = failing {
            return Err(error);
        }
        let outcome = match self.fetch(http, asked).await {
            Ok(harvest) => Ok(self.book().succeed(harvest)),
            Err(error) => {
                self.book().fail(&error, self.now());
                Err(error)
            }
        };
        self.tell(outcome.as_ref().err());
        outcome
    }

    async fn fetch(&self, http: &Http, now: Moment) -> Result<Harvest, FetchError> {
        let tls = &self.tls;
        let means = Means { http, tls, now };
        timeout(self.patience, self.source.fetch(&means))
            .await
            .unwrap_or(Err(FetchError::Timeout(self.patience)))
    }

    pub(crate) fn land(&self, flight: u64, asked: Moment, outcome: Result<Harvest, FetchError>) {
        let error = outcome.as_ref().err().cloned();
        self.book().land(flight, (asked, self.now()), outcome);
        self.news.notify_waiters();
        self.tell(error.as_ref());
    }

    pub(crate) fn abandon(&self, flight: u64) {
        self.book().abandon(flight);
        self.news.notify_waiters();
    }

    pub(crate) fn now(&self) -> Moment {
        self.clock.now()
    }

    fn tell(&self, error: Option<&FetchError>) {
        if let Some(watcher) = self.watcher.get() {
            watcher(error.map_or(Ok(()), Err));
        }
    }

    fn book(&self) -> MutexGuard<'_, Book> {
        self.book.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl fmt::Debug for Credential {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Credential")
            .field("source", &self.0.source)
            .finish_non_exhaustive()
    }
}
