//! Vendors' services behind the real binary: credentials that are fetched, signed, rotated and
//! taken back, every preset in every of its carriers, and the sessions that begin with a message.
//!
//! The far side is the stand-ins of `testkit`, which are stricter than the services.

#![expect(
    clippy::expect_used,
    clippy::unwrap_used,
    reason = "a test says what it expects by failing"
)]

mod endpoint;
mod stage;
mod strangers;

mod aws;
mod carriers;
mod cases;
mod clouds;
mod doubao;
mod first_endings;
mod first_message;
mod first_refused;
mod generic;
mod gossip;
mod outages;
mod packets;
mod presets;
mod renewal;
mod rotation;
mod signed;
mod tokens;
