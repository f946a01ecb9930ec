//! Why a bearer may not enter, and telling them: as an HTTP status, or by accepting and closing with a code, because a
//! browser shows a refused handshake only as 1006.

use std::sync::atomic::Ordering;

use actix_web::{HttpRequest, HttpResponse, http::header, web};
use tollbridge_domain::{Form, SessionId, Slug};
use tollbridge_relay::Close;
use tollbridge_store::AuditEntry;
use tollbridge_token::{Claims, Refusal as TokenRefusal};

use super::{admission::Entrance, handshake::Handshake, leg, negotiate};
use crate::{
    denials::Denial,
    problem::{Code, Problem},
    route::RefuseBy,
    shared::Shared,
};

/// Accept-then-close answers under way at once, before they become HTTP.
const MOST_REFUSING: usize = 100;

/// Why a bearer may not enter.
#[derive(Debug)]
pub(crate) struct Refusal {
    pub(crate) slug: Slug,
    /// What the operator reads.
    pub(crate) why: String,
    /// Present where the token's signature is good: only then the form may be a close code.
    pub(crate) claims: Option<Box<Claims>>,
    pub(crate) retry_after: Option<u32>,
    /// What the upstream said of it; only where it was asked.
    pub(crate) upstream: Option<Box<Said>>,
}

/// What the client may know of an upstream's refusal.
#[derive(Debug)]
pub(crate) struct Said {
    /// The session that would have been, for whoever is asked about it.
    pub(crate) session: SessionId,
    /// Headers of its answer that the route keeps.
    pub(crate) kept: Vec<(String, Vec<u8>)>,
}

impl Refusal {
    pub(crate) fn stranger(slug: Slug, why: impl Into<String>) -> Self {
        Self {
            slug,
            why: why.into(),
            claims: None,
            retry_after: None,
            upstream: None,
        }
    }

    pub(crate) fn genuine(slug: Slug, why: impl Into<String>, claims: &Claims) -> Self {
        Self {
            claims: Some(Box::new(claims.clone())),
            ..Self::stranger(slug, why)
        }
    }

    /// A token that does not hold.
    pub(crate) fn of_token(refusal: &TokenRefusal) -> Self {
        let why = match refusal {
            TokenRefusal::Invalid(reason) => reason.as_str().to_owned(),
            genuine => genuine.to_string(),
        };
        match refusal.genuine() {
            Some(claims) => Self::genuine(refusal.slug(), why, claims),
            None => Self::stranger(refusal.slug(), why),
        }
    }
}

impl Entrance<'_> {
    /// Answers a refused upgrade and tells everybody who should know.
    pub(crate) fn refuse(
        &self,
        refusal: Refusal,
        handshake: &Handshake,
        payload: web::Payload,
    ) -> Result<HttpResponse, Problem> {
        self.tell(&refusal);
        if self.by_close(&refusal)
            && let Some(slot) = Slot::take(self.shared)
        {
            return Ok(accept_then_close(
                self.req, &refusal, handshake, payload, slot,
            ));
        }
        Err(problem(&refusal).closing())
    }

    fn by_close(&self, refusal: &Refusal) -> bool {
        if refusal.claims.is_none() || refusal.slug.form() == Form::Http {
            return false;
        }
        match self
            .route
            .as_ref()
            .map_or(RefuseBy::Http, |route| route.refuse)
        {
            RefuseBy::Auto => self.origin.is_some(),
            RefuseBy::Http => false,
            RefuseBy::Close => true,
        }
    }

    /// Log, metric, denials and, for a genuine token, the audit.
    pub(crate) fn tell(&self, refusal: &Refusal) {
        let route = self.route.as_ref().map_or("", |route| route.name.as_str());
        let code = refusal.slug.as_str();
        let peer = self.peer.to_string();
        let claims = refusal.claims.as_deref();
        let jti = claims.map(|claims| claims.jti().to_string());
        let subject = claims.map(|claims| claims.subject().to_string());
        let origin = self
            .origin
            .as_deref()
            .map(|origin| origin.chars().take(256).collect::<String>());
        self.shared
            .metrics
            .upgrade_denied
            .with_label_values(&[route, code])
            .inc();
        tracing::info!(
            event = "upgrade.denied",
            request_id = self.request_id,
            route,
            code,
            reason = refusal.why,
            jti = jti.as_deref().unwrap_or(""),
            sub = subject.as_deref().unwrap_or(""),
            origin = origin.as_deref().unwrap_or(""),
            client_ip = peer,
            "an upgrade was refused"
        );
        if let Some(claims) = claims {
            self.shared.audit.push(AuditEntry {
                seq: 0,
                at: self.shared.clock.now(),
                who: claims.subject().to_string(),
                from: peer.clone(),
                event: "upgrade.denied".to_owned(),
                target: claims.jti().to_string(),
                why: refusal.why.clone(),
                result: code.to_owned(),
                facts: serde_json::json!({ "route": route, "request_id": self.request_id }),
            });
        }
        self.shared.denials.push(Denial {
            at: self.shared.clock.now(),
            surface: "upgrade",
            code,
            why: refusal.why.clone(),
            route: self.route.as_ref().map(|route| route.name.to_string()),
            origin,
            peer,
            subject,
            jti,
            request_id: self.request_id.clone(),
            count: 1,
        });
    }
}

/// The HTTP form of a refusal.
pub(crate) fn problem(refusal: &Refusal) -> Problem {
    let problem = Problem::new(Code::Slug(refusal.slug));
    let problem = Problem {
        retry_after: refusal.retry_after.or(problem.retry_after),
        ..problem
    };
    let said = refusal.upstream.iter();
    said.flat_map(|said| &said.kept)
        .fold(problem, |problem, (name, value)| {
            let name = header::HeaderName::try_from(name.as_str());
            match (name, header::HeaderValue::from_bytes(value)) {
                (Ok(name), Ok(value)) => problem.header(name, value),
                _ => problem,
            }
        })
}

/// One of the bounded number of accept-then-close answers.
struct Slot(web::Data<Shared>);

impl Slot {
    fn take(shared: &web::Data<Shared>) -> Option<Self> {
        let taken = shared
            .refusing
            .fetch_update(Ordering::SeqCst, Ordering::SeqCst, |now| {
                (now < MOST_REFUSING).then_some(now + 1)
            });
        taken.is_ok().then(|| Self(shared.clone()))
    }
}

impl Drop for Slot {
    fn drop(&mut self) {
        self.0.refusing.fetch_sub(1, Ordering::SeqCst);
    }
}

fn accept_then_close(
    req: &HttpRequest,
    refusal: &Refusal,
    handshake: &Handshake,
    payload: web::Payload,
    slot: Slot,
) -> HttpResponse {
    let said = refusal.upstream.as_deref();
    let session = said.map(|said| &said.session);
    let close = Close::bridge(refusal.slug, refusal.retry_after, session);
    let echoed = negotiate::echo(None, &handshake.offer);
    let kept = said.map_or(&[][..], |said| &said.kept);
    let answer = negotiate::switch(handshake, echoed.as_deref(), None, kept);
    leg::connect(req, answer, payload, move |client| {
        // Bounded by `MOST_REFUSING` and by the two seconds that `refuse` takes at the longest.
        actix_web::rt::spawn(async move {
            tollbridge_relay::refuse(client, close).await;
            drop(slot);
        });
    })
}
