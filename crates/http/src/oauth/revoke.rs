//! `POST /v1/tokens/revoke`: a token that is not to count any more, and with it the sessions that
//! it opened (RFC 7009).

use actix_web::{HttpRequest, HttpResponse, web};
use tollbridge_domain::{Act, Actor, Moment};
use tollbridge_store::{AuditEntry, RevokedThing};
use tollbridge_token::Claims;

use super::{
    asker::{Asker, Inquiry},
    form::Form,
    introspect::{parsed, unanswered},
    refused::{Refused, unkept},
};
use crate::{
    problem::{Code, Problem},
    revoking,
    shared::Shared,
};

/// Handles a revocation.
///
/// # Errors
/// A [`Refused`] where nobody knows who asks, or the store did not take it. That there was nothing
/// to revoke is no error (RFC 7009, 2.2): the token does not count, which is what was wanted.
pub(crate) async fn revoke(
    req: HttpRequest,
    payload: web::Payload,
    shared: web::Data<Shared>,
) -> Result<HttpResponse, Refused> {
    let generation = shared.generation.load_full();
    let mut inquiry = Inquiry::new("revoke", &req, &shared, &generation);
    let outcome = run(&mut inquiry, &req, payload).await;
    let outcome = outcome.map_err(|refused| inquiry.denied(refused))?;
    inquiry.count(outcome);
    let mut answer = HttpResponse::Ok();
    unkept(&mut answer);
    inquiry.give_back(&mut answer);
    Ok(answer.finish())
}

async fn run(
    inquiry: &mut Inquiry<'_>,
    req: &HttpRequest,
    payload: web::Payload,
) -> Result<&'static str, Refused> {
    let asker = inquiry.asker(req).await?;
    if let Asker::Operator { may_act: false, .. } = asker {
        let why = "This needs an API key with scope admin, or the one that minted the token.";
        let problem = Problem::with(Code::Forbidden, why);
        return Err(Refused::called(problem, "unauthorized_client"));
    }
    inquiry.rated(&asker)?;
    let form = Form::read(req, payload, inquiry.generation, &[]).await?;
    let text = form.required("token")?;
    let Some(claims) = genuine(inquiry, text).await else {
        return Ok("unknown");
    };
    if !inquiry.is_theirs(&asker, &claims) {
        foreign(inquiry, &asker, &claims);
        return Ok("foreign");
    }
    put_in_force(inquiry, &asker, &claims).await?;
    Ok("revoked")
}

/// The claims of a token of ours, whatever its time: its sessions may outlast it.
async fn genuine(inquiry: &Inquiry<'_>, text: &str) -> Option<Claims> {
    let raw = parsed(&inquiry.generation.routes, text)?;
    let now = inquiry.shared.clock.now();
    match inquiry.shared.verifier.verify(&raw.token, now).await {
        Ok(verified) => Some(verified.claims().clone()),
        Err(refusal) => refusal.genuine().cloned(),
    }
}

/// Puts the attempt on record. The answer is as good as any: whose a token is, is not theirs to know.
fn foreign(inquiry: &Inquiry<'_>, asker: &Asker, claims: &Claims) {
    let who = asker.who();
    let jti = claims.jti().to_string();
    tracing::warn!(
        event = "revocation.denied",
        request_id = inquiry.request_id,
        auth = who,
        jti,
        client_ip = inquiry.peer,
        "a token of somebody else was to be revoked"
    );
    inquiry.shared.audit.push(AuditEntry {
        seq: 0,
        at: inquiry.shared.clock.now(),
        who,
        from: inquiry.peer.clone(),
        event: "revocation.denied".to_owned(),
        target: jti,
        why: "not a token of this caller".to_owned(),
        result: Code::Forbidden.as_str().to_owned(),
        facts: serde_json::json!({
            "route": claims.route().as_str(),
            "request_id": inquiry.request_id,
        }),
    });
}

async fn put_in_force(
    inquiry: &Inquiry<'_>,
    asker: &Asker,
    claims: &Claims,
) -> Result<(), Refused> {
    let shared = inquiry.shared;
    let now = shared.clock.now();
    let jti = claims.jti().as_str();
    // Another node's clock may be ahead of ours, and with it the token.
    let until = now.max(claims.issued_at());
    let revocation = revoking::revocation(shared, (RevokedThing::Jti, jti), until, now);
    let act = Act {
        actor: Actor {
            who: asker.who(),
            from: inquiry.peer.clone(),
        },
        event: "revocation.added",
        target: revoking::target(&revocation),
        why: String::new(),
    };
    // Said again it needs no second record: a caller could fill the store with one token.
    if !is_revoked(shared, claims, now) {
        let written = revoking::put_in_force(shared, &revocation, &act, now).await;
        written.map_err(|error| unanswered(shared, &error))?;
    }
    let ended = revoking::end_sessions(shared, &revocation, now);
    tracing::info!(
        event = "token.revoked",
        request_id = inquiry.request_id,
        auth = asker.who(),
        jti,
        client_ip = inquiry.peer,
        sessions_ended = ended,
        "a token was revoked by whose it is"
    );
    Ok(())
}

fn is_revoked(shared: &Shared, claims: &Claims, now: Moment) -> bool {
    shared
        .revoked
        .covers_token(claims.jti(), claims.issued_at(), now)
}
