//! Signing keys: list, rotate, revoke.

use actix_web::{HttpResponse, web};
use serde::Deserialize;
use tollbridge_domain::{KeyId, Slug};
use tollbridge_keyring::KeyringError;

use super::{
    asked::Asked,
    door::{Operator, Viewer},
    failed, ok,
};
use crate::{
    problem::{Code, Problem},
    shared::Shared,
    wire::signing_key,
};

/// Every key, oldest first, without material.
pub(super) fn summary(shared: &Shared) -> serde_json::Value {
    let snapshot = shared.keyring.snapshot();
    let rows: Vec<serde_json::Value> = snapshot.records().iter().map(signing_key).collect();
    rows.into()
}

pub(super) async fn list(_: Viewer, shared: web::Data<Shared>) -> HttpResponse {
    ok(&serde_json::json!({ "keys": summary(&shared) }))
}

#[derive(Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub(super) struct Rotate {
    now: bool,
    reason: String,
}

pub(super) async fn rotate(
    operator: Operator,
    Asked(ask): Asked<Rotate>,
    shared: web::Data<Shared>,
) -> Result<HttpResponse, Problem> {
    let why = operator.act("", "", &ask.reason).why;
    let rotation = shared
        .keyring
        .rotate(ask.now, &operator.0, &why)
        .await
        .map_err(|error| failed(&error))?;
    tracing::info!(event = "key.rotated", kid = %rotation.kid, who = %operator.0, "a key was rotated");
    Ok(ok(&serde_json::json!({
        "kid": rotation.kid.as_str(),
        "activates_at": rotation.activates_at.to_string(),
    })))
}

#[derive(Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub(super) struct Revoke {
    also_sessions: bool,
    reason: String,
}

pub(super) async fn revoke(
    operator: Operator,
    kid: web::Path<String>,
    Asked(ask): Asked<Revoke>,
    shared: web::Data<Shared>,
) -> Result<HttpResponse, Problem> {
    let kid = KeyId::parse(&kid).or(Err(Problem::with(Code::NotFound, "There is no such key.")))?;
    let why = operator.act("", "", &ask.reason).why;
    match shared.keyring.revoke(&kid, &operator.0, &why).await {
        Ok(_) => {}
        Err(KeyringError::UnknownKey(_)) => {
            return Err(Problem::with(Code::NotFound, "There is no such key."));
        }
        Err(error) => return Err(failed(&error)),
    }
    tracing::warn!(event = "key.revoked", kid = %kid, who = %operator.0, "a key was revoked");
    let ended = if ask.also_sessions {
        shared
            .registry
            .end_where(Slug::Revoked, |card| card.kid == kid)
    } else {
        0
    };
    Ok(ok(
        &serde_json::json!({ "kid": kid.as_str(), "sessions_ended": ended }),
    ))
}
