//! A node that has everything it needs and does not listen yet.

use std::{net::SocketAddr, sync::Arc, time::Duration};

use arc_swap::ArcSwap;
use tokio::task::JoinHandle;
use tollbridge_authn::ApiKeys;
use tollbridge_config::Settings;
use tollbridge_domain::{Clock, Entropy, Moment, SystemClock};
use tollbridge_http::{AuditWriter, Denials, Health, Metrics, Revoked, Shared, Steering, sink};
use tollbridge_keyring::RingEntropy;
use tollbridge_relay::Registry;
use tollbridge_store::{EpochStore, RevocationStore, Store, StoreError, memory};
use tollbridge_store_sql::{Mode, ServerLock};
use tollbridge_token::Minter;

use crate::{error::NodeError, refresh, store, wire};

/// How long the last facts may take to be written.
const LAST_FACTS: Duration = Duration::from_secs(2);

/// One node: it holds its store alone until it is dropped.
pub struct Node {
    /// What handlers share.
    pub shared: Arc<Shared>,
    writer: AuditWriter,
    epoch: Moment,
    lock: ServerLock,
}

/// What a node does besides answering: facts are written, keys and revocations followed.
pub struct Running {
    shared: Arc<Shared>,
    writer: JoinHandle<()>,
    refresher: JoinHandle<()>,
    _lock: ServerLock,
}

impl Node {
    /// Takes the lock, the store, the keys and the routes. `public` is where the bridge is really
    /// reached: the default of `server.public_url`.
    ///
    /// # Errors
    /// Where another server holds the store, or something that is configured cannot be had.
    pub async fn open(
        version: &'static str,
        settings: &Settings,
        public: SocketAddr,
        metrics: Metrics,
        steering: Arc<dyn Steering>,
    ) -> Result<Self, NodeError> {
        tollbridge_token::install();
        let lock = hold(settings)?;
        let store = store::open_store(settings, Mode::Create).await?;
        let keyring = store::open_keys(settings, store.clone()).await?;
        let of_store = |error: StoreError| NodeError::of("the store", &error);
        let clock: Arc<dyn Clock> = Arc::new(SystemClock);
        let entropy: Arc<dyn Entropy> = Arc::new(RingEntropy::default());
        let epoch = store.advance_epoch(clock.now()).await.map_err(of_store)?;
        let api_keys = ApiKeys::load(store.clone()).await.map_err(of_store)?;
        let api_keys = Arc::new(api_keys);
        let generation = wire::generation(settings, 1, public, Some(&api_keys), None)
            .map_err(|error| NodeError::Configuration(error.to_string()))?
            .watched(&metrics);
        let issuer = wire::issuer(settings, public);
        let unwritten = metrics.store_errors.with_label_values(&["audit"]);
        let (audit, writer) = sink(store.clone(), unwritten);
        let revoked = Revoked::new(store.clone() as Arc<dyn RevocationStore>);
        revoked.refresh(clock.now()).await.map_err(of_store)?;
        let life = generation.max_redeem_within;
        let minter = Minter::new(
            Arc::clone(&keyring),
            issuer,
            Arc::clone(&clock),
            Arc::clone(&entropy),
        );
        let (minter, verifier) = minter.with_verifier(epoch, life);
        let shared = Arc::new(Shared {
            version,
            started: clock.now(),
            minter,
            verifier,
            used: Arc::new(memory::MemoryUsed::new(Arc::clone(&clock))),
            leases: Arc::new(memory::MemoryLeases::new()),
            registry: Registry::new(),
            revoked,
            audit,
            metrics,
            denials: Denials::default(),
            generation: ArcSwap::from_pointee(generation),
            steering,
            health: Health::default(),
            entering: std::sync::atomic::AtomicUsize::new(0),
            refusing: std::sync::atomic::AtomicUsize::new(0),
            questions: Arc::default(),
            waiting: Arc::default(),
            store: store as Arc<dyn Store>,
            keyring,
            api_keys,
            clock,
            entropy,
        });
        Ok(Self {
            shared,
            writer,
            epoch,
            lock,
        })
    }

    /// Waits for the second after the store's epoch, then begins what a node does in the
    /// background. To be awaited before the first request is answered, inside an actix system.
    ///
    /// Tokens of this very second were perhaps minted by the server before this one, whose used
    /// tokens nobody remembers.
    pub async fn start(self) -> Running {
        let clock = &self.shared.clock;
        let now = clock.now();
        let ahead = self.epoch.since(now);
        if ahead > 0 {
            tracing::error!(
                event = "clock.behind",
                now = %now,
                epoch = %self.epoch,
                wait_s = ahead,
                "a server of this store has started later than now: this one listens when the clock is there"
            );
        }
        while clock.now() <= self.epoch {
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
        Running {
            writer: actix_rt::spawn(self.writer.run()),
            refresher: actix_rt::spawn(refresh::run(Arc::clone(&self.shared))),
            shared: self.shared,
            _lock: self.lock,
        }
    }
}

impl Running {
    /// Writes what is left to write. The store is free for the next server afterwards.
    pub async fn stop(self) {
        self.refresher.abort();
        let written = tokio::time::timeout(LAST_FACTS, self.shared.audit.flush()).await;
        self.writer.abort();
        if written.is_err() {
            tracing::error!(
                event = "audit.lost",
                "the last facts could not be written in time"
            );
        }
    }
}

fn hold(settings: &Settings) -> Result<ServerLock, NodeError> {
    ServerLock::hold(&settings.store.url).map_err(|error| match error {
        StoreError::Held { .. } => NodeError::Failed(format!(
            "{error}; with coordination \"memory:\" exactly one server may hold a store"
        )),
        other => NodeError::of("the store", &other),
    })
}
