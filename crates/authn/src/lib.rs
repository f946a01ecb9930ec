//! Who is calling the mint and the admin API.
//!
//! A request is shown as [`Evidence`]; a [`Chain`] asks each configured [`Authenticator`] in order
//! and yields a [`Caller`]. One kind is built in here, which asks nobody: API keys, whose hashes are in the store and
//! whose text is seen once, when [`create`] makes it.

mod api_key;
mod caller;
mod chain;
mod claims;
mod cookies;
mod evidence;
mod rejection;

pub use self::{
    api_key::{
        AdminIdentity, ApiKeyCaller, ApiKeyName, ApiKeyNameError, ApiKeys, RawApiKey, create,
    },
    caller::{ApiKeyIdentity, Caller, RouteLimit, SubjectRule},
    chain::{Authenticator, Chain, Verdict, Watcher},
    claims::Claims,
    cookies::Cookies,
    evidence::{Evidence, Header, Request},
    rejection::Rejection,
};
