//! What commands open themselves: configuration, store, keys.

use std::{
    path::{Path, PathBuf},
    sync::Arc,
};

use tollbridge_config::{Algorithm, Loaded, SecretRef, Settings};
use tollbridge_domain::{Act, Actor, Clock, SystemClock};
use tollbridge_keyring::{Keyring, KeyringError, MasterKey, Policy, RingEntropy};
use tollbridge_store::Store;
use tollbridge_store_sql::{Mode, Sqlite};

use crate::failure::Failure;

/// Seconds that a token may be redeemed beyond its window: the leeway, and what clocks differ.
const MARGIN: u32 = 10;

/// Reads and checks the configuration. Warnings are for `check` and `serve` to tell.
pub(crate) fn load(path: &Path) -> Result<Loaded, Failure> {
    tollbridge_config::load(path, &environment)
        .map_err(|problems| Failure::Configuration(problems.to_string()))
}

/// The environment, where it is text.
pub(crate) fn environment() -> Vec<(String, String)> {
    std::env::vars_os()
        .filter_map(|(name, value)| Some((name.into_string().ok()?, value.into_string().ok()?)))
        .collect()
}

/// The file of the configured store.
pub(crate) fn store_path(settings: &Settings) -> Result<PathBuf, Failure> {
    settings
        .store
        .url
        .strip_prefix("sqlite:")
        .map(PathBuf::from)
        .ok_or_else(|| Failure::Configuration("store.url must begin with sqlite:".to_owned()))
}

/// Opens the store.
pub(crate) async fn open_store(settings: &Settings, mode: Mode) -> Result<Arc<Sqlite>, Failure> {
    Sqlite::open(&settings.store.url, mode)
        .await
        .map(Arc::new)
        .map_err(|error| Failure::of("the store", &error))
}

/// Opens the keys. The master key's file is made only while the store holds no sealed key.
pub(crate) async fn open_keys(
    settings: &Settings,
    store: Arc<dyn Store>,
) -> Result<Arc<Keyring>, Failure> {
    let (records, _revision) = store
        .keys()
        .await
        .map_err(|error| Failure::of("the store", &error))?;
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
        KeyringError::WrongMaster(_) => Failure::configured("keys.master_key", &error),
        other => Failure::of("the keys", &other),
    })
}

/// Reads the master key; makes its file where none is there and nothing is `sealed`.
pub(crate) fn master_key(reference: &SecretRef, sealed: bool) -> Result<MasterKey, Failure> {
    if let Some(path) = reference.file() {
        if !path.exists() && !sealed {
            return MasterKey::create(&path, &RingEntropy::default())
                .map_err(|error| Failure::configured("keys.master_key", &error));
        }
        return MasterKey::load(&path)
            .map_err(|error| Failure::configured("keys.master_key", &error));
    }
    let text = reference
        .read()
        .map_err(|error| Failure::configured("keys.master_key", &error))?;
    MasterKey::from_base64(&text).map_err(|error| Failure::configured("keys.master_key", &error))
}

/// The rotation policy of the settings.
pub(crate) fn policy(settings: &Settings) -> Policy {
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

/// Who sits at the command line.
pub(crate) fn operator() -> Actor {
    let name = std::env::var("SUDO_USER")
        .or_else(|_| std::env::var("USER"))
        .unwrap_or_else(|_| "unknown".to_owned());
    let name: String = name
        .chars()
        .filter(|one| one.is_ascii_graphic())
        .take(64)
        .collect();
    Actor {
        who: format!("cli:{name}"),
        from: "local".to_owned(),
    }
}

/// An act of theirs.
pub(crate) fn act(event: &'static str, target: &str, why: &str) -> Act {
    Act {
        actor: operator(),
        event,
        target: target.to_owned(),
        why: why.to_owned(),
    }
}
