//! What has been revoked.

use async_trait::async_trait;
use serde::{Deserialize, Serialize};
use tollbridge_domain::{Act, Moment};

use crate::StoreError;

/// By what a token is revoked.
#[derive(Clone, Copy, Debug, Deserialize, Eq, Hash, PartialEq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum RevokedThing {
    /// One token.
    Jti,
    /// All tokens of a subject.
    Subject,
    /// All tokens for a route.
    Route,
    /// All tokens signed by a key.
    Kid,
    /// All tokens asked for by a caller or an API key.
    ClientId,
}

/// One revocation.
#[derive(Clone, Debug, Deserialize, Eq, PartialEq, Serialize)]
pub struct Revocation {
    /// By what.
    pub thing: RevokedThing,
    /// Its value.
    pub value: String,
    /// Tokens issued up to and including this second are covered.
    pub issued_until: Moment,
    /// With a value, a ban: tokens issued later are covered too, until this moment.
    pub until: Option<Moment>,
    /// After this moment no covered token can be redeemed and the record may go.
    pub forget_at: Moment,
    /// Why, in the operator's words.
    pub reason: String,
    /// When it was revoked.
    pub at: Moment,
}

/// Revocations.
#[async_trait]
pub trait RevocationStore: Send + Sync {
    /// All that may still matter at `now`.
    async fn revocations(&self, now: Moment) -> Result<Vec<Revocation>, StoreError>;

    /// Adds one, with its audit record. Drops what `at` has made meaningless.
    async fn add_revocation(&self, revocation: &Revocation, act: &Act) -> Result<(), StoreError>;
}
