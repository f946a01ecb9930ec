//! What handlers share: one per process ([`Shared`]), one per worker thread ([`Worker`]).

use std::{
    cell::{OnceCell, RefCell},
    collections::HashMap,
    net::IpAddr,
    rc::Rc,
    sync::{
        Arc,
        atomic::{AtomicU64, AtomicUsize, Ordering},
    },
    time::{Duration, Instant},
};

use arc_swap::ArcSwap;
use async_trait::async_trait;
use prometheus::IntCounterVec;
use tokio_util::sync::CancellationToken;
use tollbridge_authn::{ApiKeys, Chain, Watcher};
use tollbridge_credential::{FetchError, Http};
use tollbridge_domain::{Act, CallerName, Clock, Entropy, Moment, RouteName, SessionId, TokenId};
use tollbridge_keyring::Keyring;
use tollbridge_relay::Registry;
use tollbridge_store::{SessionLeases, Store, StoreError, UsedTokens};
use tollbridge_token::{Minter, Verifier};
use tollbridge_upstream::Dialer;

use crate::{
    audit::AuditSink, denials::Denials, forwarded::Trust, metrics::Metrics, rate::Rate,
    revoked::Revoked, route::Table, tally::Tally,
};

/// How long a node goes on minting and redeeming without having read the revocations.
const STALE_AFTER: Duration = Duration::from_secs(5);

/// One generation of the configuration, replaced whole by a reload.
pub struct Generation {
    /// Counts up with every reload.
    pub number: u64,
    /// The routes.
    pub routes: Table,
    /// Who may be calling the mint.
    pub chain: Chain,
    /// The callers of type `api_key`.
    pub api_key_callers: Vec<CallerName>,
    /// The caller that stands for the application around us, where there is one.
    pub application: Option<CallerName>,
    /// Seconds for which others may cache the JWK set.
    pub jwks_max_age: u32,
    /// Mints a minute, by caller.
    pub mint_rates: HashMap<CallerName, Rate>,
    /// Which proxies are believed.
    pub trust: Trust,
    /// Where bearers reach the bridge, without a slash at the end: `http` or `https`.
    pub public_url: String,
    /// Default redemption window, seconds.
    pub redeem_within: u32,
    /// Longest redemption window, seconds.
    pub max_redeem_within: u32,
    /// Most sessions of the server.
    pub max_sessions: u32,
    /// Most bytes of a mint's body.
    pub max_body: usize,
    /// How long a body may take.
    pub body_timeout: Duration,
    /// The effective configuration, secrets masked.
    pub shown: String,
}

impl Generation {
    /// Has every credential renewed by the next dial, which does not wait for it: a secret's file may
    /// hold another than when it was fetched.
    pub fn renew_credentials(&self) {
        for route in self.routes.iter() {
            if let Some(credential) = &route.fetch {
                credential.renew_soon();
            }
        }
    }

    /// Has every fetch of a credential told: a renewal that fails while the old one still lasts is
    /// seen by nobody else. And so with every hook, every judgement of a caller, and what is asked for it.
    #[must_use]
    pub fn watched(self, metrics: &Metrics) -> Self {
        for route in self.routes.iter() {
            let Some(credential) = &route.fetch else {
                continue;
            };
            let (name, fetches) = (route.name.clone(), metrics.credential_fetches.clone());
            credential.watch(move |outcome| told(&name, &fetches, outcome));
        }
        crate::bridge::watch(&self);
        let checks = metrics.caller_checks.clone();
        let asked: Watcher = Arc::new(asked);
        self.chain.watch(
            move |name, verdict| {
                let labels = [name.as_str(), verdict.as_str()];
                checks.with_label_values(&labels).inc();
            },
            &asked,
        );
        self
    }
}

fn asked(caller: &CallerName, outcome: Result<(), &str>) {
    match outcome {
        Ok(()) => tracing::debug!(
            event = "caller.asked",
            caller = %caller,
            "somebody was asked about a caller"
        ),
        Err(reason) => tracing::warn!(
            event = "caller.unavailable",
            caller = %caller,
            reason,
            "nobody could say who a caller is"
        ),
    }
}

fn told(route: &RouteName, fetches: &IntCounterVec, outcome: Result<(), &FetchError>) {
    let label = outcome.map_or_else(|error| error.slug().as_str(), |()| "ok");
    let labels = [route.as_str(), label];
    fetches.with_label_values(&labels).inc();
    match outcome {
        Ok(()) => {
            tracing::info!(event = "credential.fetched", route = %route, "a credential was fetched");
        }
        Err(error) => tracing::warn!(
            event = "credential.failed",
            route = %route,
            code = label,
            reason = %crate::audit::chain(error),
            "a credential could not be fetched"
        ),
    }
}

/// What only the binary can do.
#[async_trait]
pub trait Steering: Send + Sync {
    /// Reads the configuration again, and records `act` before it is in force.
    ///
    /// # Errors
    /// Where it is not taken; the old one stays and nothing is recorded.
    async fn reload(&self, act: &Act) -> Result<ReloadReport, ReloadError>;

    /// Begins to drain; returns at once.
    fn drain(&self);
}

