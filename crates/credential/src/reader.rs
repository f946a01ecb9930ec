//! Where a secret is read.

use std::{fmt, sync::Arc};

use tollbridge_domain::Secret;

use crate::FetchError;

/// Reads a secret where it is kept. Called once for each fetch, on a worker thread, so it should
/// not do more than look at a file.
#[derive(Clone)]
pub struct Reader(Arc<dyn Fn() -> Result<Secret<String>, String> + Send + Sync>);

impl Reader {
    /// From what reads it. What it says where it cannot ends up in logs: it may name the place, and
    /// must not hold the value.
    #[must_use]
    pub fn new(read: impl Fn() -> Result<Secret<String>, String> + Send + Sync + 'static) -> Self {
        Self(Arc::new(read))
    }

    pub(crate) fn read(&self) -> Result<Secret<String>, FetchError> {
        self.0().map_err(FetchError::Secret)
    }
}

impl From<Arc<dyn Fn() -> Result<Secret<String>, String> + Send + Sync>> for Reader {
    fn from(read: Arc<dyn Fn() -> Result<Secret<String>, String> + Send + Sync>) -> Self {
        Self(read)
    }
}

impl fmt::Debug for Reader {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Reader")
    }
}
