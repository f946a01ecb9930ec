//! How nouns look in JSON, in the admin API and on the command line alike.

use serde::Serializer;
use serde_json::{Value, json};
use tollbridge_domain::{CallerName, Moment, RouteName};
use tollbridge_store::{ApiKeyRecord, KeyRecord};

/// A signing key, without material.
#[must_use]
pub fn signing_key(key: &KeyRecord) -> Value {
    json!({
        "kid": key.kid.as_str(),
        "algorithm": key.algorithm,
        "stage": key.stage,
        "created_at": key.created_at.to_string(),
        "activate_at": maybe(key.activate_at),
        "activated_at": maybe(key.activated_at),
        "retire_at": maybe(key.retire_at),
        "retired_at": maybe(key.retired_at),
        "revoked_at": maybe(key.revoked_at),
    })
}

/// An API key, without its text or hash.
#[must_use]
pub fn api_key(key: &ApiKeyRecord) -> Value {
    json!({
        "id": key.id,
        "name": key.name,
        "scope": key.scope,
        "caller": key.caller.as_ref().map(CallerName::as_str),
        "routes": key.routes.iter().map(RouteName::as_str).collect::<Vec<_>>(),
        "created_at": key.created_at.to_string(),
        "expires_at": maybe(key.expires_at),
        "revoked_at": maybe(key.revoked_at),
        "last_used_at": maybe(key.last_used_at),
    })
}

/// RFC 3339.
pub(crate) fn moment<S: Serializer>(moment: &Moment, serializer: S) -> Result<S::Ok, S::Error> {
    serializer.collect_str(moment)
}

/// RFC 3339 or null.
pub(crate) fn maybe(moment: Option<Moment>) -> Value {
    moment.map_or(Value::Null, |moment| moment.to_string().into())
}
