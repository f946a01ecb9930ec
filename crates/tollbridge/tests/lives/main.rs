//! Sessions and operation, from outside: the real binary, judged by the contract.
//!
//! One file a subject. Everything here starts servers of its own; nothing is shared but the
//! machine.
#![expect(
    clippy::expect_used,
    clippy::unwrap_used,
    reason = "in a test, a broken assumption is best reported by a panic where it broke"
)]

mod admin;
mod allow;
mod apikeys;
mod canary;
mod closes;
mod commands;
mod dialling;
mod disks;
mod drains;
mod endings;
mod exchange;
mod forms;
mod forward_auth;
mod frames;
mod heads;
mod hook;
mod house;
mod imports;
mod input;
mod inquiries;
mod json;
mod keys;
mod memory;
mod misplaced;
mod mtls;
mod orders;
mod pages;
mod races;
mod reloads;
mod restarts;
mod starts;
mod tls;
mod transparency;
mod unwritable;
mod vanishing;
mod vendors;
mod verdicts;
mod vouched;
