//! Ports: what Tollbridge must remember, and how quickly. Adapters live elsewhere.
//!
//! Two kinds. What must *last* ([`KeyStore`], [`ApiKeyStore`], [`RevocationStore`], [`AuditLog`],
//! [`EpochStore`]) goes to SQL. What must be *quick* ([`UsedTokens`], [`SessionLeases`]) is
//! coordination between nodes; on one node it is [`memory`].

mod api_keys;
mod audit;
#[cfg(feature = "contract")]
pub mod contract;
mod epoch;
mod error;
mod keys;
mod lease;
pub mod memory;
mod revision;
mod revocations;
mod used;

pub use self::{
    api_keys::{ApiKeyRecord, ApiKeyStore, Scope},
    audit::{AuditEntry, AuditLog, AuditQuery},
    epoch::EpochStore,
    error::StoreError,
    keys::{Algorithm, KeyRecord, KeyStore, Stage},
    lease::{Lease, LeaseCaps, LeaseRefusal, SessionLeases},
    revision::{Revision, Revisions, Watermark},
    revocations::{Revocation, RevocationStore, RevokedThing},
    used::{Consumed, GiveBack, UsedTokens},
};

/// Everything that must last, in one object: what a SQL adapter provides.
pub trait Store:
    KeyStore + ApiKeyStore + RevocationStore + AuditLog + EpochStore + Revisions
{
}

impl<T: KeyStore + ApiKeyStore + RevocationStore + AuditLog + EpochStore + Revisions> Store for T {}
