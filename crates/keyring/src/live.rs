//! The live keyring: a snapshot that follows the store, and changes by compare-and-set.

use std::{fmt, sync::Arc, time::Duration};

use arc_swap::ArcSwap;
use tokio::{
    sync::Mutex,
    time::{Instant, timeout},
};
use tollbridge_domain::{Actor, Clock, Entropy, KeyId, Moment};
use tollbridge_store::{KeyRecord, Revision, Stage, Store, StoreError};

use crate::{
    KeyringError, MasterKey, Policy, SigningKey, Snapshot, VerifyingKey,
    draft::{Circumstances, Draft, prove},
    due,
    schedule::in_stage,
    seal,
};

/// The signing keys of one process.
pub struct Keyring {
    store: Arc<dyn Store>,
    master: ArcSwap<MasterKey>,
    policy: ArcSwap<Policy>,
    clock: Arc<dyn Clock>,
    entropy: Arc<dyn Entropy>,
    snapshot: ArcSwap<Snapshot>,
    /// Whoever reads the store and installs what it read: one at a time, or an older set could
    /// replace a newer one.
    turn: Mutex<()>,
    /// When an unknown key was last looked for in the store.
    last_lookup: Mutex<Option<Instant>>,
}

/// What happened to a key because its time had come.
#[derive(Clone, Debug, Eq, PartialEq)]
pub enum Transition {
    /// It signs from now on.
    Activated {
        /// The new key.
        kid: KeyId,
        /// The key that signed until now.
        previous: Option<KeyId>,
    },
    /// Its material is erased.
    Retired {
        /// The key.
        kid: KeyId,
    },
    /// It was made and published.
    Staged {
        /// The new key.
        kid: KeyId,
        /// When it will sign.
        activates_at: Moment,
    },
}

impl Keyring {
    /// Reads the keys; makes and activates a first one where none can sign.
    ///
    /// # Errors
    /// [`KeyringError::WrongMaster`] where a sealed key does not open; otherwise the store's.
    pub async fn open(
        store: Arc<dyn Store>,
        master: MasterKey,
        policy: Policy,
        clock: Arc<dyn Clock>,
        entropy: Arc<dyn Entropy>,
    ) -> Result<Arc<Self>, KeyringError> {
        let keyring = Arc::new(Self {
            store,
            master: ArcSwap::from_pointee(master),
            policy: ArcSwap::from_pointee(policy),
            clock,
            entropy,
            snapshot: ArcSwap::from_pointee(Snapshot::build(Vec::new(), Revision(-1), None)?),
            turn: Mutex::new(()),
            last_lookup: Mutex::new(None),
        });
        keyring.begin().await?;
        Ok(keyring)
    }

    /// The keys as last read.
    #[must_use]
    pub fn snapshot(&self) -> Arc<Snapshot> {
        self.snapshot.load_full()
    }

    /// Reads the store again; whether anything had changed.
    ///
    /// # Errors
    /// The store's; the snapshot stays. [`KeyringError::WrongMaster`] where another process has
    /// activated a key that our master key does not open: what verifies is up to date then, and
    /// nothing signs.
    pub async fn refresh(&self) -> Result<bool, KeyringError> {
        let _turn = self.turn.lock().await;
        let (records, revision) = self.read().await?;
        let seen = self.snapshot.load();
        if seen.revision() == revision && seen.signer().is_some() {
            return Ok(false);
        }
        self.install(records, revision)?;
        Ok(true)
    }

    /// Does what is due.
    ///
    /// # Errors
    /// The store's; nothing is half done.
    pub async fn tick(&self) -> Result<Vec<Transition>, KeyringError> {
        let seen = self.snapshot();
        if due(seen.records(), &self.policy.load(), self.clock.now()).is_empty() {
            return Ok(Vec::new());
        }
        self.change(&Actor::system(), "its time has come", |draft| {
            due(draft.keys(), draft.with.policy, draft.with.now)
                .into_iter()
                .map(|step| draft.take(step))
                .collect()
        })
        .await
    }

    /// The key of this name, if it verifies. One that is not on record is looked for in the
    /// store: by one reader at a time, at most once a second; in between the answer is `None`.
    pub async fn verifier(&self, kid: &KeyId) -> Option<VerifyingKey> {
        let seen = self.snapshot();
        if seen.knows(kid) {
            return seen.verifier(kid).cloned();
        }
        self.look_up(kid).await
    }

    /// Replaces the policy, for keys from now on.
    pub fn set_policy(&self, policy: Policy) {
        self.policy.store(Arc::new(policy));
    }

    /// Takes another master key, after another process has sealed the keys anew under it.
    ///
    /// # Errors
    /// [`KeyringError::WrongMaster`] where it does not open what the store holds; the old one
    /// stays.
    pub async fn adopt_master(&self, master: MasterKey) -> Result<(), KeyringError> {
        let _turn = self.turn.lock().await;
        let (records, revision) = self.read().await?;
        prove(&master, &records)?;
        self.seal_under(master);
        self.install(records, revision)
    }

