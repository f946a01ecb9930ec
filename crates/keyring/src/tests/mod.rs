//! Behaviour of the whole crate.

mod import;
mod life;
mod lookup;
mod master;
mod published;
mod schedule;
mod watched;

use std::sync::{
    Arc,
    atomic::{AtomicI64, Ordering},
};

use tollbridge_domain::{Actor, Clock, Moment};
use tollbridge_store::{Algorithm, AuditLog as _, AuditQuery, Stage, Store, memory::MemoryStore};

use crate::{Keyring, KeyringError, MasterKey, Policy, RingEntropy};

/// A clock that moves only when told.
struct Hands(AtomicI64);

impl Hands {
    fn at(second: i64) -> Arc<Self> {
        Arc::new(Self(AtomicI64::new(second)))
    }

    fn advance(&self, seconds: i64) {
        self.0.fetch_add(seconds, Ordering::SeqCst);
    }
}

impl Clock for Hands {
    fn now(&self) -> Moment {
        Moment::from_seconds(self.0.load(Ordering::SeqCst))
    }
}

const START: i64 = 1_800_000_000;

fn policy() -> Policy {
    Policy {
        algorithm: Algorithm::EdDSA,
        rotate_every: None,
        publish_before_use: 600,
        token_life: 610,
    }
}

fn master(fill: u8) -> MasterKey {
    use base64::{Engine as _, engine::general_purpose::STANDARD};
    let text = STANDARD.encode([fill; 32]);
    MasterKey::from_base64(&tollbridge_domain::Secret::new(text)).unwrap()
}

fn operator() -> Actor {
    Actor {
        who: "cli:root".to_owned(),
        from: "local".to_owned(),
    }
}

async fn try_open(
    store: Arc<dyn Store>,
    clock: &Arc<Hands>,
    master: MasterKey,
    policy: Policy,
) -> Result<Arc<Keyring>, KeyringError> {
    let entropy = Arc::new(RingEntropy::new());
    Keyring::open(store, master, policy, clock.clone(), entropy).await
}

async fn open(store: Arc<dyn Store>, clock: &Arc<Hands>) -> Arc<Keyring> {
    try_open(store, clock, master(1), policy()).await.unwrap()
}

/// A keyring over a fresh store, and both.
async fn fresh() -> (Arc<Keyring>, Arc<MemoryStore>, Arc<Hands>) {
    let (store, clock) = (Arc::new(MemoryStore::new()), Hands::at(START));
    (open(store.clone(), &clock).await, store, clock)
}

/// The acts on record, oldest first, as `event target`.
async fn acts(store: &MemoryStore) -> Vec<String> {
    let query = AuditQuery {
        limit: 1000,
        ..AuditQuery::default()
    };
    let mut entries = store.audit(&query).await.unwrap();
    entries.reverse();
    entries
        .into_iter()
        .map(|entry| format!("{} {}", entry.event, entry.target))
        .collect()
}

fn stages(keyring: &Keyring) -> Vec<Stage> {
    let snapshot = keyring.snapshot();
    snapshot.records().iter().map(|key| key.stage).collect()
}
