//! What OAuth 2.0 has standards for: exchanging a token (RFC 8693), asking about one (RFC 7662),
//! revoking one (RFC 7009).
//!
//! Their clients are libraries that know these pages and nothing of ours: bodies are forms, and
//! refusals say `error` and `error_description` (RFC 6749, 5.2).

mod asker;
mod exchange;
mod form;
mod introspect;
mod refused;
mod revoke;

pub(crate) use self::{
    exchange::{Exchanged, exchange},
    introspect::{Active, Inactive, introspect},
    refused::OAuthError,
    revoke::revoke,
};
