//! `POST /v1/tokens`: obtain, decide, present.

mod record;

use std::time::Instant;

use actix_web::{HttpMessage, HttpRequest, HttpResponse, http::header, web};
use tollbridge_authn::{Caller, Chain, Cookies, SubjectRule, Verdict};
use tollbridge_domain::{Grant, RouteName, Slug};
use tollbridge_token::{MintError, Minted};

use crate::{
    allow::{self, Ceilings},
    ask::{self, Ask},
    body,
    identity::Identity,
    presented,
    problem::{Code, FieldError, Problem},
    rate::Key,
    request,
    route::Route,
    sender,
    shared::{Generation, Shared},
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
    Ok(answer.json(presented::body(&generation, &grant, &minted)))
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
            request_id: request::id_of(req),
            peer: sender::client_address(req, generation),
            caller: None,
            cookies: Cookies::default(),
            origin: sender::page_of(req),
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
        sender::set_cookies(&self.cookies)
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
        self.identify(req, &generation.chain, &sender::header_lines(req))
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
        let evidence = sender::evidence(req, self.generation, headers, now);
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
        if let Some(name) = ask.route_name() {
            self.route = route.map(|route| route.name.to_string());
            if allowed.is_none() {
                let why = self.not_theirs(name);
                return Err(self.foreign(&why));
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

    /// For the log. A text that is no route's name may be anything, and is not repeated.
    fn not_theirs(&self, name: &str) -> String {
        match (&self.route, RouteName::parse(name)) {
            (Some(_), _) => "not a route of this caller".to_owned(),
            (None, Ok(name)) => format!("there is no route {name}"),
            (None, Err(_)) => "no name of a route".to_owned(),
        }
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
