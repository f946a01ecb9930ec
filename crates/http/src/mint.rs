//! `POST /v1/tokens`: obtain, decide, present.

use std::time::Instant;

use actix_web::{HttpMessage, HttpRequest, HttpResponse, http::header, web};
use tollbridge_authn::{Caller, Chain, Cookies, Evidence, Request, SubjectRule, Verdict};
use tollbridge_domain::{Grant, Moment, Secret, Slug};
use tollbridge_store::AuditEntry;
use tollbridge_token::{MintError, Minted};

use crate::{
    allow::{self, Ceilings},
    ask::{self, Ask},
    body,
    denials::Denial,
    identity::Identity,
    problem::{Code, FieldError, Problem},
    query,
    rate::Key,
    request::RequestId,
    route::Route,
    shared::{Generation, Shared},
    takeover::clients,
};

/// Handles a mint.
///
/// # Errors
/// A [`Problem`] for every reason not to mint.
pub(crate) async fn mint(
    req: HttpRequest,
    payload: web::Payload,
    shared: web::Data<Shared>,
) -> Result<HttpResponse, Problem> {
    let begun = Instant::now();
    let generation = shared.generation.load_full();
    let mut attempt = Attempt::new(&req, &shared, &generation);
    let (grant, minted) = attempt.conclude(&req, payload, begun, ask::parse).await?;
    let mut answer = HttpResponse::Created();
    answer.insert_header((header::CACHE_CONTROL, "no-store"));
    for cookie in attempt.cookies() {
        answer.append_header(cookie);
    }
    Ok(answer.json(minted_body(&generation, &grant, &minted)))
}

/// One request to mint, and what is known of it so far.
pub(crate) struct Attempt<'a> {
    shared: &'a Shared,
    generation: &'a Generation,
    request_id: String,
    peer: String,
    caller: Option<Caller>,
    cookies: Cookies,
    /// The page that asks, where it is one.
    origin: Option<String>,
    route: Option<String>,
    why: String,
}

impl<'a> Attempt<'a> {
    pub(crate) fn new(req: &HttpRequest, shared: &'a Shared, generation: &'a Generation) -> Self {
        Self {
            shared,
            generation,
            request_id: request_id(req),
            peer: client_address(req, generation),
            caller: None,
            cookies: Cookies::default(),
            origin: page_of(req),
            route: None,
            why: String::new(),
        }
    }

    /// Mints or says why not, and tells everybody who should know. `read` is how the body of this
    /// surface becomes what is asked for.
    pub(crate) async fn conclude(
        &mut self,
        req: &HttpRequest,
        payload: web::Payload,
        begun: Instant,
        read: impl FnOnce(&[u8]) -> Result<Ask, Problem>,
    ) -> Result<(Grant, Minted), Problem> {
        let outcome = self.run(req, payload, read).await;
        self.settle(outcome, begun)
    }

    /// Tells everybody who should know what came of it.
    pub(crate) fn settle(
        &mut self,
        outcome: Result<(Grant, Minted), Problem>,
        begun: Instant,
    ) -> Result<(Grant, Minted), Problem> {
        match outcome {
            Ok((grant, minted)) => {
                self.succeeded(&grant, &minted, begun);
                Ok((grant, minted))
            }
            Err(problem) => {
                self.refused(&problem);
                // Whoever vouched for them may have renewed their session, mint or no mint.
                let with = |problem: Problem, (name, value)| problem.header(name, value);
                Err(self.cookies().fold(problem, with))
            }
        }
    }

    /// What whoever vouched for the caller wants them to keep.
    pub(crate) fn cookies(
        &self,
    ) -> impl Iterator<Item = (header::HeaderName, header::HeaderValue)> {
        set_cookies(&self.cookies)
    }

    async fn run(
        &mut self,
        req: &HttpRequest,
        payload: web::Payload,
        read: impl FnOnce(&[u8]) -> Result<Ask, Problem>,
    ) -> Result<(Grant, Minted), Problem> {
        self.open()?;
        let caller = self.authenticate(req).await?;
        rated(&caller, self.generation)?;
        let bytes = body::read_json(
            req,
            payload,
            self.generation.max_body,
            self.generation.body_timeout,
        )
        .await?;
        self.issue(&caller, read(&bytes)?)
    }

    /// Whether this node mints at all.
    pub(crate) fn open(&mut self) -> Result<(), Problem> {
        self.shared.refuses_work().map_or(Ok(()), |(slug, why)| {
            why.clone_into(&mut self.why);
            Err(slug.into())
        })
    }

