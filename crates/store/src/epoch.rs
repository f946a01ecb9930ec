//! The restart rule (contract, section 9).

use async_trait::async_trait;
use tollbridge_domain::Moment;

use crate::StoreError;

/// Remembers the second in which a server last started.
#[async_trait]
pub trait EpochStore: Send + Sync {
    /// Moves the epoch to `now` if that is later, never back, durably; returns where it stands.
    /// With in-process coordination a token whose `iat` is not after it is refused, so that a
    /// restart, which forgets the used tokens, reopens no replay window.
    async fn advance_epoch(&self, now: Moment) -> Result<Moment, StoreError>;
}
