//! The behaviour that every adapter must show, as reusable tests.
//!
//! Each function takes a *fresh* adapter and panics where it breaks the contract. They ask for no
//! particular runtime, but the races (`…_race`) are only races on a multi-threaded one.

#![expect(
    clippy::unwrap_used,
    reason = "these are tests, only kept where other crates can call them"
)]

mod api_keys;
mod audit;
mod epoch;
mod fixture;
mod keys;
mod leases;
mod revocations;
mod used;
mod watermark;

pub use self::{
    api_keys::{api_keys, api_keys_race},
    audit::audit,
    epoch::epoch,
    fixture::{act, api_key, key, revocation},
    keys::{keys, keys_race},
    leases::{leases, leases_race},
    revocations::revocations,
    used::{used, used_race},
    watermark::watermark,
};
