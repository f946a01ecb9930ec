//! What readers see: every key at one revision of the store.

use std::{collections::HashMap, sync::Arc};

use tollbridge_domain::KeyId;
use tollbridge_store::{KeyRecord, Revision, Stage};

use crate::{Jwks, KeyringError, SigningKey, VerifyingKey};

/// An immutable view of the keys.
#[derive(Debug)]
pub struct Snapshot {
    revision: Revision,
    records: Vec<KeyRecord>,
    signer: Option<Arc<SigningKey>>,
    verifiers: HashMap<KeyId, VerifyingKey>,
    jwks: Jwks,
}

impl Snapshot {
    /// From the records of the store. Their sealed halves are left behind.
    pub(crate) fn build(
        records: Vec<KeyRecord>,
        revision: Revision,
        signer: Option<Arc<SigningKey>>,
    ) -> Result<Self, KeyringError> {
        let verifiers = records
            .iter()
            .filter(|record| verifies(record))
            .map(VerifyingKey::of)
            .collect::<Result<Vec<_>, _>>()?;
        Ok(Self {
            revision,
            jwks: Jwks::of(verifiers.iter()),
            verifiers: verifiers
                .into_iter()
                .map(|key| (key.kid().clone(), key))
                .collect(),
            signer,
            records: records.into_iter().map(without_private).collect(),
        })
    }

    /// The active key; `None` only where the master key does not open it.
    #[must_use]
    pub fn signer(&self) -> Option<&SigningKey> {
        self.signer.as_deref()
    }

    /// The key of this name, if it verifies: staged, active or retiring, and not revoked. A
    /// staged key verifies because another node may have activated it a moment ago.
    #[must_use]
    pub fn verifier(&self, kid: &KeyId) -> Option<&VerifyingKey> {
        self.verifiers.get(kid)
    }

    /// The public keys, ready to be sent.
    #[must_use]
    pub const fn jwks(&self) -> &Jwks {
        &self.jwks
    }

    /// All keys, oldest first, those that no longer verify included. `sealed` is `None` in every
    /// one of them, whatever the store holds.
    #[must_use]
    pub fn records(&self) -> &[KeyRecord] {
        &self.records
    }

    /// The keys that were revoked: what they admitted may have to end.
    pub fn revoked_kids(&self) -> impl Iterator<Item = &KeyId> {
        self.records
            .iter()
            .filter(|record| record.revoked_at.is_some())
            .map(|record| &record.kid)
    }

    /// Which revision of the store this is.
    #[must_use]
    pub const fn revision(&self) -> Revision {
        self.revision
    }

    /// Whether the key is on record, be it as one that no longer verifies.
    pub(crate) fn knows(&self, kid: &KeyId) -> bool {
        self.records.iter().any(|record| record.kid == *kid)
    }

    pub(crate) fn signer_named(&self, kid: &KeyId) -> Option<Arc<SigningKey>> {
        self.signer.clone().filter(|signer| signer.kid() == kid)
    }
}

fn verifies(record: &KeyRecord) -> bool {
    record.stage != Stage::Retired && record.revoked_at.is_none()
}

fn without_private(record: KeyRecord) -> KeyRecord {
    KeyRecord {
        sealed: None,
        ..record
    }
}
