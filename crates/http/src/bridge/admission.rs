//! Everything that decides whether a bearer may enter, in one place and one order.

use std::{net::IpAddr, sync::Arc};

use actix_web::HttpRequest;
use tollbridge_domain::{SessionId, Slug};
use tollbridge_hook::Lowered;
use tollbridge_token::{Admission, AdmitError, Claims, RawToken, Verified, admit};

use super::{
    carrier::{self, Found, Offer},
    entering::Entering,
    handshake::Handshake,
    lease::HeldLease,
    refusal::Refusal,
};
use crate::{
    query::Query,
    rate::Key,
    request,
    route::Route,
    sender,
    shared::{Generation, Shared, Worker},
};

/// One request at the door.
pub(crate) struct Entrance<'a> {
    pub(crate) req: &'a HttpRequest,
    pub(crate) shared: &'a actix_web::web::Data<Shared>,
    pub(crate) generation: &'a Arc<Generation>,
    pub(crate) route: Option<Arc<Route>>,
    pub(crate) request_id: String,
    pub(crate) peer: IpAddr,
    /// The `Origin` header; an unreadable one is as good as a wrong one.
    pub(crate) origin: Option<String>,
}

/// A bearer who may enter once: a use is taken and a lease is held.
pub(crate) struct Admitted {
    pub(crate) admission: Admission,
    pub(crate) route: Arc<Route>,
    pub(crate) session: SessionId,
    pub(crate) held: HeldLease,
    pub(crate) entering: Entering,
    /// What of the client's own query passes.
    pub(crate) client_query: Vec<(String, String)>,
    /// Limits that the route's hook lowered for this one.
    pub(crate) lowered: Lowered,
}

impl<'a> Entrance<'a> {
    pub(crate) fn new(
        req: &'a HttpRequest,
        shared: &'a actix_web::web::Data<Shared>,
        generation: &'a Arc<Generation>,
    ) -> Self {
        Self {
            req,
            shared,
            generation,
            route: generation.routes.of(req).cloned(),
            request_id: request::id_of(req),
            peer: sender::address(req, generation),
            origin: sender::page_of(req),
        }
    }

    /// Lets the bearer in or says why not.
    pub(crate) async fn admit(
        &self,
        handshake: &Handshake,
        worker: &Worker,
    ) -> Result<Admitted, Refusal> {
        let (route, query, verified) = self.verified(&handshake.offer).await?;
        self.allowed(&route, &verified)?;
        self.rated(&route, verified.claims())?;
        let client_query = self.client_query(&route, &query, verified.claims())?;
        subprotocols(&route, handshake, verified.claims())?;
        self.open_for_work(verified.claims())?;
        // Held until a use is taken or nothing comes of it.
        let _question = self.question_of(&route, verified.claims())?;
        let session = self.shared.new_session();
        let held = self.lease(&route, &session, verified.claims()).await?;
        let lowered = self.hooked(&route, &verified, worker).await?;
        let admission = self.consume(verified).await?;
        let entering = Entering::begin(self, &session, admission.claims());
        Ok(Admitted {
            admission,
            route,
            session,
            held,
            entering,
            client_query,
            lowered,
        })
    }

    /// Lets the bearer into a session that is not ours: a use is taken, a lease is not. What a hook
    /// lowers is for whoever relays.
    pub(crate) async fn pass(
        &self,
        route: &Route,
        verified: Verified,
        worker: &Worker,
    ) -> Result<(Admission, Lowered), Refusal> {
        self.allowed(route, &verified)?;
        self.rated(route, verified.claims())?;
        self.open_for_work(verified.claims())?;
        let _question = self.question_of(route, verified.claims())?;
        let lowered = self.hooked(route, &verified, worker).await?;
        Ok((self.consume(verified).await?, lowered))
    }

    /// Finds the route and the token and judges the token. Consumes nothing.
    pub(crate) async fn verified(
        &self,
        offer: &Offer,
    ) -> Result<(Arc<Route>, Query, Verified), Refusal> {
        let route = self.route.clone().ok_or_else(|| {
            Refusal::stranger(Slug::UnknownRoute, "no route of this name or path")
        })?;
        let query = Query::parse(self.req.query_string())
            .map_err(|error| Refusal::stranger(Slug::BadRequest, error.to_string()))?;
        let raw = self.token(&route, &query, offer)?;
        let verified = self.judge(&raw).await?;
        Ok((route, query, verified))
    }

    /// Judges a token, whatever it is for.
    pub(crate) async fn judge(&self, raw: &RawToken) -> Result<Verified, Refusal> {
        self.shared
            .verifier
            .verify(raw, self.shared.clock.now())
            .await
            .map_err(|refusal| Refusal::of_token(&refusal))
    }

    /// The token in the carriers of a route.
    pub(crate) fn token(
        &self,
        route: &Route,
        query: &Query,
        offer: &Offer,
    ) -> Result<RawToken, Refusal> {
        match carrier::find(&route.carriers, query, self.req.headers(), offer) {
            Found::Token(raw) => Ok(raw),
            Found::Nothing => Err(Refusal::stranger(
                Slug::TokenMissing,
                "no carrier holds a token",
            )),
            Found::Unusable => Err(Refusal::stranger(Slug::TokenInvalid, "malformed")),
            Found::Ambiguous => Err(Refusal::stranger(
                Slug::BadRequest,
                "two tokens, or one carrier twice",
            )),
        }
    }

