//! The live sessions of this process.

use std::{
    collections::HashMap,
    future::Future,
    panic::AssertUnwindSafe,
    sync::{
        Arc, Mutex, MutexGuard, PoisonError,
        atomic::{AtomicBool, AtomicU64, Ordering},
    },
    time::Duration,
};

use futures_util::FutureExt as _;
use tokio::{
    task::spawn_local,
    time::{Instant, timeout_at},
};
use tokio_util::{sync::CancellationToken, task::TaskTracker};
use tollbridge_domain::{
    ClientId, KeyId, Moment, RouteName, SessionId, Slug, Subject, TokenId, give_back_room,
};

use crate::{Counts, Meter, Reins};

/// Who is connected, and whose token let them in.
#[derive(Clone, Debug)]
pub struct Card {
    /// This connection.
    pub session: SessionId,
    /// The token that opened it.
    pub jti: TokenId,
    /// The key that signed the token.
    pub kid: KeyId,
    /// Who asked for the token.
    pub client_id: ClientId,
    /// Whom it was for.
    pub subject: Subject,
    /// The upstream's name.
    pub route: RouteName,
    /// The page's origin, if it told one.
    pub origin: Option<String>,
    /// The client's address.
    pub peer: String,
    /// From the grant.
    pub label: Option<String>,
    /// From the grant.
    pub metadata: Option<serde_json::Value>,
    /// When the session began.
    pub started: Moment,
    /// When the token was issued.
    pub issued: Moment,
    /// How the upstream numbered the handshake: `name=value`, several apart by blanks.
    pub upstream_request_id: String,
}

/// A line of the session list.
#[derive(Clone, Debug)]
pub struct Live {
    /// Who.
    pub card: Arc<Card>,
    /// How much, so far.
    pub counts: Counts,
    /// For how long.
    pub age: Duration,
}

/// Starts every session of the process, knows them all, and alone can end them: by order, one by
/// one or in a drain.
#[derive(Debug, Default)]
pub struct Registry {
    live: Mutex<HashMap<u64, Entry>>,
    /// Keys of `live`, never used twice.
    tickets: AtomicU64,
    tracker: TaskTracker,
    draining: AtomicBool,
}

#[derive(Debug)]
struct Entry {
    card: Arc<Card>,
    reins: Reins,
    meter: Arc<Meter>,
    since: Instant,
}

impl Registry {
    /// An empty one.
    #[must_use]
    pub fn new() -> Arc<Self> {
        Arc::new(Self::default())
    }

    /// Runs a session on the current thread until it is over. It is listed from now on, and no
    /// longer once its future is done, has panicked or was dropped. While the process drains, it
    /// is told so at once.
    ///
    /// # Panics
    /// Outside of a `LocalRuntime` or a `LocalSet`: the workers of the server are the one, actix-web's have the other.
    pub fn open<F>(self: &Arc<Self>, card: Card, reins: Reins, meter: Arc<Meter>, session: F)
    where
        F: Future<Output = ()> + 'static,
    {
        let id = card.session.clone();
        let listed = self.enter(Entry {
            card: Arc::new(card),
            reins: reins.clone(),
            meter,
            since: Instant::now(),
        });
        if self.draining.load(Ordering::SeqCst) {
            reins.end(Slug::Draining, Some(SOON));
        }
        // Combined: an `async` block keeps what it awaits twice, as it came and as it is polled.
        let session = AssertUnwindSafe(session).catch_unwind();
        let tracked = self.tracker.token();
        spawn_local(session.map(move |outcome| {
            if outcome.is_err() {
                tracing::error!(event = "session.panicked", session_id = %id, "a session's task panicked");
            }
            drop((listed, tracked));
        }));
    }

    /// All sessions, in no order.
    #[must_use]
    pub fn list(&self) -> Vec<Live> {
        let line = |entry: &Entry| Live {
            card: Arc::clone(&entry.card),
            counts: entry.meter.snapshot(),
            age: entry.since.elapsed(),
        };
        self.live().values().map(line).collect()
    }

    /// How many there are.
    #[must_use]
    pub fn len(&self) -> usize {
        self.live().len()
    }

    /// Whether there are none.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.live().is_empty()
    }

    /// Ends every session that matches, and says how many that are.
    pub fn end_where(&self, slug: Slug, matches: impl Fn(&Card) -> bool) -> usize {
        let live = self.live();
        let matching = live.values().filter(|entry| matches(&entry.card));
        matching.map(|entry| entry.reins.end(slug, None)).count()
    }

    /// Tells every session `draining`, spread over the first three quarters of `window`, then
    /// waits for the window's end at most; returns how many remained. `hurry` tells all that are
    /// left at once, and waits no longer than three seconds more.
    pub async fn drain(&self, window: Duration, hurry: CancellationToken) -> usize {
        let start = Instant::now();
        self.draining.store(true, Ordering::SeqCst);
        self.tracker.close();
        self.spread(start, window * 3 / 4, &hurry).await;
        tokio::select! {
            _all_ended = timeout_at(start + window, self.tracker.wait()) => {}
            () = hurry.cancelled() => {
                let cut = (Instant::now() + HURRIED).min(start + window);
                let _all_ended = timeout_at(cut, self.tracker.wait()).await;
            }
        }
        self.len()
    }

    /// Orders one session after the other, so that they do not all come back at one moment.
    async fn spread(&self, start: Instant, over: Duration, hurry: &CancellationToken) {
        let mut told: Vec<Reins> = self
            .live()
            .values()
            .map(|entry| entry.reins.clone())
            .collect();
        let gap = over / u32::try_from(told.len()).unwrap_or(u32::MAX).max(1);
        let mut at = start;
        while !hurry.is_cancelled() {
            let Some(reins) = told.pop() else { break };
            reins.end(Slug::Draining, Some(SOON));
            at += gap;
            if !told.is_empty() {
                let _told_to_hurry = timeout_at(at, hurry.cancelled()).await;
            }
        }
        tell_all(&told, over);
    }

    fn enter(self: &Arc<Self>, entry: Entry) -> Listed {
        let ticket = self.tickets.fetch_add(1, Ordering::Relaxed);
        self.live().insert(ticket, entry);
        Listed {
            registry: Arc::clone(self),
            ticket,
        }
    }

    fn live(&self) -> MutexGuard<'_, HashMap<u64, Entry>> {
        // A panic under the lock leaves the map whole: each use of it is a single operation.
        self.live.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Keeps a session on the list for as long as its task lives.
struct Listed {
    registry: Arc<Registry>,
    ticket: u64,
}

impl Drop for Listed {
    fn drop(&mut self) {
        let mut live = self.registry.live();
        live.remove(&self.ticket);
        give_back_room(&mut live);
    }
}

/// In a hurry the orders are not spread, so the returns are: by what each client is told.
fn tell_all(told: &[Reins], over: Duration) {
    let spread = u32::try_from(over.as_secs()).unwrap_or(u32::MAX).max(1);
    for (retry_after, reins) in (0..spread).cycle().zip(told) {
        reins.end(Slug::Draining, Some(SOON + retry_after));
    }
}

/// The orders are spread already: who was told may come back, to another node, at once.
const SOON: u32 = 1;

/// What a close frame and its answer may take once nobody wants to wait.
const HURRIED: Duration = Duration::from_secs(3);
