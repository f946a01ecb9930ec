//! Credentials that somebody else gives out, fetched or signed when a route's upstream is dialled.
//!
//! A [`Source`] says whom to ask and how. A [`Credential`], one per route and shared by all worker
//! threads, asks it as rarely as possible: what was fetched is kept while it lasts and renewed
//! before it ends, all who need a new one at the same time wait for one request, and a source that
//! fails is left alone for a while. [`Http`], one per worker thread, carries the questions.
//!
//! Two more engines ask nobody: [`hmac_url`] and [`sigv4`] sign the URL that is to be dialled.
//!
//! A secret that a question needs comes from a [`Reader`] and is read anew for each, so a rotated
//! file is noticed without a restart. No secret is ever in `Debug` or `Display` of anything here,
//! and nothing of an answer is but the code with which a token endpoint explains a refusal.

mod answer;
mod azure;
mod backoff;
mod book;
mod command;
mod credential;
mod error;
mod fetched;
mod flight;
mod gcp_account;
mod gcp_metadata;
mod oauth2;
mod query;
mod reader;
mod source;
mod token_url;
mod value;
mod why;

pub mod hmac_url;
pub mod sigv4;

pub use tollbridge_outbound::{Http, Tls, TlsError};

pub use self::{
    azure::AzureManagedIdentity,
    command::TokenCommand,
    credential::Credential,
    error::{CommandError, FetchError},
    fetched::{Fetched, Kind},
    gcp_account::GcpServiceAccount,
    gcp_metadata::GcpMetadata,
    oauth2::{ClientAuth, OAuth2},
    reader::Reader,
    source::Source,
    token_url::{Method, TokenUrl, Yields},
    why::Why,
};
