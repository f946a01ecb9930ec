//! Callers that somebody else vouches for: each an [`Authenticator`](tollbridge_authn::Authenticator).
//!
//! - [`Jwt`]: a token that an identity provider signed, judged by the provider's published keys.
//! - [`Subrequest`]: a cookie or header that the team's own application knows.
//! - [`TrustedHeader`]: a name that a trusted proxy writes into a header.
//! - [`Introspection`]: an opaque token that its issuer is asked about (RFC 7662).
//! - [`Mtls`]: a certificate that the client shows when it connects.
//!
//! What is asked of others has a deadline and a bound on how much is asked at once. Whoever fails
//! five times in a row is left alone for a second, then for two; who wants to come in meanwhile
//! learns at once that nobody can say ([`Verdict::Unavailable`](tollbridge_authn::Verdict)).
//! Answers are bounded, redirects are refusals, and nothing of a credential is kept: what is
//! remembered is remembered under a keyed hash.

mod address;
mod algorithm;
mod asking;
mod cache;
mod certificate;
mod discovery;
mod freshness;
mod introspection;
mod jws;
mod jwt;
mod key;
mod key_book;
mod key_set;
mod keys;
mod members;
mod mtls;
mod subject;
mod subrequest;
mod trouble;
mod trusted_header;

pub use self::{
    address::{Address, AddressError},
    algorithm::Algorithm,
    introspection::{Introspection, IntrospectionOptions},
    jwt::{Jwt, JwtOptions, KeysAt},
    mtls::{CertificateName, Mtls},
    subject::SubjectFrom,
    subrequest::{Subrequest, SubrequestOptions},
    trusted_header::TrustedHeader,
};
