//! Byte streams below a session.
//!
//! [`connect`] and [`accept`] make a [`Tls`] stream of any byte stream. It reads and writes whole
//! messages through two buffers of the thread and owns none itself, so that an idle session costs
//! what rustls remembers of it and nothing else. [`Line`] is a TCP connection with or without it,
//! [`Early`] a stream with bytes in front of it.
//!
//! Nothing here knows HTTP or WebSockets.

mod early;
mod engine;
mod handshake;
mod kept;
mod leg;
mod line;
mod read;
mod scratch;
mod socket;
mod tls;
mod trust;
mod write;

pub use self::{
    early::Early,
    handshake::{accept, connect},
    leg::Leg,
    line::Line,
    tls::Tls,
    trust::{Proof, TlsError, roots},
};
