//! `GET /v1/forward-auth`: the bridge's door in front of somebody else's relay. A proxy asks whether
//! whom it has before it may enter; yes costs the token a use.

use std::sync::Arc;

use actix_web::{
    HttpRequest, HttpResponse,
    http::{
        StatusCode,
        header::{self, HeaderMap, HeaderName, HeaderValue},
    },
    web,
};
use tollbridge_domain::Slug;
use tollbridge_hook::Lowered;
use tollbridge_store::AuditEntry;
use tollbridge_token::{Admission, RawToken, Verified};

use super::{
    admission::Entrance,
    carrier::Offer,
    forwarded_for::{Asked, HERE},
    refusal::{self, Refusal},
};
use crate::{
    denials::Denial,
    problem::{Code, Problem},
    query::Query,
    route::Route,
    sender,
    shared::{Shared, Worker},
};

/// Who the bearer is, for the relay behind the proxy.
const SUBJECT: HeaderName = HeaderName::from_static("x-tollbridge-subject");
const ROUTE: HeaderName = HeaderName::from_static("x-tollbridge-route");
const JTI: HeaderName = HeaderName::from_static("x-tollbridge-jti");
const CLIENT_ID: HeaderName = HeaderName::from_static("x-tollbridge-client-id");
/// How long it may stay, and how much may pass, where the token or a hook says so.
const MAX_SESSION: HeaderName = HeaderName::from_static("x-tollbridge-max-session");
const BYTES: HeaderName = HeaderName::from_static("x-tollbridge-bytes");

/// Handles a proxy's question.
///
/// # Errors
/// A [`Problem`] with a status that proxies understand.
pub(crate) async fn forward_auth(
    req: HttpRequest,
    shared: web::Data<Shared>,
    worker: web::ThinData<Worker>,
) -> Result<HttpResponse, Problem> {
    let generation = shared.generation.load_full();
    let mut entrance = Entrance::new(&req, &shared, &generation);
    let close = is_no_plain_request(req.headers());
    let closing = |problem: Problem| if close { problem.closing() } else { problem };
    if !generation.trust.trusts(sender::socket(&req)) {
        return Err(closing(untrusted(&entrance)));
    }
    match admit(&mut entrance, &req, &worker).await {
        Ok((admission, lowered)) => {
            tell(&entrance, &admission);
            let mut answer = let_in(yes(&req), &admission, lowered);
            if close {
                answer
                    .head_mut()
                    .set_connection_type(actix_web::http::ConnectionType::Close);
            }
            Ok(answer)
        }
        Err(refusal) => {
            entrance.tell(&refusal);
            Err(closing(problem(&refusal)))
        }
    }
}

async fn admit(
    entrance: &mut Entrance<'_>,
    req: &HttpRequest,
    worker: &Worker,
) -> Result<(Admission, Lowered), Refusal> {
    let asked = Asked::of(req)?;
    let (route, verified) = match &asked.route {
        Some(name) => pinned(entrance, &asked, name).await?,
        None => named_by_token(entrance, &asked).await?,
    };
    entrance.route = Some(Arc::clone(&route));
    entrance.pass(&route, verified, worker).await
}

/// The token in the carriers of the one route that the proxy guards.
async fn pinned(
    entrance: &mut Entrance<'_>,
    asked: &Asked,
    name: &str,
) -> Result<(Arc<Route>, Verified), Refusal> {
    let route = entrance.generation.routes.get(name).cloned();
    let route = route.ok_or_else(|| {
        Refusal::stranger(
            Slug::UnknownRoute,
            "the proxy names a route that is not there",
        )
    })?;
    entrance.route = Some(Arc::clone(&route));
    let raw = held(entrance, asked, &route)?;
    let verified = entrance.judge(&raw).await?;
    Ok((route, verified))
}

