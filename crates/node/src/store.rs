//! What lasts: the store and the keys in it.

use std::{path::PathBuf, sync::Arc};

use tollbridge_config::{Algorithm, SecretRef, Settings};
use tollbridge_domain::{Clock, SystemClock};
use tollbridge_keyring::{Keyring, KeyringError, MasterKey, Policy, RingEntropy};
use tollbridge_store::Store;
use tollbridge_store_sql::{Mode, Sqlite};

use crate::error::NodeError;

/// Seconds that a token may be redeemed beyond its window: the leeway, and what clocks differ.
const MARGIN: u32 = 10;

/// The file of the configured store.
///
/// # Errors
/// Where the store is no file.
pub fn store_path(settings: &Settings) -> Result<PathBuf, NodeError> {
    settings
        .store
        .url
        .strip_prefix("sqlite:")
        .map(PathBuf::from)
        .ok_or_else(|| NodeError::Configuration("store.url must begin with sqlite:".to_owned()))
}

/// Opens the store.
///
/// # Errors
/// Where it cannot be opened, or is of another version.
pub async fn open_store(settings: &Settings, mode: Mode) -> Result<Arc<Sqlite>, NodeError> {
    Sqlite::open(&settings.store.url, mode)
        .await
        .map(Arc::new)
        .map_err(|error| NodeError::of("the store", &error))
}

/// Opens the keys. The master key's file is made only while the store holds no sealed key.
///
/// # Errors
/// Where the store cannot be read, or the master key is not the one that sealed the keys.
pub async fn open_keys(
    settings: &Settings,
    store: Arc<dyn Store>,
) -> Result<Arc<Keyring>, NodeError> {
    let (records, _revision) = store
        .keys()
        .await
        .map_err(|error| NodeError::of("the store", &error))?;
    let sealed = records.iter().any(|record| record.sealed.is_some());
    let master = master_key(&settings.keys.master_key, sealed)?;
    let clock: Arc<dyn Clock> = Arc::new(SystemClock);
    Keyring::open(
        store,
        master,
        policy(settings),
        clock,
        Arc::new(RingEntropy::default()),
    )
    .await
    .map_err(|error| match error {
        KeyringError::WrongMaster(_) => NodeError::configured("keys.master_key", &error),
        other => NodeError::of("the keys", &other),
    })
}

/// Reads the master key; makes its file where none is there and nothing is `sealed`.
///
/// # Errors
/// Where it cannot be read or made, or is no key.
pub fn master_key(reference: &SecretRef, sealed: bool) -> Result<MasterKey, NodeError> {
    let configured =
        |error: &dyn std::error::Error| NodeError::configured("keys.master_key", error);
    if let Some(path) = reference.file() {
        if !path.exists() && !sealed {
            return MasterKey::create(&path, &RingEntropy::default())
                .map_err(|error| configured(&error));
        }
        return MasterKey::load(&path).map_err(|error| configured(&error));
    }
    let text = reference.read().map_err(|error| configured(&error))?;
    MasterKey::from_base64(&text).map_err(|error| configured(&error))
}

/// The rotation policy of the settings.
#[must_use]
pub fn policy(settings: &Settings) -> Policy {
    let seconds = |time: std::time::Duration| u32::try_from(time.as_secs()).unwrap_or(u32::MAX);
    Policy {
        algorithm: match settings.keys.algorithm {
            Algorithm::EdDSA => tollbridge_store::Algorithm::EdDSA,
            Algorithm::ES256 => tollbridge_store::Algorithm::ES256,
        },
        rotate_every: settings.keys.rotate_every.map(seconds),
        publish_before_use: seconds(settings.keys.publish_before_use),
        token_life: seconds(settings.tokens.max_redeem_within).saturating_add(MARGIN),
    }
}
