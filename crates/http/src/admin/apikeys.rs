//! API keys: list, create, revoke.

use actix_web::{HttpResponse, http::header, web};
use serde::Deserialize;
use tollbridge_authn::ApiKeyName;
use tollbridge_domain::{CallerName, Moment, RouteName};
use tollbridge_store::{Scope, StoreError};

use super::{
    asked::Asked,
    door::{Operator, Viewer},
    failed, ok,
};
use crate::{
    problem::{Code, Problem},
    shared::Shared,
    wire::api_key,
};

pub(super) async fn list(_: Viewer, shared: web::Data<Shared>) -> Result<HttpResponse, Problem> {
    let keys = shared
        .store
        .api_keys()
        .await
        .map_err(|error| failed(&error))?;
    let rows: Vec<serde_json::Value> = keys.iter().map(api_key).collect();
    Ok(ok(&serde_json::json!({ "apikeys": rows })))
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Create {
    name: String,
    scope: Scope,
    caller: Option<CallerName>,
    #[serde(default)]
    routes: Vec<RouteName>,
    /// Seconds since 1970.
    expires_at: Option<i64>,
}

pub(super) async fn create(
    operator: Operator,
    Asked(ask): Asked<Create>,
    shared: web::Data<Shared>,
) -> Result<HttpResponse, Problem> {
    let generation = shared.generation.load_full();
    let callers = &generation.api_key_callers;
    let caller = match (ask.scope, ask.caller) {
        (Scope::Mint, None) => {
            let [only] = callers.as_slice() else {
                return Err(Problem::with(
                    Code::InvalidRequest,
                    "caller is required: there is not exactly one api_key caller",
                ));
            };
            Some(only.clone())
        }
        (Scope::Mint, Some(caller)) if callers.contains(&caller) => Some(caller),
        (Scope::Mint, Some(_)) => {
            return Err(Problem::with(
                Code::InvalidRequest,
                "caller is not an api_key caller of the configuration",
            ));
        }
        (_, Some(_)) => {
            return Err(Problem::with(
                Code::InvalidRequest,
                "only a key of scope mint has a caller",
            ));
        }
        (_, None) => None,
    };
    if let Some(route) = ask
        .routes
        .iter()
        .find(|route| generation.routes.get(route.as_str()).is_none())
    {
        return Err(Problem::with(
            Code::InvalidRequest,
            format!("there is no route {route}"),
        ));
    }
    let name = ApiKeyName::parse(&ask.name)
        .map_err(|error| Problem::with(Code::InvalidRequest, error.to_string()))?;
    let (text, record) = tollbridge_authn::create(
        &name,
        ask.scope,
        caller,
        ask.routes,
        ask.expires_at.map(Moment::from_seconds),
        shared.clock.as_ref(),
        shared.entropy.as_ref(),
    );
    let act = operator.act("apikey.created", &record.id, &record.name);
    shared
        .store
        .add_api_key(&record, &act)
        .await
        .map_err(|error| match error {
            StoreError::Conflict => Problem::with(Code::Conflict, "A live key has this name."),
            other => failed(&other),
        })?;
    shared
        .api_keys
        .refresh()
        .await
        .map_err(|error| failed(&error))?;
    tracing::info!(event = "admin.action", action = "apikey.create", who = %operator.0, apikey = record.id, "an API key was made");
    Ok(HttpResponse::Created()
        .insert_header((header::CACHE_CONTROL, "no-store"))
        .json(serde_json::json!({ "id": record.id, "name": record.name, "key": text.reveal() })))
}

pub(super) async fn revoke(
    operator: Operator,
    id: web::Path<String>,
    shared: web::Data<Shared>,
) -> Result<HttpResponse, Problem> {
    let act = operator.act("apikey.revoked", &id, "");
    let now = shared.clock.now();
    let revoked = shared
        .store
        .revoke_api_key(&id, now, &act)
        .await
        .map_err(|error| failed(&error))?;
    if !revoked {
        return Err(Problem::with(
            Code::NotFound,
            "There is no live key of this id or name.",
        ));
    }
    shared
        .api_keys
        .refresh()
        .await
        .map_err(|error| failed(&error))?;
    tracing::info!(event = "admin.action", action = "apikey.revoke", who = %operator.0, apikey = id.as_str(), "an API key was revoked");
    Ok(ok(&serde_json::json!({ "revoked": true })))
}
