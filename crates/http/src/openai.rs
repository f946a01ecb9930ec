//! `POST /v1/realtime/client_secrets`: the mint in OpenAI's shape, so that code which makes
//! ephemeral keys there makes tokens here.
//!
//! Vendor page: <https://platform.openai.com/docs/api-reference/realtime-sessions/create-realtime-client-secret>

use std::time::Instant;

use actix_web::{HttpRequest, HttpResponse, http::header, web};
use serde_json::{Map, Value, json};

use crate::{
    ask::{self, Ask},
    mint::Attempt,
    presented,
    problem::{Code, FieldError, Problem},
    route::Route,
    shared::{Generation, Shared},
};

/// Where OpenAI's SDKs connect: the route that answers there is the one that is minted for.
const CONNECTS_AT: &str = "/v1/realtime";

/// OpenAI's default life of a secret, in seconds.
const USUAL_LIFE: u32 = 600;

/// Handles a mint in OpenAI's shape.
///
/// # Errors
/// A [`Problem`] for every reason not to mint.
pub(crate) async fn client_secrets(
    req: HttpRequest,
    payload: web::Payload,
    shared: web::Data<Shared>,
) -> Result<HttpResponse, Problem> {
    let begun = Instant::now();
    let generation = shared.generation.load_full();
    let route = generation.routes.at(CONNECTS_AT, &req);
    let mut session = Map::new();
    let mut attempt = Attempt::new(&req, &shared, &generation);
    let (grant, minted) = attempt
        .conclude(&req, payload, begun, |bytes| {
            read(bytes, route.map(AsRef::as_ref), &generation, &mut session)
        })
        .await
        .map_err(in_openais_words)?;
    let mut answer = HttpResponse::Ok();
    answer.insert_header((header::CACHE_CONTROL, "no-store"));
    for cookie in attempt.cookies() {
        answer.append_header(cookie);
    }
    Ok(answer.json(json!({
        "value": presented::token(&generation, &grant, &minted).reveal(),
        "expires_at": minted.claims.expires_at().seconds(),
        "session": session,
    })))
}

/// What is asked for, in the words of our own mint. The session goes back as it came: of it only
/// the model is bound to the token, the rest is for the upstream, in a `session.update`.
fn read(
    bytes: &[u8],
    route: Option<&Route>,
    generation: &Generation,
    session: &mut Map<String, Value>,
) -> Result<Ask, Problem> {
    let route = route.ok_or_else(|| {
        Problem::with(
            Code::NotFound,
            format!("No route answers at {CONNECTS_AT}, where OpenAI's SDKs connect."),
        )
    })?;
    let mut life = USUAL_LIFE.min(generation.max_redeem_within);
    for (name, value) in ask::parse(bytes)?.into_members() {
        match (name.as_str(), value) {
            ("expires_after", value) => life = seconds(&value, generation)?,
            ("session", Value::Object(members)) => *session = members,
            ("session", _) => return Err(fault("/session", "must be an object")),
            _ => {
                let pointer: String = format!("/{name}").chars().take(64).collect();
                return Err(fault(
                    &pointer,
                    "is not a field; the fields are expires_after, session",
                ));
            }
        }
    }
    let mut members = vec![
        ("route".to_owned(), route.name.as_str().into()),
        ("redeem_within".to_owned(), life.into()),
    ];
    if let Some(model) = session.get("model") {
        if !route.params.contains_key("model") {
            let why = "cannot be chosen: the route's upstream has no {model}";
            return Err(fault("/session/model", why));
        }
        members.push(("params".to_owned(), json!({ "model": model })));
    }
    Ok(Ask::of(members).for_many())
}

/// What our own mint calls a parameter is a member of the session here.
fn in_openais_words(problem: Problem) -> Problem {
    const OURS: &str = "/params/model";
    const THEIRS: &str = "/session/model";
    let errors = problem.errors.into_iter().map(|error| FieldError {
        pointer: error.pointer.replace(OURS, THEIRS),
        ..error
    });
    Problem {
        errors: errors.collect(),
        detail: problem.detail.replace(OURS, THEIRS),
        ..problem
    }
}

fn seconds(value: &Value, generation: &Generation) -> Result<u32, Problem> {
    let members = value.as_object();
    let known = members.is_some_and(|members| {
        let mut names = members.keys();
        names.all(|name| matches!(name.as_str(), "anchor" | "seconds"))
            && members
                .get("anchor")
                .is_none_or(|anchor| anchor == "created_at")
    });
    if !known {
        let why = "must be {\"anchor\": \"created_at\", \"seconds\": …}";
        return Err(fault("/expires_after", why));
    }
    let most = generation.max_redeem_within;
    let asked = members.and_then(|members| members.get("seconds"));
    let Some(asked) = asked else {
        return Ok(USUAL_LIFE.min(most));
    };
    asked
        .as_u64()
        .and_then(|seconds| u32::try_from(seconds).ok())
        .filter(|seconds| (1..=most).contains(seconds))
        .ok_or_else(|| {
            fault(
                "/expires_after/seconds",
                &format!("must be a whole number from 1 to {most} (tokens.max_redeem_within)"),
            )
        })
}

fn fault(pointer: &str, detail: &str) -> Problem {
    Problem {
        errors: vec![FieldError {
            pointer: pointer.to_owned(),
            detail: detail.to_owned(),
        }],
        ..Problem::with(
            Code::InvalidRequest,
            format!("This field cannot be granted: {pointer}."),
        )
    }
}
