//! How a running server notices what a command line changed.

use async_trait::async_trait;

use crate::StoreError;

/// A counter that moves with every change of a set.
#[derive(Clone, Copy, Debug, Default, Eq, Ord, PartialEq, PartialOrd)]
pub struct Revision(pub i64);

/// The revisions of every set, read together and cheaply.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
pub struct Watermark {
    /// Of the keys.
    pub keys: Revision,
    /// Of the API keys.
    pub api_keys: Revision,
    /// Of the revocations.
    pub revocations: Revision,
}

/// Read every half second by a running server.
#[async_trait]
pub trait Revisions: Send + Sync {
    /// Where every set stands.
    async fn watermark(&self) -> Result<Watermark, StoreError>;
}
