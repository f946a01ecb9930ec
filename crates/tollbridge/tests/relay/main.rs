//! Hostile peers on bare sockets: what each side reads, and what the bridge makes of it.
//!
//! [`table`] plays its rows on one server, each beside a session that must not notice. The other
//! files are cases that need a server, a process or many sessions of their own. A name or doc
//! comment that begins with a case's id (`R05`, `D01`) is that case of the threat model.

#![expect(
    clippy::expect_used,
    clippy::unwrap_used,
    reason = "in a test, a broken assumption is best reported by a panic where it broke"
)]

mod act;
mod audio;
mod descriptors;
mod drain;
mod heads;
mod masks;
mod memory;
mod neighbour;
mod row;
mod rows;
mod slow;
mod stage;
mod table;
mod told;
mod vanish;
mod wire;