    /// Grants what is asked for, and signs it.
    pub(crate) fn issue(&mut self, caller: &Caller, ask: Ask) -> Result<(Grant, Minted), Problem> {
        let grant = self.grant(caller, ask)?;
        let minted = self
            .shared
            .minter
            .mint(grant.clone())
            .map_err(|error| self.unminted(&error))?;
        Ok((grant, minted))
    }

    async fn authenticate(&mut self, req: &HttpRequest) -> Result<Caller, Problem> {
        let identity = req.extensions().get::<Identity>().cloned();
        if let Some(identity) = identity {
            return self.vouched(identity);
        }
        let generation = self.generation;
        self.identify(req, &generation.chain, &header_lines(req))
            .await
    }

    /// Who speaks, as `chain` judges these headers.
    pub(crate) async fn identify(
        &mut self,
        req: &HttpRequest,
        chain: &Chain,
        headers: &[(&str, &[u8])],
    ) -> Result<Caller, Problem> {
        let now = self.shared.clock.now();
        let evidence = evidence(req, self.generation, headers, now);
        match chain.authenticate(&evidence, now).await {
            Verdict::Accepted(caller, cookies) => {
                self.caller = Some(caller.clone());
                self.cookies = cookies;
                Ok(caller)
            }
            Verdict::Absent => {
                "no credential".clone_into(&mut self.why);
                Err(Problem::new(Code::Unauthorized))
            }
            Verdict::Rejected(reason) => {
                reason.as_str().clone_into(&mut self.why);
                Err(Problem::new(Code::Unauthorized))
            }
            Verdict::Unavailable { retry_after } => {
                "nobody can say who this is".clone_into(&mut self.why);
                Err(Problem {
                    retry_after: Some(retry_after),
                    ..Slug::Overloaded.into()
                })
            }
        }
    }

    /// The application around us knows them; nobody else is asked.
    fn vouched(&mut self, identity: Identity) -> Result<Caller, Problem> {
        let Some(name) = &self.generation.application else {
            "no caller is of type application".clone_into(&mut self.why);
            return Err(Problem::new(Code::Unauthorized));
        };
        let caller = identity.into_caller(name.clone());
        self.caller = Some(caller.clone());
        Ok(caller)
    }

    fn grant(&mut self, caller: &Caller, ask: Ask) -> Result<Grant, Problem> {
        let route = ask
            .route_name()
            .and_then(|name| self.generation.routes.get(name));
        // One answer for an unknown, a foreign and a misspelt route: no key learns what exists.
        let allowed = route.filter(|route| {
            route.callers.contains(&caller.name) && caller.may_mint_for(&route.name)
        });
        if ask.route_name().is_some() {
            self.route = route.map(|route| route.name.to_string());
            if allowed.is_none() {
                return Err(self.foreign("not a route of this caller"));
            }
        }
        let mut ceilings = Ceilings::NONE;
        if let Some(route) = allowed {
            ceilings = allow::decide(&route.allow, caller)
                .ok_or_else(|| self.foreign("no rule of the route fits"))?;
            self.same_page(caller, route)?;
        }
        let route = allowed.map(AsRef::as_ref);
        ask.into_grant(caller, route, ceilings, self.generation)
    }

    fn foreign(&mut self, why: &str) -> Problem {
        why.clone_into(&mut self.why);
        Problem::with(
            Code::Forbidden,
            "There is no route of this name that this caller may mint for.",
        )
    }

    /// A page that mints in its visitor's name is one of the route's: a browser sends the cookie, or
    /// a proxy the name, or a browser the certificate, whichever page it was that asked. An API key
    /// is sent by nobody unasked.
    fn same_page(&mut self, caller: &Caller, route: &Route) -> Result<(), Problem> {
        let foreign = |origin: &String| !route.origins.allows(origin);
        if caller.key.is_none() && self.origin.as_ref().is_some_and(foreign) {
            "a page of another origin".clone_into(&mut self.why);
            return Err(Problem::with(
                Code::Forbidden,
                "The page's origin is not one of the route's origins.",
            ));
        }
        Ok(())
    }

    fn unminted(&mut self, error: &MintError) -> Problem {
        self.why = error.to_string();
        match error {
            MintError::TooLong { .. } => Problem {
                errors: vec![FieldError {
                    pointer: String::new(),
                    detail: "The token would be longer than 2048 bytes; shorten label, metadata, params or subject.".to_owned(),
                }],
                ..Problem::new(Code::InvalidRequest)
            },
            _ => Slug::Overloaded.into(),
        }
    }

