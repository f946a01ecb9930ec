//! Signing keys through their life: staged, active, retiring, retired.
//!
//! [`Keyring`] is the live object; what it will do next is decided by pure functions of all keys
//! and the time ([`due`], [`plan_rotation`], [`plan_revocation`]), and written by compare-and-set,
//! so two nodes that decide at once cannot both be right. What readers see is a [`Snapshot`],
//! replaced whole. Private keys leave neither this crate nor, unsealed, this process.

mod draft;
mod entropy;
mod error;
mod jwks;
mod key;
mod live;
mod master;
mod operate;
mod pem;
mod schedule;
mod seal;
mod snapshot;
mod stage;
#[cfg(test)]
mod tests;
mod thumbprint;

pub use self::{
    entropy::RingEntropy,
    error::{ImportError, KeyringError},
    jwks::{Jwks, jwks_max_age},
    key::{SigningKey, VerifyingKey, verify},
    live::{Keyring, Transition},
    master::{MasterKey, MasterKeyError},
    operate::{PUBLISH_WAIT, Revoked, Rotation},
    schedule::{Policy, RevocationPlan, RotationPlan, Step, due, plan_revocation, plan_rotation},
    snapshot::Snapshot,
    thumbprint::thumbprint,
};