/// Why a configuration was not taken.
#[derive(Debug, thiserror::Error)]
pub enum ReloadError {
    /// What is wrong with it.
    #[error("{0}")]
    Refused(String),
    /// No record, no act.
    #[error("the reload could not be recorded")]
    Unrecorded(#[from] StoreError),
}

/// What a reload did.
#[derive(Clone, Debug)]
pub struct ReloadReport {
    /// The generation that is in force now.
    pub generation: u64,
    /// Settings that changed and need a restart.
    pub needs_restart: Vec<String>,
}

/// One per process.
pub struct Shared {
    /// The version, as `build_info` has it.
    pub version: &'static str,
    /// When the process began to listen.
    pub started: Moment,
    /// Time.
    pub clock: Arc<dyn Clock>,
    /// Chance.
    pub entropy: Arc<dyn Entropy>,
    /// What must last.
    pub store: Arc<dyn Store>,
    /// Signing keys.
    pub keyring: Arc<Keyring>,
    /// Mints.
    pub minter: Minter,
    /// Verifies.
    pub verifier: Verifier,
    /// Used tokens.
    pub used: Arc<dyn UsedTokens>,
    /// Session leases.
    pub leases: Arc<dyn SessionLeases>,
    /// API keys.
    pub api_keys: Arc<ApiKeys>,
    /// Live sessions.
    pub registry: Arc<Registry>,
    /// Revocations.
    pub revoked: Revoked,
    /// Facts.
    pub audit: AuditSink,
    /// Metrics.
    pub metrics: Metrics,
    /// The last refusals.
    pub denials: Denials,
    /// The configuration in force.
    pub generation: ArcSwap<Generation>,
    /// What only the binary can do.
    pub steering: Arc<dyn Steering>,
    /// Whether this node still takes work.
    pub health: Health,
    /// Bearers between their admission and their session.
    pub entering: AtomicUsize,
    /// Accept-then-close answers under way.
    pub refusing: AtomicUsize,
    /// Questions to hooks under way, by token.
    pub questions: Arc<Tally<TokenId>>,
    /// Clients that were let in to bring their token in a message, and have not, by address.
    pub waiting: Arc<Tally<IpAddr>>,
}

/// Whether this node takes work.
pub struct Health {
    draining: CancellationToken,
    since: Instant,
    /// Milliseconds after `since`; monotonic, so that a stepped clock is no outage.
    fresh_at: AtomicU64,
}

impl Default for Health {
    fn default() -> Self {
        Self {
            draining: CancellationToken::new(),
            since: Instant::now(),
            fresh_at: AtomicU64::new(0),
        }
    }
}

impl Health {
    /// New work is refused from here on.
    pub fn drain(&self) {
        self.draining.cancel();
    }

    /// Whether it is.
    #[must_use]
    pub fn draining(&self) -> bool {
        self.draining.is_cancelled()
    }

    /// Returns once it is.
    pub async fn drains(&self) {
        self.draining.cancelled().await;
    }

    /// The store was read just now.
    pub fn refreshed(&self) {
        let millis = u64::try_from(self.since.elapsed().as_millis()).unwrap_or(u64::MAX);
        self.fresh_at.store(millis, Ordering::Relaxed);
    }

    /// Whether revocations and keys are as the store had them a few seconds ago.
    #[must_use]
    pub fn fresh(&self) -> bool {
        let read_at = self.since + Duration::from_millis(self.fresh_at.load(Ordering::Relaxed));
        read_at.elapsed() <= STALE_AFTER
    }
}

impl Shared {
    /// Why no new work is taken, if so.
    #[must_use]
    pub fn refuses_work(&self) -> Option<(tollbridge_domain::Slug, &'static str)> {
        use tollbridge_domain::Slug;
        if self.health.draining() {
            Some((Slug::Draining, "draining"))
        } else if !self.health.fresh() {
            Some((
                Slug::Overloaded,
                "the store has not been read for five seconds",
            ))
        } else if !self.audit.healthy() {
            Some((Slug::Overloaded, "the audit log cannot be written"))
        } else {
            None
        }
    }

    /// A fresh session id: time-ordered, so that lists sort (UUID version 7, simple form).
    #[must_use]
    pub fn new_session(&self) -> SessionId {
        let mut random = [0_u8; 10];
        self.entropy.fill(&mut random);
        let millis = u64::try_from(self.clock.now().seconds())
            .unwrap_or(0)
            .saturating_mul(1000);
        let id = uuid::Builder::from_unix_timestamp_millis(millis, &random).into_uuid();
        #[expect(clippy::expect_used, reason = "32 hexadecimal digits are a session id")]
        SessionId::parse(&id.simple().to_string()).expect("hexadecimal digits")
    }
}

/// One per worker thread: dialers hold connections of their thread.
#[derive(Clone, Default)]
pub struct Worker {
    dialers: Rc<RefCell<HashMap<RouteName, Made>>>,
    /// Asks token endpoints; made when the first route needs it.
    asking: Rc<OnceCell<Http>>,
}

/// A dialer and the generation it was made for.
struct Made {
    generation: u64,
    dialer: Rc<Dialer>,
}

impl Worker {
    /// The dialer of a route, made again after a reload.
    pub fn dialer(&self, generation: u64, route: &crate::route::Route) -> Rc<Dialer> {
        let mut dialers = self.dialers.borrow_mut();
        if let Some(made) = dialers.get(&route.name)
            && made.generation == generation
        {
            return Rc::clone(&made.dialer);
        }
        let dialer = Rc::new(Dialer::new(&route.tls, route.connect_timeout));
        let made = Made {
            generation,
            dialer: Rc::clone(&dialer),
        };
        dialers.insert(route.name.clone(), made);
        dialer
    }

    /// What asks token endpoints on this thread.
    pub(crate) fn asking(&self) -> &Http {
        self.asking.get_or_init(Http::new)
    }
}