    fn succeeded(&self, grant: &Grant, minted: &Minted, begun: Instant) {
        let route = grant.route.as_str();
        let auth = self
            .caller
            .as_ref()
            .map_or("", |caller| caller.name.as_str());
        self.shared
            .metrics
            .minted
            .with_label_values(&[route, auth])
            .inc();
        self.shared
            .metrics
            .mint_seconds
            .with_label_values(&[route])
            .observe(begun.elapsed().as_secs_f64());
        tracing::info!(
            event = "token.minted",
            request_id = self.request_id,
            route,
            auth,
            jti = %minted.claims.jti(),
            kid = %minted.kid,
            sub = %grant.subject,
            client_ip = self.peer,
            "a token was minted"
        );
        self.shared.audit.push(AuditEntry {
            seq: 0,
            at: self.shared.clock.now(),
            who: grant.client_id.to_string(),
            from: self.peer.clone(),
            event: "token.minted".to_owned(),
            target: minted.claims.jti().to_string(),
            why: grant.label.clone().unwrap_or_default(),
            result: "ok".to_owned(),
            facts: serde_json::json!({
                "route": route,
                "subject": grant.subject.as_str(),
                "kid": minted.kid.as_str(),
                "uses": grant.uses,
                "request_id": self.request_id,
            }),
        });
    }

    fn refused(&self, problem: &Problem) {
        let code = problem.code.as_str();
        let route = self.route.clone();
        let why = if self.why.is_empty() {
            problem.detail.clone()
        } else {
            self.why.clone()
        };
        let label = route.as_deref().unwrap_or("");
        self.shared
            .metrics
            .mint_denied
            .with_label_values(&[label, code])
            .inc();
        let who = self
            .caller
            .as_ref()
            .map(|caller| caller.client_id().to_string());
        tracing::info!(
            event = "token.denied",
            request_id = self.request_id,
            route = label,
            auth = who.as_deref().unwrap_or(""),
            code,
            reason = why,
            client_ip = self.peer,
            "a mint was refused"
        );
        if let (Some(who), Code::Forbidden) = (&who, problem.code) {
            self.shared.audit.push(AuditEntry {
                seq: 0,
                at: self.shared.clock.now(),
                who: who.clone(),
                from: self.peer.clone(),
                event: "token.denied".to_owned(),
                target: label.to_owned(),
                why: why.clone(),
                result: code.to_owned(),
                facts: serde_json::json!({ "request_id": self.request_id }),
            });
        }
        self.shared.denials.push(Denial {
            at: self.shared.clock.now(),
            surface: "mint",
            code,
            why,
            route,
            origin: None,
            peer: self.peer.clone(),
            subject: who,
            jti: None,
            request_id: self.request_id.clone(),
            count: 1,
        });
    }
}

/// The token as its bearer gets it: with the route's prefix in front.
#[must_use]
pub fn presented(generation: &Generation, grant: &Grant, minted: &Minted) -> Secret<String> {
    let route = generation.routes.get(grant.route.as_str());
    let prefix = route.map_or("", |route| &route.carriers.prefix);
    Secret::new([prefix, minted.token.reveal()].concat())
}

/// The body of a 201: the token and the complete address with the token in it.
#[must_use]
pub fn minted_body(generation: &Generation, grant: &Grant, minted: &Minted) -> serde_json::Value {
    let claims = &minted.claims;
    let token = presented(generation, grant, minted);
    let token = token.reveal();
    let max_session = grant.max_session.map(u64::from).or_else(|| {
        let route = generation.routes.get(grant.route.as_str())?;
        Some(route.limits.max_session.as_secs())
    });
    serde_json::json!({
        "token": token,
        "url": url(generation, grant, token),
        "expires_in": grant.redeem_within,
        "expires_at": claims.expires_at().seconds(),
        "route": grant.route.as_str(),
        "subject": grant.subject.as_str(),
        "uses": grant.uses,
        "max_session": max_session,
        "jti": claims.jti().as_str(),
    })
}

/// The complete address with the token in it.
pub(crate) fn url(generation: &Generation, grant: &Grant, token: &str) -> String {
    let base = generation.public_url.replacen("http", "ws", 1);
    let query = in_query(generation, grant, token);
    format!("{base}/v1/bridge/{}{query}", grant.route)
}

