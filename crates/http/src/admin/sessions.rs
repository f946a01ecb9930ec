//! Live sessions: list and kill.

use actix_web::{HttpResponse, web};
use serde::Deserialize;
use tollbridge_domain::Slug;

use super::{
    asked::Asked,
    door::{Operator, Viewer},
    failed, ok,
};
use crate::{
    problem::{Code, Problem},
    shared::Shared,
};

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Filter {
    route: Option<String>,
    subject: Option<String>,
    jti: Option<String>,
    client_id: Option<String>,
    kid: Option<String>,
}

pub(super) async fn list(
    _: Viewer,
    req: actix_web::HttpRequest,
    shared: web::Data<Shared>,
) -> Result<HttpResponse, Problem> {
    let filter = web::Query::<Filter>::from_query(req.query_string())
        .map_err(|error| Problem::with(Code::InvalidRequest, error.to_string()))?
        .into_inner();
    let wanted =
        |asked: &Option<String>, value: &str| asked.as_deref().is_none_or(|asked| asked == value);
    let rows: Vec<serde_json::Value> = shared
        .registry
        .list()
        .into_iter()
        .filter(|live| {
            wanted(&filter.route, live.card.route.as_str())
                && wanted(&filter.subject, live.card.subject.as_str())
                && wanted(&filter.jti, live.card.jti.as_str())
                && wanted(&filter.client_id, live.card.client_id.as_str())
                && wanted(&filter.kid, live.card.kid.as_str())
        })
        .map(|live| {
            let (card, counts) = (live.card, live.counts);
            serde_json::json!({
                "id": card.session.as_str(),
                "route": card.route.as_str(),
                "subject": card.subject.as_str(),
                "client_id": card.client_id.as_str(),
                "jti": card.jti.as_str(),
                "kid": card.kid.as_str(),
                "origin": card.origin,
                "peer": card.peer,
                "label": card.label,
                "metadata": card.metadata,
                "started": card.started.to_string(),
                "upstream_request_id": card.upstream_request_id,
                "age_seconds": live.age.as_secs(),
                "bytes_up": counts.bytes_up,
                "bytes_down": counts.bytes_down,
                "messages_up": counts.messages_up,
                "messages_down": counts.messages_down,
            })
        })
        .collect();
    Ok(ok(&serde_json::json!({ "sessions": rows })))
}

#[derive(Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub(super) struct Kill {
    reason: String,
}

pub(super) async fn kill(
    operator: Operator,
    id: web::Path<String>,
    Asked(kill): Asked<Kill>,
    shared: web::Data<Shared>,
) -> Result<HttpResponse, Problem> {
    if !shared
        .registry
        .list()
        .iter()
        .any(|live| live.card.session.as_str() == *id)
    {
        return Err(Problem::with(Code::NotFound, "There is no such session."));
    }
    let act = operator.act("session.killed", &id, &kill.reason);
    shared
        .store
        .record_act(&act, shared.clock.now())
        .await
        .map_err(|error| failed(&error))?;
    tracing::info!(event = "admin.action", action = "kill", who = %operator.0, session_id = id.as_str(), "a session was killed");
    let killed = shared
        .registry
        .end_where(Slug::Killed, |card| card.session.as_str() == *id);
    Ok(ok(&serde_json::json!({ "killed": killed })))
}
