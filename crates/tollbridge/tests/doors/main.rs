//! The two doors of the real binary, knocked at from outside: who may mint, and who may enter.
//!
//! A test that begins with a case's id (`M01`, `B16`, `T13`) is that case of the threat model.

#![expect(
    clippy::expect_used,
    clippy::unwrap_used,
    reason = "a test says what it expects by failing"
)]

mod bodies;
mod borne;
mod carriers;
mod clean;
mod confusion;
mod cuts;
mod forge;
mod forms;
mod forwarding;
mod guards;
mod mint;
mod origins;
mod oversize;
mod paths;
mod plan;
mod races;
mod refusals;
mod returned;
mod scenes;
mod signatures;
mod smuggling;
mod stage;
mod targets;
mod texts;
mod times;
mod upstreams;
mod uses;
mod wishes;
