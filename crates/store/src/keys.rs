//! Signing keys and their stages.

use async_trait::async_trait;
use serde::{Deserialize, Serialize};
use tollbridge_domain::{Act, KeyId, Moment};

use crate::{Revision, StoreError};

/// Signature algorithms we make keys for.
#[derive(Clone, Copy, Debug, Deserialize, Eq, Hash, PartialEq, Serialize)]
pub enum Algorithm {
    /// Ed25519 (RFC 8037).
    EdDSA,
    /// ECDSA on P-256 with SHA-256 (RFC 7518, 3.4).
    ES256,
}

/// Where a key stands in its life. The order is the only legal direction.
#[derive(Clone, Copy, Debug, Deserialize, Eq, Hash, Ord, PartialEq, PartialOrd, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Stage {
    /// Published, not signing yet.
    Staged,
    /// Signs; exactly one.
    Active,
    /// Verifies only, until the last token it signed can no longer be redeemed.
    Retiring,
    /// Material erased, record kept.
    Retired,
}

/// One signing key as it is stored. The private half is sealed under the master key.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct KeyRecord {
    /// RFC 7638 thumbprint.
    pub kid: KeyId,
    /// What it signs with.
    pub algorithm: Algorithm,
    /// Where it stands.
    pub stage: Stage,
    /// Public key, raw: 32 bytes for Ed25519, 65 (uncompressed point) for P-256.
    pub public: Vec<u8>,
    /// Sealed PKCS#8; `None` once retired.
    pub sealed: Option<Vec<u8>>,
    /// When it was made or imported.
    pub created_at: Moment,
    /// When a staged key becomes active.
    pub activate_at: Option<Moment>,
    /// When it became active.
    pub activated_at: Option<Moment>,
    /// When a retiring key retires.
    pub retire_at: Option<Moment>,
    /// When it retired.
    pub retired_at: Option<Moment>,
    /// When it was revoked: tokens it signed are worth nothing.
    pub revoked_at: Option<Moment>,
}

/// Keys, changed by compare-and-set of the whole set: rotation is decided by a pure function of
/// all keys and the time, so two who decide at once must not both write.
#[async_trait]
pub trait KeyStore: Send + Sync {
    /// All keys, oldest first, and the revision they were read at.
    async fn keys(&self) -> Result<(Vec<KeyRecord>, Revision), StoreError>;

    /// Writes (inserts or replaces by `kid`) these records if the set is still at `expected`, and
    /// the audit records of the acts, in one transaction.
    ///
    /// # Errors
    /// [`StoreError::Conflict`] where the set has moved on.
    async fn change_keys(
        &self,
        expected: Revision,
        records: &[KeyRecord],
        acts: &[Act],
        at: Moment,
    ) -> Result<Revision, StoreError>;
}