/// The token in the first query parameter that the route reads it from, one without a scheme where
/// there is one. A route without any is reached by its other carriers.
fn in_query(generation: &Generation, grant: &Grant, token: &str) -> String {
    let route = generation.routes.get(grant.route.as_str());
    let carriers = route.map_or(&[][..], |route| &route.carriers.query);
    let plain = carriers.iter().find(|carrier| carrier.before.is_empty());
    let carrier = plain.or_else(|| carriers.first());
    carrier.map_or_else(String::new, |carrier| {
        let (name, before) = (&carrier.name, &carrier.before);
        let value = [query::encode(before), token.to_owned()].concat();
        format!("?{}={value}", query::encode(name))
    })
}

/// The grant of a request that does not come over HTTP: the same fields under the route's own
/// ceilings. Whoever asks so is the operator, whom the route's rules do not bind.
///
/// # Errors
/// What the API would answer.
pub fn grant(
    body: &[u8],
    caller: &Caller,
    route: &str,
    generation: &Generation,
) -> Result<Grant, Problem> {
    let ask = ask::parse(body)?;
    let route = generation
        .routes
        .get(route)
        .ok_or_else(|| Problem::with(Code::NotFound, format!("there is no route named {route}")))?;
    let ceilings = Ceilings::NONE;
    ask.into_grant(caller, Some(route.as_ref()), ceilings, generation)
}

/// The `Origin` of a request, if it has one; an unreadable one is as good as a wrong one.
pub(crate) fn page_of(req: &HttpRequest) -> Option<String> {
    let mut lines = req.headers().get_all(header::ORIGIN);
    let first = lines.next()?;
    let only = lines.next().is_none();
    let text = first.to_str().ok().filter(|_| only);
    Some(text.unwrap_or("(unreadable)").to_owned())
}

/// Takes one of the caller's mints a minute: of an API key, or of who mints for itself alone, since
/// everybody who came the same way has the same `client_id`.
pub(crate) fn rated(caller: &Caller, generation: &Generation) -> Result<(), Problem> {
    let Some(rate) = generation.mint_rates.get(&caller.name) else {
        return Ok(());
    };
    let mut client = caller.client_id().to_string();
    if let SubjectRule::Fixed(subject) = &caller.subject {
        // No client id has a blank.
        client.push(' ');
        client.push_str(subject.as_str());
    }
    rate.take(&Key::Client(client)).map_err(|wait| Problem {
        retry_after: Some(wait),
        ..Slug::RateLimited.into()
    })
}

/// Cookies, as the headers that bring them.
pub(crate) fn set_cookies(
    cookies: &Cookies,
) -> impl Iterator<Item = (header::HeaderName, header::HeaderValue)> {
    cookies.iter().filter_map(|value| {
        let value = header::HeaderValue::from_bytes(value).ok()?;
        Some((header::SET_COOKIE, value))
    })
}

/// Every header of a request, as an authenticator wants them.
pub(crate) fn header_lines(req: &HttpRequest) -> Vec<(&str, &[u8])> {
    let lines = req.headers().iter();
    lines
        .map(|(name, value)| (name.as_str(), value.as_bytes()))
        .collect()
}

/// What a request with these headers shows of its sender.
pub(crate) fn evidence<'a>(
    req: &'a HttpRequest,
    generation: &'a Generation,
    headers: &'a [(&'a str, &'a [u8])],
    now: Moment,
) -> Evidence<'a> {
    Evidence {
        peer: address(req, generation),
        socket: socket(req),
        request: Request {
            method: req.method().as_str(),
            path: req.path(),
            base: &generation.public_url,
        },
        headers,
        certificate: clients::certificate(req, now),
    }
}

/// The id that the request layer gave the request.
pub(crate) fn request_id(req: &HttpRequest) -> String {
    req.extensions()
        .get::<RequestId>()
        .map(|id| id.0.clone())
        .unwrap_or_default()
}

/// The client's address as the configuration trusts it.
pub(crate) fn address(req: &HttpRequest, generation: &Generation) -> std::net::IpAddr {
    generation.trust.client(socket(req), req.headers())
}

/// The address of whoever holds the other end of the socket.
pub(crate) fn socket(req: &HttpRequest) -> std::net::IpAddr {
    req.peer_addr()
        .map_or_else(|| std::net::Ipv4Addr::UNSPECIFIED.into(), |peer| peer.ip())
        .to_canonical()
}

/// The same as text.
pub(crate) fn client_address(req: &HttpRequest, generation: &Generation) -> String {
    address(req, generation).to_string()
}