/// The one token that stands in a carrier of the route that it names itself. What another route would
/// take for a token may be anything here.
async fn named_by_token(
    entrance: &mut Entrance<'_>,
    asked: &Asked,
) -> Result<(Arc<Route>, Verified), Refusal> {
    let routes: Vec<Arc<Route>> = entrance.generation.routes.iter().cloned().collect();
    let mut texts: Vec<RawToken> = Vec::new();
    let mut worst = Refusal::stranger(Slug::TokenMissing, "no carrier holds a token");
    for route in &routes {
        match held(entrance, asked, route) {
            Ok(raw) if texts.contains(&raw) => {}
            Ok(raw) => texts.push(raw),
            Err(refusal) => worst = telling(worst, refusal),
        }
    }
    let mut found: Option<(Arc<Route>, Verified)> = None;
    for raw in texts {
        let verified = match entrance.judge(&raw).await {
            Ok(verified) => verified,
            Err(refusal) => {
                worst = telling(worst, refusal);
                continue;
            }
        };
        let name = verified.claims().route();
        let own = routes.iter().find(|route| route.name == *name);
        let own = own.map(|route| (route, held(entrance, asked, route)));
        let route = match own {
            Some((route, Ok(it))) if it == raw => route,
            Some((_, Err(refusal))) if refusal.slug == Slug::BadRequest => return Err(refusal),
            Some((_, Ok(_another))) => return Err(two_tokens()),
            _ => {
                let why = "the token is not where its route has tokens";
                let claims = verified.claims();
                worst = telling(worst, Refusal::genuine(Slug::RouteNotAllowed, why, claims));
                continue;
            }
        };
        if found.is_some() {
            return Err(two_tokens());
        }
        found = Some((Arc::clone(route), verified));
    }
    found.ok_or_else(|| {
        let claims = worst.claims.as_deref();
        entrance.route = claims
            .and_then(|claims| entrance.generation.routes.get(claims.route().as_str()))
            .cloned();
        worst
    })
}

fn two_tokens() -> Refusal {
    Refusal::stranger(Slug::BadRequest, "two tokens, each in a place for one")
}

/// What the carriers of a route hold.
fn held(entrance: &Entrance<'_>, asked: &Asked, route: &Route) -> Result<RawToken, Refusal> {
    let query = Query::parse(&asked.query)
        .map_err(|error| Refusal::stranger(Slug::BadRequest, error.to_string()))?;
    let offer = Offer::of(&asked.offered, &route.carriers);
    entrance.token(route, &query, &offer)
}

/// Of two refusals the one that says more.
fn telling(one: Refusal, other: Refusal) -> Refusal {
    let says = |refusal: &Refusal| match refusal.slug {
        _ if refusal.claims.is_some() => 3,
        Slug::BadRequest => 2,
        Slug::TokenMissing => 0,
        _ => 1,
    };
    if says(&other) > says(&one) {
        other
    } else {
        one
    }
}

/// nginx lets in by 2xx, keeps out by 401 and 403, and has a fault of its own by everything else: that
/// is what a proxy that asks wrongly, or a node that cannot answer, is for.
fn problem(refusal: &Refusal) -> Problem {
    let status = match refusal.slug {
        Slug::BadRequest => 400,
        Slug::TokenMissing
        | Slug::TokenInvalid
        | Slug::TokenExpired
        | Slug::TokenNotYetValid
        | Slug::TokenUsed => 401,
        Slug::Draining | Slug::Overloaded | Slug::Internal => 503,
        _ => 403,
    };
    Problem {
        status: Some(status),
        ..refusal::problem(refusal)
    }
}

/// What follows an upgrade request on its connection, or stands in a body that nobody reads, must
/// not be taken for a second request.
fn is_no_plain_request(headers: &HeaderMap) -> bool {
    let body = headers
        .get_all(header::CONTENT_LENGTH)
        .any(|length| length.as_bytes() != b"0");
    body || headers.contains_key(header::TRANSFER_ENCODING) || headers.contains_key(header::UPGRADE)
}

