//! API keys of callers: only their hashes.

use async_trait::async_trait;
use serde::{Deserialize, Serialize};
use tollbridge_domain::{Act, CallerName, Moment, RouteName};

use crate::StoreError;

/// What an API key may do.
#[derive(Clone, Copy, Debug, Deserialize, Eq, Hash, PartialEq, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Scope {
    /// Mint tokens.
    Mint,
    /// Read the admin API.
    Viewer,
    /// Everything on the admin API.
    Admin,
}

/// One API key as it is stored.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct ApiKeyRecord {
    /// Public id, `ak_` and 12 characters; part of the key's text, so that look-up is by id.
    pub id: String,
    /// The name given at creation.
    pub name: String,
    /// SHA-256 of the whole key text.
    pub hash: [u8; 32],
    /// What it may do.
    pub scope: Scope,
    /// The `api_key` caller it belongs to; `None` for viewer and admin keys.
    pub caller: Option<CallerName>,
    /// Routes it may mint for; empty: every route that lists its caller.
    pub routes: Vec<RouteName>,
    /// When it was made.
    pub created_at: Moment,
    /// When it stops working.
    pub expires_at: Option<Moment>,
    /// When it was revoked.
    pub revoked_at: Option<Moment>,
    /// When it was last used, at a minute's precision.
    pub last_used_at: Option<Moment>,
}

/// API keys.
#[async_trait]
pub trait ApiKeyStore: Send + Sync {
    /// All of them, revoked ones included, oldest first.
    async fn api_keys(&self) -> Result<Vec<ApiKeyRecord>, StoreError>;

    /// Adds one, with its audit record.
    ///
    /// # Errors
    /// [`StoreError::Conflict`] where the id or the name of a key that is not revoked exists.
    async fn add_api_key(&self, key: &ApiKeyRecord, act: &Act) -> Result<(), StoreError>;

    /// Revokes by id or by name; `false` where no live key has it.
    async fn revoke_api_key(&self, id: &str, at: Moment, act: &Act) -> Result<bool, StoreError>;

    /// Notes when keys were last used; does not move the revision.
    async fn touch_api_keys(&self, used: &[(String, Moment)]) -> Result<(), StoreError>;
}
