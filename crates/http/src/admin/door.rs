//! Who is on the admin listener: the permission stands in the handler's signature.

use std::{future::Future, pin::Pin};

use actix_web::{FromRequest, HttpRequest, dev::Payload, web};
use tollbridge_authn::{Evidence, Rejection, Request};
use tollbridge_domain::{Act, Actor};
use tollbridge_store::Scope;

use crate::{
    denials::Denial,
    problem::{Code, Problem},
    shared::Shared,
};

/// Through which door the admin API was reached; app data of each listener.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Door {
    /// TCP: an API key is needed.
    Tcp,
    /// The Unix socket, mode 0600: who can open it owns the store.
    Socket,
}

/// May read.
pub(super) struct Viewer;

/// May act, and is named in the audit log.
pub(super) struct Operator(pub(super) Actor);

impl Operator {
    /// The audit record of what this operator does.
    pub(super) fn act(&self, event: &'static str, target: &str, why: &str) -> Act {
        Act {
            actor: self.0.clone(),
            event,
            target: target.to_owned(),
            why: why
                .chars()
                .filter(|one| !one.is_control())
                .take(200)
                .collect(),
        }
    }
}

type Admitting<T> = Pin<Box<dyn Future<Output = Result<T, Problem>>>>;

impl FromRequest for Viewer {
    type Error = Problem;
    type Future = Admitting<Self>;

    fn from_request(req: &HttpRequest, _payload: &mut Payload) -> Self::Future {
        let admitted = identify(req).map(|_identity| Self);
        Box::pin(std::future::ready(admitted))
    }
}

impl FromRequest for Operator {
    type Error = Problem;
    type Future = Admitting<Self>;

    fn from_request(req: &HttpRequest, _payload: &mut Payload) -> Self::Future {
        let admitted = identify(req).and_then(|(actor, scope)| {
            if scope == Scope::Admin {
                return Ok(Self(actor));
            }
            deny(
                req,
                &actor.from,
                Some(actor.who.clone()),
                Code::Forbidden,
                "a viewer may not act",
            );
            Err(Problem::with(
                Code::Forbidden,
                "This needs an API key with scope admin.",
            ))
        });
        Box::pin(std::future::ready(admitted))
    }
}

fn identify(req: &HttpRequest) -> Result<(Actor, Scope), Problem> {
    let from = req
        .peer_addr()
        .map_or_else(|| "socket".to_owned(), |peer| peer.ip().to_string());
    if req.app_data::<Door>() == Some(&Door::Socket) {
        return Ok((
            Actor {
                who: "cli".to_owned(),
                from: "socket".to_owned(),
            },
            Scope::Admin,
        ));
    }
    let Some(shared) = req.app_data::<web::Data<Shared>>() else {
        return Err(Problem::new(Code::Unauthorized));
    };
    let headers: Vec<(&str, &[u8])> = req
        .headers()
        .iter()
        .map(|(name, value)| (name.as_str(), value.as_bytes()))
        .collect();
    let peer = req
        .peer_addr()
        .map_or_else(|| std::net::Ipv4Addr::UNSPECIFIED.into(), |peer| peer.ip());
    let evidence = Evidence {
        peer,
        socket: peer,
        request: Request::default(),
        headers: &headers,
        certificate: None,
    };
    match shared
        .api_keys
        .authenticate_admin(&evidence, shared.clock.now())
    {
        Ok(admin) => Ok((
            Actor {
                who: admin.who,
                from,
            },
            admin.scope,
        )),
        Err(reason) => {
            let code = if reason == Rejection::WrongScope {
                Code::Forbidden
            } else {
                Code::Unauthorized
            };
            deny(req, &from, None, code, reason.as_str());
            Err(Problem::new(code))
        }
    }
}

fn deny(req: &HttpRequest, from: &str, who: Option<String>, code: Code, why: &str) {
    let request_id = crate::request::id_of(req);
    tracing::warn!(
        event = "admin.denied",
        request_id,
        client_ip = from,
        sub = who.as_deref().unwrap_or(""),
        code = code.as_str(),
        reason = why,
        "an admin request was refused"
    );
    if let Some(shared) = req.app_data::<web::Data<Shared>>() {
        shared.audit.push(tollbridge_store::AuditEntry {
            seq: 0,
            at: shared.clock.now(),
            who: who.clone().unwrap_or_default(),
            from: from.to_owned(),
            event: "admin.denied".to_owned(),
            target: req.path().chars().take(200).collect(),
            why: why.to_owned(),
            result: code.as_str().to_owned(),
            facts: serde_json::json!({ "request_id": request_id, "method": req.method().as_str() }),
        });
        shared.denials.push(Denial {
            at: shared.clock.now(),
            surface: "admin",
            code: code.as_str(),
            why: why.to_owned(),
            route: None,
            origin: None,
            peer: from.to_owned(),
            subject: who,
            jti: None,
            request_id,
            count: 1,
        });
    }
}