/// 204, but 200 to a proxy that puts the address it was asked for behind ours: that is Envoy, which
/// takes every other status for a no.
fn yes(req: &HttpRequest) -> StatusCode {
    match req.path() {
        HERE => StatusCode::NO_CONTENT,
        _ => StatusCode::OK,
    }
}

fn let_in(yes: StatusCode, admission: &Admission, lowered: Lowered) -> HttpResponse {
    let claims = admission.claims();
    let mut answer = HttpResponse::build(yes);
    answer.insert_header((header::CACHE_CONTROL, "no-store"));
    for (name, text) in [
        (SUBJECT, claims.subject().as_str()),
        (ROUTE, claims.route().as_str()),
        (JTI, claims.jti().as_str()),
        (CLIENT_ID, claims.client_id().as_str()),
    ] {
        if let Ok(value) = HeaderValue::from_str(&visible(text)) {
            answer.insert_header((name, value));
        }
    }
    let life = [claims.max_session(), lowered.max_session];
    if let Some(seconds) = life.into_iter().flatten().min() {
        answer.insert_header((MAX_SESSION, seconds));
    }
    if let Some(bytes) = lowered.bytes {
        answer.insert_header((BYTES, bytes));
    }
    answer.finish()
}

/// Visible ASCII as it is, everything else and the percent sign itself percent-encoded.
fn visible(text: &str) -> String {
    text.bytes()
        .map(|byte| match byte {
            b'%' => "%25".to_owned(),
            b'!'..=b'~' => char::from(byte).to_string(),
            _ => format!("%{byte:02X}"),
        })
        .collect()
}

fn tell(entrance: &Entrance<'_>, admission: &Admission) {
    let claims = admission.claims();
    let route = claims.route().as_str();
    let shared = entrance.shared;
    let passed = &shared.metrics.forward_auth_passed;
    passed.with_label_values(&[route]).inc();
    let peer = entrance.peer.to_string();
    tracing::info!(
        event = "forward_auth.passed",
        request_id = entrance.request_id,
        route,
        jti = %claims.jti(),
        kid = %admission.kid(),
        sub = %claims.subject(),
        origin = entrance.origin.as_deref().unwrap_or(""),
        client_ip = peer,
        "a bearer was let in elsewhere"
    );
    shared.audit.push(AuditEntry {
        seq: 0,
        at: shared.clock.now(),
        who: claims.subject().to_string(),
        from: peer,
        event: "forward_auth.passed".to_owned(),
        target: claims.jti().to_string(),
        why: claims.label().unwrap_or_default().to_owned(),
        result: "ok".to_owned(),
        facts: serde_json::json!({ "route": route, "request_id": entrance.request_id }),
    });
}

fn untrusted(entrance: &Entrance<'_>) -> Problem {
    let code = Code::Forbidden;
    let why = "the peer is not a trusted proxy";
    let shared = entrance.shared;
    let denied = &shared.metrics.upgrade_denied;
    denied.with_label_values(&["", code.as_str()]).inc();
    let peer = entrance.peer.to_string();
    tracing::warn!(
        event = "upgrade.denied",
        request_id = entrance.request_id,
        code = code.as_str(),
        reason = why,
        client_ip = peer,
        "somebody who is no trusted proxy asked who may enter"
    );
    shared.denials.push(Denial {
        at: shared.clock.now(),
        surface: "forward_auth",
        code: code.as_str(),
        why: why.to_owned(),
        route: None,
        origin: None,
        peer,
        subject: None,
        jti: None,
        request_id: entrance.request_id.clone(),
        count: 1,
    });
    Problem::with(code, "Only a proxy in server.trusted_proxies may ask this.")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_is_shown_in_visible_ascii() {
        assert_eq!(visible("ada@example.com"), "ada@example.com");
        assert_eq!(visible("Ümit 100%"), "%C3%9Cmit%20100%25");
    }
}