    /// Route, origin, revocation.
    pub(crate) fn allowed(&self, route: &Route, verified: &Verified) -> Result<(), Refusal> {
        let claims = verified.claims();
        if *claims.route() != route.name {
            return Err(Refusal::genuine(
                Slug::RouteNotAllowed,
                "the token is for another route",
                claims,
            ));
        }
        self.origin_allowed(route, claims)?;
        self.unrevoked(verified)
    }

    pub(crate) fn unrevoked(&self, verified: &Verified) -> Result<(), Refusal> {
        let (claims, now) = (verified.claims(), self.shared.clock.now());
        let keys = self.shared.keyring.snapshot();
        let of_revoked_key = keys.revoked_kids().any(|kid| kid == verified.kid());
        if of_revoked_key || self.shared.revoked.covers(claims, verified.kid(), now) {
            return Err(Refusal::genuine(Slug::Revoked, "revoked", claims));
        }
        Ok(())
    }

    fn origin_allowed(&self, route: &Route, claims: &Claims) -> Result<(), Refusal> {
        let refusal = |why: &str| Err(Refusal::genuine(Slug::OriginNotAllowed, why, claims));
        match &self.origin {
            None if claims.origin().is_some() => refusal("the token demands an Origin"),
            None if route.require_origin => refusal("the route demands an Origin"),
            None => Ok(()),
            Some(origin) if claims.origin().is_some_and(|only| only.as_str() != origin) => {
                refusal("the token is for another origin")
            }
            Some(origin) if !route.origins.allows(origin) => {
                refusal("the origin is not on the route's list")
            }
            Some(_) => Ok(()),
        }
    }

    /// The connect rate, by subject and by address.
    pub(crate) fn rated(&self, route: &Route, claims: &Claims) -> Result<(), Refusal> {
        let Some(rate) = &route.connects else {
            return Ok(());
        };
        let subject = Key::Subject(claims.subject().to_string());
        rate.take(&subject)
            .and_then(|()| rate.take(&Key::Address(self.peer)))
            .map_err(|wait| Refusal {
                retry_after: Some(wait),
                ..Refusal::genuine(Slug::RateLimited, "connects_per_minute", claims)
            })
    }

    /// What of the client's own query passes: names on the list, each once.
    pub(crate) fn client_query(
        &self,
        route: &Route,
        query: &Query,
        claims: &Claims,
    ) -> Result<Vec<(String, String)>, Refusal> {
        query.only(&route.query_allow).map_err(|_repeated| {
            let why = "an allowed query parameter stands twice";
            Refusal::genuine(Slug::BadRequest, why, claims)
        })
    }

    /// Whether a use is left, taking none.
    pub(crate) async fn unspent(&self, claims: &Claims) -> Result<(), Refusal> {
        match self.shared.used.spent(claims.jti(), claims.uses()).await {
            Ok(false) => Ok(()),
            Ok(true) => Err(Refusal::genuine(
                Slug::TokenUsed,
                "every use is spent",
                claims,
            )),
            Err(error) => Err(self.store_failed("spent", &error, claims)),
        }
    }

    pub(crate) fn open_for_work(&self, claims: &Claims) -> Result<(), Refusal> {
        self.shared.refuses_work().map_or(Ok(()), |(slug, why)| {
            Err(Refusal {
                retry_after: Some(1),
                ..Refusal::genuine(slug, why, claims)
            })
        })
    }

    async fn consume(&self, verified: Verified) -> Result<Admission, Refusal> {
        let claims = verified.claims().clone();
        admit(verified, self.shared.used.as_ref())
            .await
            .map_err(|error| match error {
                AdmitError::Used(claims) => {
                    Refusal::genuine(Slug::TokenUsed, "every use is spent", &claims)
                }
                AdmitError::Store(error) => self.store_failed("consume", &error, &claims),
            })
    }

    /// A store that cannot answer refuses; one that answers nonsense is our fault.
    pub(crate) fn store_failed(
        &self,
        operation: &str,
        error: &tollbridge_store::StoreError,
        claims: &Claims,
    ) -> Refusal {
        self.shared
            .metrics
            .store_errors
            .with_label_values(&[operation])
            .inc();
        let slug = match error {
            tollbridge_store::StoreError::Corrupt { .. } => Slug::Internal,
            _ => Slug::Overloaded,
        };
        Refusal {
            retry_after: Some(1),
            ..Refusal::genuine(slug, crate::audit::chain(error), claims)
        }
    }
}

fn subprotocols(route: &Route, handshake: &Handshake, claims: &Claims) -> Result<(), Refusal> {
    let Some(allowed) = &route.subprotocols else {
        return Ok(());
    };
    if handshake
        .offer
        .upstream
        .iter()
        .all(|name| allowed.contains(name))
    {
        return Ok(());
    }
    Err(Refusal::genuine(
        Slug::SubprotocolNotAllowed,
        "a subprotocol is not on the route's list",
        claims,
    ))
}
