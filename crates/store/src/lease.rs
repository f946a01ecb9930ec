//! Session leases: how many sessions a route, a subject and the server hold.

use async_trait::async_trait;
use tollbridge_domain::{RouteName, SessionId, Subject};

use crate::StoreError;

/// The caps that apply to one session; `None` is unlimited.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
pub struct LeaseCaps {
    /// Sessions of the whole server.
    pub server: Option<u32>,
    /// Sessions of the route.
    pub route: Option<u32>,
    /// Sessions of the subject on the route.
    pub subject: Option<u32>,
}

/// Which cap was reached.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum LeaseRefusal {
    /// The server's: the bearer is told `overloaded`.
    Server,
    /// The route's: `concurrency_limit`.
    Route,
    /// The subject's: `concurrency_limit`.
    Subject,
}

/// What one lease is for.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Lease {
    /// The session.
    pub session: SessionId,
    /// Its route.
    pub route: RouteName,
    /// Its subject.
    pub subject: Subject,
}

/// Session leases.
#[async_trait]
pub trait SessionLeases: Send + Sync {
    /// Takes a lease, atomically against all caps.
    async fn acquire(
        &self,
        lease: &Lease,
        caps: LeaseCaps,
    ) -> Result<Result<(), LeaseRefusal>, StoreError>;

    /// Whether [`acquire`](Self::acquire) would succeed now. Takes nothing, promises nothing.
    async fn room(
        &self,
        lease: &Lease,
        caps: LeaseCaps,
    ) -> Result<Result<(), LeaseRefusal>, StoreError>;

    /// Gives it back. Releasing twice is harmless.
    fn release(&self, lease: &Lease);
}
