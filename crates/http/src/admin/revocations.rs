//! Revocations by token, subject, route, key or caller.

use actix_web::{HttpResponse, web};
use serde::Deserialize;
use tollbridge_domain::Moment;
use tollbridge_store::{Revocation, RevokedThing};

use super::{
    asked::Asked,
    door::{Operator, Viewer},
    failed, ok,
};
use crate::{
    problem::{Code, Problem},
    revoking::{self, target},
    shared::Shared,
    wire::maybe,
};

pub(super) async fn list(_: Viewer, shared: web::Data<Shared>) -> Result<HttpResponse, Problem> {
    let now = shared.clock.now();
    let all = shared
        .store
        .revocations(now)
        .await
        .map_err(|error| failed(&error))?;
    let rows: Vec<serde_json::Value> = all.iter().map(present).collect();
    Ok(ok(&serde_json::json!({ "revocations": rows })))
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Add {
    subject: Option<String>,
    jti: Option<String>,
    route: Option<String>,
    kid: Option<String>,
    client_id: Option<String>,
    #[serde(default)]
    reason: String,
    /// Seconds since 1970: until then the thing is banned, tokens issued later included.
    until: Option<i64>,
    /// Whether the sessions that are covered end too.
    #[serde(default)]
    sessions: bool,
}

impl Add {
    fn thing(&self) -> Result<(RevokedThing, &str), Problem> {
        let named: Vec<(RevokedThing, &str)> = [
            (RevokedThing::Subject, &self.subject),
            (RevokedThing::Jti, &self.jti),
            (RevokedThing::Route, &self.route),
            (RevokedThing::Kid, &self.kid),
            (RevokedThing::ClientId, &self.client_id),
        ]
        .into_iter()
        .filter_map(|(thing, value)| Some((thing, value.as_deref()?)))
        .collect();
        match named.as_slice() {
            [(thing, value)] if (1..=256).contains(&value.len()) => Ok((*thing, value)),
            _ => Err(Problem::with(
                Code::InvalidRequest,
                "Exactly one of subject, jti, route, kid and client_id is required, 1 to 256 bytes long.",
            )),
        }
    }
}

pub(super) async fn add(
    operator: Operator,
    Asked(ask): Asked<Add>,
    shared: web::Data<Shared>,
) -> Result<HttpResponse, Problem> {
    let (thing, value) = ask.thing()?;
    let now = shared.clock.now();
    let until = ask.until.map(Moment::from_seconds);
    if until.is_some_and(|until| until <= now) {
        return Err(Problem::with(
            Code::InvalidRequest,
            "until must be in the future, in seconds since 1970",
        ));
    }
    let fresh = revoking::revocation(&shared, (thing, value), until.unwrap_or(now), now);
    let revocation = Revocation {
        issued_until: now,
        until,
        reason: operator.act("", "", &ask.reason).why,
        ..fresh
    };
    let act = operator.act("revocation.added", &target(&revocation), &ask.reason);
    revoking::put_in_force(&shared, &revocation, &act, now)
        .await
        .map_err(|error| failed(&error))?;
    let ended = if ask.sessions {
        revoking::end_sessions(&shared, &revocation, now)
    } else {
        0
    };
    tracing::warn!(
        event = "admin.action",
        action = "revoke",
        who = %operator.0,
        target = target(&revocation),
        sessions_ended = ended,
        "access was revoked"
    );
    let mut shown = present(&revocation);
    shown["sessions_ended"] = ended.into();
    Ok(HttpResponse::Created().json(shown))
}

fn present(revocation: &Revocation) -> serde_json::Value {
    serde_json::json!({
        "thing": revocation.thing,
        "value": revocation.value,
        "issued_until": revocation.issued_until.to_string(),
        "until": maybe(revocation.until),
        "reason": revocation.reason,
        "at": revocation.at.to_string(),
    })
}
