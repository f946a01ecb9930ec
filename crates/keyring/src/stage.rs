//! The only legal moves of a key. Pure: records in, changed records out.

use tollbridge_domain::{KeyId, Moment};
use tollbridge_store::{KeyRecord, Stage};

use crate::{Policy, SigningKey};

/// A new key, published and not signing before `activate_at`.
pub(crate) fn staged(
    key: &SigningKey,
    sealed: Vec<u8>,
    now: Moment,
    activate_at: Moment,
) -> KeyRecord {
    KeyRecord {
        kid: key.kid().clone(),
        algorithm: key.algorithm(),
        stage: Stage::Staged,
        public: key.public().to_vec(),
        sealed: Some(sealed),
        created_at: now,
        activate_at: Some(activate_at),
        activated_at: None,
        retire_at: None,
        retired_at: None,
        revoked_at: None,
    }
}

/// Makes a staged key the active one; whatever was active retires from now on. Returns the
/// records that change, the new active one first; nothing unless `kid` is staged.
pub(crate) fn activate(
    keys: &[KeyRecord],
    kid: &KeyId,
    policy: &Policy,
    now: Moment,
) -> Vec<KeyRecord> {
    let Some(next) = keys
        .iter()
        .find(|key| key.kid == *kid && key.stage == Stage::Staged)
    else {
        return Vec::new();
    };
    let active = KeyRecord {
        stage: Stage::Active,
        activated_at: Some(now),
        ..next.clone()
    };
    let retiring = keys
        .iter()
        .filter(|key| key.stage == Stage::Active)
        .map(|key| begin_retiring(key, policy, now));
    std::iter::once(active).chain(retiring).collect()
}

fn begin_retiring(key: &KeyRecord, policy: &Policy, now: Moment) -> KeyRecord {
    // Where the clock went back, its last token may be later than now.
    let stopped = key.activated_at.map_or(now, |since| since.max(now));
    KeyRecord {
        stage: Stage::Retiring,
        retire_at: Some(stopped.plus(policy.token_life.into())),
        ..key.clone()
    }
}

/// Erases the private half and keeps the record.
pub(crate) fn retire(key: &KeyRecord, now: Moment) -> KeyRecord {
    KeyRecord {
        stage: Stage::Retired,
        sealed: None,
        retired_at: Some(key.retired_at.unwrap_or(now)),
        ..key.clone()
    }
}

/// Retires at once, and makes worthless what the key has signed.
pub(crate) fn revoke(key: &KeyRecord, now: Moment) -> KeyRecord {
    KeyRecord {
        revoked_at: Some(key.revoked_at.unwrap_or(now)),
        ..retire(key, now)
    }
}
