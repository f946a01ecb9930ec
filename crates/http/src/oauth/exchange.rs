//! `POST /v1/oauth/token`: somebody's token for one of ours (RFC 8693), by the rules of the mint.

use std::time::Instant;

use actix_web::{HttpRequest, HttpResponse, web};
use serde::Serialize;
use tollbridge_domain::{Grant, Secret};
use tollbridge_token::Minted;
use utoipa::ToSchema;

use super::{
    form::Form,
    refused::{Refused, unkept},
};
use crate::{
    ask::Ask,
    mint::{self, Attempt},
    presented,
    problem::{Code, Problem},
    shared::{Generation, Shared},
};

/// The one grant that is made here.
const EXCHANGE: &str = "urn:ietf:params:oauth:grant-type:token-exchange";

/// What may be handed in.
const JWT: &str = "urn:ietf:params:oauth:token-type:jwt";
const ACCESS_TOKEN: &str = "urn:ietf:params:oauth:token-type:access_token";

/// What is handed out.
pub(crate) const BRIDGE: &str = "urn:tollbridge:token-type:bridge";

/// A bridge token, as RFC 8693, 2.2.1 answers.
#[derive(Serialize, ToSchema)]
pub(crate) struct Exchanged {
    /// The token.
    access_token: String,
    /// What it is: `urn:tollbridge:token-type:bridge`.
    issued_token_type: &'static str,
    /// `N_A`: it opens a session, and is no bearer token of an API.
    token_type: &'static str,
    /// Seconds in which it may open one.
    expires_in: u32,
    /// The complete address with the token in it.
    url: String,
}

/// Handles an exchange.
///
/// # Errors
/// A [`Refused`] for every reason not to mint.
pub(crate) async fn exchange(
    req: HttpRequest,
    payload: web::Payload,
    shared: web::Data<Shared>,
) -> Result<HttpResponse, Refused> {
    let begun = Instant::now();
    let generation = shared.generation.load_full();
    let mut attempt = Attempt::new(&req, &shared, &generation);
    let mut called = "server_error";
    let outcome = run(&mut attempt, &req, payload, &generation).await;
    let outcome = outcome.map_err(|refused| {
        called = refused.error;
        *refused.problem
    });
    let settled = attempt.settle(outcome, begun);
    let (grant, minted) = settled.map_err(|problem| Refused::called(problem, called))?;
    let token = presented::token(&generation, &grant, &minted);
    let mut answer = HttpResponse::Ok();
    unkept(&mut answer);
    Ok(answer.json(Exchanged {
        access_token: token.reveal().clone(),
        issued_token_type: BRIDGE,
        token_type: "N_A",
        expires_in: grant.redeem_within,
        url: presented::url(&generation, &grant, token.reveal()),
    }))
}

async fn run(
    attempt: &mut Attempt<'_>,
    req: &HttpRequest,
    payload: web::Payload,
    generation: &Generation,
) -> Result<(Grant, Minted), Refused> {
    attempt.open()?;
    let form = Form::read(req, payload, generation, &["audience", "resource"]).await?;
    let wish = Wish::of(&form)?;
    // The token stands where its judges look for one, and nothing else of the request does: no
    // cookie and no proxy's word is taken for it.
    let bearer = Secret::new(format!("Bearer {}", wish.subject_token));
    let headers = [("authorization", bearer.reveal().as_bytes())];
    let judges = generation.chain.of_tokens();
    let caller = attempt.identify(req, &judges, &headers).await;
    let caller = caller.map_err(unacceptable)?;
    mint::rated(&caller, generation)?;
    let ask = Ask::of(vec![("route".to_owned(), wish.route.into())]);
    Ok(attempt.issue(&caller, ask)?)
}

/// What a form asks for.
struct Wish<'a> {
    subject_token: &'a str,
    route: &'a str,
}

impl<'a> Wish<'a> {
    fn of(form: &'a Form) -> Result<Self, Refused> {
        if form.required("grant_type")? != EXCHANGE {
            let why = format!("The only grant_type here is {EXCHANGE}.");
            return Err(Refused::new("unsupported_grant_type", why));
        }
        let subject_token = subject_token(form)?;
        let requested = form.get("requested_token_type");
        if requested.is_some_and(|requested| requested != BRIDGE) {
            let why = format!("The only requested_token_type here is {BRIDGE}.");
            return Err(Refused::new("invalid_request", why));
        }
        if form.get("actor_token").is_some() || form.get("actor_token_type").is_some() {
            let why = "Nobody acts for others here: actor_token is not taken.";
            return Err(Refused::new("invalid_request", why));
        }
        if form.get("scope").is_some() {
            let why = "A token is for one route and has no scope.";
            return Err(Refused::new("invalid_scope", why));
        }
        let route = route(form)?;
        Ok(Self {
            subject_token,
            route,
        })
    }
}

fn subject_token(form: &Form) -> Result<&str, Refused> {
    let token = form.required("subject_token")?;
    let fits = match form.required("subject_token_type")? {
        JWT => token.split('.').count() == 3,
        ACCESS_TOKEN => true,
        _ => {
            let why = format!("The subject_token_type must be {JWT} or {ACCESS_TOKEN}.");
            return Err(Refused::new("invalid_request", why));
        }
    };
    // RFC 6750, 2.1: printable ASCII without blanks.
    if fits && token.bytes().all(|byte| matches!(byte, b'!'..=b'~')) {
        Ok(token)
    } else {
        let why = "The subject_token is not of its subject_token_type.";
        Err(Refused::new("invalid_request", why))
    }
}

/// A token is for one route.
fn route(form: &Form) -> Result<&str, Refused> {
    let target = |why: &str| Refused::new("invalid_target", why);
    if form.get("resource").is_some() || form.has_several("resource") {
        return Err(target(
            "A route is named by audience; resource is not taken.",
        ));
    }
    if form.has_several("audience") {
        return Err(target("A token is for one route: audience stands once."));
    }
    form.required("audience")
}

/// RFC 8693, 2.2.2: whatever is wrong with the token is `invalid_request`.
fn unacceptable(problem: Problem) -> Refused {
    if problem.code != Code::Unauthorized {
        return problem.into();
    }
    let said = Problem {
        detail: "The subject_token is not acceptable.".to_owned(),
        ..problem
    };
    Refused::called(said, "invalid_request")
}
