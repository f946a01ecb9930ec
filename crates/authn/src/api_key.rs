//! API keys: their text, the live view of those in the store, and the two doors they open.

mod admin;
mod authenticator;
mod create;
mod live;
mod text;

pub use self::{
    admin::AdminIdentity,
    authenticator::ApiKeyCaller,
    create::{ApiKeyName, ApiKeyNameError, create},
    live::ApiKeys,
    text::RawApiKey,
};

use crate::{Evidence, Rejection};

/// The API key that a request carries, by `Authorization: Bearer` or `X-API-Key`. What does not
/// begin like one may be somebody else's credential and is not ours to judge.
fn presented(evidence: &Evidence<'_>) -> Result<Option<RawApiKey>, Rejection> {
    let ours = |value: &&[u8]| value.starts_with(text::PREFIX.as_bytes());
    let bearer = evidence.bearer()?.filter(ours);
    let header = evidence.single("x-api-key")?.filter(ours);
    if bearer.is_some() && header.is_some() && bearer != header {
        return Err(Rejection::Ambiguous);
    }
    bearer.or(header).map(RawApiKey::parse).transpose()
}