    pub(crate) fn seal_under(&self, master: MasterKey) {
        self.master.store(Arc::new(master));
    }

    async fn look_up(&self, kid: &KeyId) -> Option<VerifyingKey> {
        let mut last = self.last_lookup.lock().await;
        let seen = self.snapshot();
        let recent = last.is_some_and(|at| at.elapsed() < LOOKUP_EVERY);
        if recent || seen.knows(kid) {
            return seen.verifier(kid).cloned();
        }
        *last = Some(Instant::now());
        match timeout(READ_DEADLINE, self.refresh()).await {
            Ok(Ok(_)) => {}
            Ok(Err(error)) => tracing::warn!(
                error = &error as &dyn std::error::Error,
                "an unknown key could not be looked for in the store"
            ),
            Err(_) => tracing::warn!("the store was too busy to look for an unknown key"),
        }
        self.snapshot().verifier(kid).cloned()
    }

    async fn begin(&self) -> Result<(), KeyringError> {
        self.change(&Actor::system(), "first start", |draft| {
            prove(draft.with.master, draft.keys())?;
            if draft.in_stage(Stage::Active).is_none() {
                for step in due(draft.keys(), draft.with.policy, draft.with.now) {
                    draft.take(step)?;
                }
            }
            Ok(())
        })
        .await
    }

    /// Drafts a change of the set as it is, writes it if the set is still so, and installs the
    /// result.
    pub(crate) async fn change<T>(
        &self,
        actor: &Actor,
        why: &str,
        plan: impl Fn(&mut Draft<'_>) -> Result<T, KeyringError> + Send,
    ) -> Result<T, KeyringError> {
        let _turn = self.turn.lock().await;
        let (policy, master) = (self.policy.load_full(), self.master.load_full());
        for _ in 0..ATTEMPTS {
            let (keys, revision) = self.read().await?;
            let now = self.clock.now();
            let with = Circumstances {
                policy: &policy,
                master: &master,
                entropy: &*self.entropy,
                actor,
                why,
                now,
            };
            let mut draft = Draft::of(keys, with);
            let outcome = plan(&mut draft)?;
            match self.write(revision, &draft).await {
                Ok(revision) => {
                    self.install(draft.into_keys(), revision)?;
                    return Ok(outcome);
                }
                Err(StoreError::Conflict) => {}
                Err(error) => return Err(error.into()),
            }
        }
        Err(KeyringError::Contended)
    }

    /// The deadline of a write is the adapter's: only it knows whether the write took place.
    async fn write(&self, seen: Revision, draft: &Draft<'_>) -> Result<Revision, StoreError> {
        let changed = draft.changed();
        let (acts, now) = (draft.acts(), draft.with.now);
        if changed.is_empty() {
            // An operator who came second asked all the same, and for a reason of their own.
            for act in acts {
                self.store.record_act(act, now).await?;
            }
            return Ok(seen);
        }
        self.store.change_keys(seen, &changed, acts, now).await
    }

    async fn read(&self) -> Result<(Vec<KeyRecord>, Revision), StoreError> {
        timeout(READ_DEADLINE, self.store.keys())
            .await
            .unwrap_or_else(|late| {
                Err(StoreError::Unreachable {
                    what: "reading the keys",
                    source: late.into(),
                })
            })
    }

    /// Verification follows the store even where the active key cannot be opened: a revocation
    /// must not wait for a master key.
    fn install(&self, records: Vec<KeyRecord>, revision: Revision) -> Result<(), KeyringError> {
        let (signer, failure) = match self.active_signer(&records) {
            Ok(signer) => (signer, Ok(())),
            Err(error) => (None, Err(error)),
        };
        let snapshot = Snapshot::build(records, revision, signer)?;
        self.snapshot.store(Arc::new(snapshot));
        failure
    }

    fn active_signer(
        &self,
        records: &[KeyRecord],
    ) -> Result<Option<Arc<SigningKey>>, KeyringError> {
        let Some(active) = in_stage(records, Stage::Active) else {
            return Ok(None);
        };
        if let Some(open) = self.snapshot.load().signer_named(&active.kid) {
            return Ok(Some(open));
        }
        let sealed = active.sealed.as_deref().unwrap_or_default();
        let pkcs8 = seal::open(&self.master.load(), &active.kid, sealed)?;
        SigningKey::from_pkcs8(active.algorithm, &pkcs8)
            .ok()
            .filter(|key| *key.kid() == active.kid)
            .map(|key| Some(Arc::new(key)))
            .ok_or_else(|| KeyringError::Corrupt(active.kid.clone()))
    }
}

impl fmt::Debug for Keyring {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Keyring")
            .field("snapshot", &self.snapshot)
            .finish_non_exhaustive()
    }
}

/// An unknown key costs at most this much of the store.
const LOOKUP_EVERY: Duration = Duration::from_secs(1);

/// A store that does not answer a read within this is unreachable.
const READ_DEADLINE: Duration = Duration::from_secs(5);

/// Of those who change the keys at once, one succeeds at each attempt: this many may contend.
const ATTEMPTS: usize = 64;
