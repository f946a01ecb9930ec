//! A credential to dial with.

use std::{fmt, sync::Arc};

use tollbridge_domain::Secret;

/// How a credential is to be used.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Kind {
    /// In a header or the query, as the route says.
    Token,
    /// As the address of the upstream, complete, instead of the route's own. Who trusts the
    /// endpoint to say it should still look at its host.
    Url,
}

/// What a source gave. Cheap to clone.
#[derive(Clone)]
pub struct Fetched {
    kind: Kind,
    value: Arc<Secret<String>>,
    generation: u64,
}

impl Fetched {
    pub(crate) fn new(kind: Kind, value: Secret<String>, generation: u64) -> Self {
        Self {
            kind,
            value: Arc::new(value),
            generation,
        }
    }

    /// Token or URL.
    #[must_use]
    pub const fn kind(&self) -> Kind {
        self.kind
    }

    /// The token or the URL: printable ASCII, at most 16 KiB.
    #[must_use]
    pub fn value(&self) -> &Secret<String> {
        &self.value
    }

    /// Its number among all that its [`Credential`](crate::Credential) has got, from 1.
    #[must_use]
    pub const fn generation(&self) -> u64 {
        self.generation
    }
}

impl fmt::Debug for Fetched {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Fetched")
            .field("kind", &self.kind)
            .field("generation", &self.generation)
            .finish_non_exhaustive()
    }
}
