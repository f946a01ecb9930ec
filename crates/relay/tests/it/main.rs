//! Sessions over in-memory streams, under a clock that moves only when everybody waits.

#![expect(clippy::unwrap_used, reason = "a test says what it expects by failing")]

mod endings;
mod frames;
mod heartbeat;
mod idle;
mod limits;
mod memory;
mod orders;
mod panics;
mod passing;
mod pieces;
mod reference;
mod refusal;
mod registry;
mod rules;
mod scanner;
mod splits;
mod stage;
mod upstream_pings;
mod wakers;
