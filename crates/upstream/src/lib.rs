//! The far side of a session.
//!
//! A [`Target`] and some [`Piece`]s become a [`Call`]; a [`Dialer`] makes the call and judges the
//! answer; what comes out is a raw [`Socket`] on which frames flow, or a [`DialError`] that knows
//! whether the upstream can have noticed anything.
//!
//! Everything here is local to one worker thread except [`Tls`], which is built once per route.

mod chains;
mod dial;
mod errand;
mod error;
mod extension;
mod header;
mod query;
mod refused;
mod socket;
mod target;
mod template;
mod tickets;
mod tls;
mod tunnel;
mod wire;

pub use tollbridge_stream::TlsError;

pub use self::{
    dial::{Call, Dialer, Dialled},
    error::DialError,
    refused::Refused,
    socket::Socket,
    target::{Known, Part, Scheme, Target, TargetError},
    template::{Facts, Piece, RenderError, render, render_plain},
    tls::Tls,
};
