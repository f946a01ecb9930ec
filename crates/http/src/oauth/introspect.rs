//! `POST /v1/tokens/introspect`: what a token is worth, for those whose it is (RFC 7662).

use actix_web::{HttpRequest, HttpResponse, web};
use serde::Serialize;
use tollbridge_domain::Slug;
use tollbridge_store::StoreError;
use tollbridge_token::{Claims, RawToken, Verified};
use utoipa::ToSchema;

use super::{
    asker::Inquiry,
    form::Form,
    refused::{Refused, unkept},
};
use crate::{problem::Problem, route::Table, shared::Shared};

/// What is said of a token that opens sessions.
#[derive(Serialize, ToSchema)]
pub(crate) struct Active {
    /// Always `true`.
    active: bool,
    /// The caller and API key that minted it.
    client_id: String,
    /// Whom it is for.
    sub: String,
    /// This server.
    iss: String,
    /// The same.
    aud: String,
    /// When it was minted, in seconds since 1970.
    iat: i64,
    /// From when it may open a session.
    nbf: i64,
    /// From when it may not.
    exp: i64,
    /// Its id.
    jti: String,
    /// Always `tollbridge+jwt`.
    token_type: &'static str,
    /// The route that it opens.
    route: String,
    /// How many sessions it may still open.
    uses_left: u32,
    /// Seconds that a session may last, if the token says so.
    #[schema(nullable = false)]
    #[serde(skip_serializing_if = "Option::is_none")]
    max_session: Option<u32>,
    /// The only page that may bring it.
    #[schema(nullable = false)]
    #[serde(skip_serializing_if = "Option::is_none")]
    origin: Option<String>,
    /// As it was minted.
    #[schema(nullable = false)]
    #[serde(skip_serializing_if = "Option::is_none")]
    label: Option<String>,
}

/// Everything that is said of any other text: who asks learns nothing of why.
#[derive(Serialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct Inactive {
    /// Always `false`.
    active: bool,
}

/// Handles a question.
///
/// # Errors
/// A [`Refused`] for every reason not to answer; that a token is worth nothing is an answer.
pub(crate) async fn introspect(
    req: HttpRequest,
    payload: web::Payload,
    shared: web::Data<Shared>,
) -> Result<HttpResponse, Refused> {
    let generation = shared.generation.load_full();
    let mut inquiry = Inquiry::new("introspect", &req, &shared, &generation);
    let found = run(&mut inquiry, &req, payload).await;
    let found = found.map_err(|refused| inquiry.denied(refused))?;
    let mut answer = HttpResponse::Ok();
    unkept(&mut answer);
    inquiry.give_back(&mut answer);
    Ok(match found {
        Some(active) => {
            inquiry.count("active");
            answer.json(active)
        }
        None => {
            inquiry.count("inactive");
            answer.json(Inactive { active: false })
        }
    })
}

async fn run(
    inquiry: &mut Inquiry<'_>,
    req: &HttpRequest,
    payload: web::Payload,
) -> Result<Option<Active>, Refused> {
    let asker = inquiry.asker(req).await?;
    inquiry.rated(&asker)?;
    let form = Form::read(req, payload, inquiry.generation, &[]).await?;
    let text = form.required("token")?;
    // What was revoked elsewhere in the meantime would be called good.
    if !inquiry.shared.health.fresh() {
        return Err(Problem::from(Slug::Overloaded).into());
    }
    let Some(raw) = parsed(&inquiry.generation.routes, text) else {
        return Ok(None);
    };
    let now = inquiry.shared.clock.now();
    let verified = inquiry.shared.verifier.verify(&raw.token, now).await;
    let mine = verified
        .ok()
        .filter(|verified| inquiry.is_theirs(&asker, verified.claims()))
        .filter(|verified| raw.fits(&inquiry.generation.routes, verified.claims()));
    let Some(verified) = mine else {
        return Ok(None);
    };
    if inquiry
        .shared
        .revoked
        .covers(verified.claims(), verified.kid(), now)
    {
        return Ok(None);
    }
    let left = left(inquiry.shared, &verified).await;
    let left = left.map_err(|error| unanswered(inquiry.shared, &error))?;
    Ok((left > 0).then(|| Active::of(verified.claims(), left)))
}

async fn left(shared: &Shared, verified: &Verified) -> Result<u32, StoreError> {
    let claims = verified.claims();
    shared.used.left(claims.jti(), claims.uses()).await
}

/// A store that cannot answer leaves the question open: nobody is told a guess.
pub(super) fn unanswered(shared: &Shared, error: &StoreError) -> Refused {
    let errors = &shared.metrics.store_errors;
    errors.with_label_values(&["inquiry"]).inc();
    tracing::error!(event = "store.failed", error = %crate::audit::chain(error), "a question about a token has no answer");
    Problem::from(Slug::Overloaded).into()
}

/// A text that may be a token, and what stood in front of it.
pub(super) struct Bare {
    pub(super) token: RawToken,
    prefix: String,
}

/// Takes the prefix of a route off. Which route it is, the token says once it is verified.
pub(super) fn parsed(routes: &Table, text: &str) -> Option<Bare> {
    let rest = |prefix: &str| text.strip_prefix(prefix).map(str::to_owned);
    let prefixes = routes.iter().map(|route| route.carriers.prefix.as_str());
    // No prefix begins as a token does.
    let (prefix, rest) = prefixes
        .chain([""])
        .filter_map(|prefix| Some((prefix, rest(prefix)?)))
        .find(|(_, rest)| rest.starts_with("eyJ"))?;
    Some(Bare {
        token: RawToken::parse(&rest).ok()?,
        prefix: prefix.to_owned(),
    })
}

impl Bare {
    /// Whether the route would take it in this form: it takes its own prefix off, and no other.
    fn fits(&self, routes: &Table, claims: &Claims) -> bool {
        let route = routes.get(claims.route().as_str());
        route.is_some_and(|route| self.prefix.is_empty() || self.prefix == route.carriers.prefix)
    }
}

impl Active {
    fn of(claims: &Claims, uses_left: u32) -> Self {
        Self {
            active: true,
            client_id: claims.client_id().to_string(),
            sub: claims.subject().to_string(),
            iss: claims.issuer().to_owned(),
            aud: claims.audience().to_owned(),
            iat: claims.issued_at().seconds(),
            nbf: claims.not_before().seconds(),
            exp: claims.expires_at().seconds(),
            jti: claims.jti().to_string(),
            token_type: "tollbridge+jwt",
            route: claims.route().to_string(),
            uses_left,
            max_session: claims.max_session(),
            origin: claims.origin().map(ToString::to_string),
            label: claims.label().map(str::to_owned),
        }
    }
}
