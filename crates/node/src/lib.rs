//! One node, from its settings to what runs.
//!
//! [`Node::open`] takes the store's lock, the store, the keys and the routes: the binary puts listeners, signals and a
//! command line around it. An application that mounts Tollbridge among its own handlers takes [`Embedded`] instead,
//! which also runs what a node does in the background.

mod embedded;
mod error;
mod node;
mod refresh;
mod secrets;
mod store;
mod wire;

pub use tollbridge_config::{Problems, Settings};
pub use tollbridge_http::{Identity, Shared};

pub use self::{
    embedded::Embedded,
    error::NodeError,
    node::{Node, Running},
    secrets::{Version, version},
    store::{master_key, open_keys, open_store, policy, store_path},
    wire::{Before, WireError, generation, issuer, public_url, scheme},
};
