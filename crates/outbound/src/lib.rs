//! Questions to other people's HTTP servers, e.g. for tokens, keys, or who somebody is.
//!
//! An [`Ask`] is carried by the [`Http`] of a worker thread, over a connection of its own. Where it
//! goes by TLS, nothing is written before the other side has proved who it is ([`Tls`]). No
//! redirect is followed, no answer longer than asked for is read, and nothing is kept.
//!
//! The deadline is the caller's: an answer that does not come is waited for as long as the future
//! is polled. A [`Guard`] has one, a bound on how much is asked at once, and leaves alone whoever
//! fails again and again.

mod ask;
mod breaker;
mod error;
mod failure;
mod form;
mod guard;
mod http;
mod tls;
mod wire;

pub use tollbridge_stream::TlsError;

pub use awc::http::{
    Method,
    header::{HeaderMap, HeaderName, HeaderValue},
};

pub use self::{
    ask::Ask,
    error::AskError,
    form::{Form, encode},
    guard::{Guard, Unavailable},
    http::{Answer, Http},
    tls::Tls,
};
