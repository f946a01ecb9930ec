//! The node itself: overview, routes, denials, audit, drain, reload.

use actix_web::{HttpResponse, http::header, web};
use serde::Deserialize;
use tollbridge_store::AuditQuery;

use super::{
    door::{Operator, Viewer},
    failed, ok,
};
use crate::{
    health,
    problem::{Code, Problem},
    shared::{ReloadError, Shared},
};

pub(super) async fn overview(_: Viewer, shared: web::Data<Shared>) -> HttpResponse {
    let generation = shared.generation.load();
    let now = shared.clock.now();
    ok(&serde_json::json!({
        "version": shared.version,
        "started": shared.started.to_string(),
        "uptime_seconds": now.since(shared.started),
        "generation": generation.number,
        "draining": shared.health.draining(),
        "sessions": { "open": shared.registry.len(), "limit": generation.max_sessions },
        "keys": super::keys::summary(&shared),
        "checks": health::checks(&shared),
    }))
}

pub(super) async fn routes(_: Viewer, shared: web::Data<Shared>) -> HttpResponse {
    let generation = shared.generation.load();
    let live = shared.registry.list();
    let rows: Vec<serde_json::Value> = generation
        .routes
        .iter()
        .map(|route| {
            let open = live
                .iter()
                .filter(|session| session.card.route == route.name)
                .count();
            serde_json::json!({
                "name": route.name.as_str(),
                "upstream": route.target.authority(),
                "paths": route.paths,
                "callers": route.callers.iter().map(ToString::to_string).collect::<Vec<_>>(),
                "sessions": { "open": open, "limit": route.caps.sessions },
            })
        })
        .collect();
    ok(&serde_json::json!({ "routes": rows }))
}

pub(super) async fn denials(_: Viewer, shared: web::Data<Shared>) -> HttpResponse {
    ok(&serde_json::json!({ "denials": shared.denials.list() }))
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct AuditAsk {
    after: Option<i64>,
    before: Option<i64>,
    event: Option<String>,
    limit: Option<u32>,
}

pub(super) async fn audit(
    _: Viewer,
    req: actix_web::HttpRequest,
    shared: web::Data<Shared>,
) -> Result<HttpResponse, Problem> {
    let ask = web::Query::<AuditAsk>::from_query(req.query_string())
        .map_err(|error| Problem::with(Code::InvalidRequest, error.to_string()))?
        .into_inner();
    let query = AuditQuery {
        after: ask.after,
        before: ask.before,
        event: ask.event,
        limit: ask.limit.unwrap_or(100).min(1000),
    };
    let entries = shared
        .store
        .audit(&query)
        .await
        .map_err(|error| failed(&error))?;
    Ok(ok(&serde_json::json!({ "entries": entries })))
}

pub(super) async fn config(_: Viewer, shared: web::Data<Shared>) -> HttpResponse {
    let generation = shared.generation.load();
    HttpResponse::Ok()
        .insert_header((header::CONTENT_TYPE, "application/toml"))
        .insert_header((header::CACHE_CONTROL, "no-store"))
        .body(generation.shown.clone())
}

pub(super) async fn drain(
    operator: Operator,
    shared: web::Data<Shared>,
) -> Result<HttpResponse, Problem> {
    let act = operator.act("node.drained", "", "");
    shared
        .store
        .record_act(&act, shared.clock.now())
        .await
        .map_err(|error| failed(&error))?;
    tracing::info!(event = "admin.action", action = "drain", who = %operator.0, "a drain was ordered");
    let open = shared.registry.len();
    shared.steering.drain();
    Ok(HttpResponse::Accepted().json(serde_json::json!({ "draining": true, "sessions": open })))
}

pub(super) async fn reload(
    operator: Operator,
    shared: web::Data<Shared>,
) -> Result<HttpResponse, Problem> {
    let act = operator.act("config.reloaded", "", "");
    match shared.steering.reload(&act).await {
        Ok(report) => Ok(ok(&serde_json::json!({
            "generation": report.generation,
            "needs_restart": report.needs_restart,
        }))),
        Err(ReloadError::Refused(problems)) => Err(Problem::with(Code::InvalidRequest, problems)),
        Err(error) => Err(failed(&error)),
    }
}
