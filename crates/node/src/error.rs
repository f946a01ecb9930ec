//! Why a node did not come to be.

use std::error::Error;

/// Why a node cannot be opened: something is wrong with what is written, or with the world.
#[derive(Debug, thiserror::Error)]
pub enum NodeError {
    /// The settings, or a file that they name.
    #[error("{0}")]
    Configuration(String),
    /// The store, the keys, the network.
    #[error("{0}")]
    Failed(String),
}

impl NodeError {
    pub(crate) fn of(doing: &str, error: &dyn Error) -> Self {
        Self::Failed(format!("{doing}: {}", tollbridge_http::chain(error)))
    }

    pub(crate) fn configured(doing: &str, error: &dyn Error) -> Self {
        Self::Configuration(format!("{doing}: {}", tollbridge_http::chain(error)))
    }
}
