//! `GET /v1/openapi.json`: the public listener, described (OpenAPI 3.1). `docs/reference/openapi.json`
//! is the same text, which a test keeps so.
//!
//! The admin listener is left out: who asks it is an operator with `docs/reference/http-api.md`, and
//! its answers may still change.

use std::sync::LazyLock;

use actix_web::{HttpResponse, http::header};
use utoipa::openapi::{
    Components, ComponentsBuilder, InfoBuilder, ObjectBuilder, OpenApiBuilder, PathItem,
    PathsBuilder, RefOr, Required, Schema, SecurityRequirement, Type,
    path::{HttpMethod, OperationBuilder, Parameter, ParameterBuilder, ParameterIn},
    request_body::{RequestBody, RequestBodyBuilder},
    schema::empty,
    security::{ApiKey, ApiKeyValue, HttpAuthScheme, HttpBuilder, SecurityScheme},
    tag::TagBuilder,
};

mod answers;
mod oauth;
mod schemas;

use self::answers::{Answers, of, said, text};

static DOCUMENT: LazyLock<String> = LazyLock::new(document);

/// Serves the document.
pub(crate) async fn openapi() -> HttpResponse {
    HttpResponse::Ok()
        .insert_header((header::CACHE_CONTROL, "public, max-age=300"))
        .content_type("application/json")
        .body(DOCUMENT.as_str())
}

/// The document, as it is served and committed.
#[must_use]
pub fn document() -> String {
    let info = InfoBuilder::new()
        .title("Tollbridge")
        .version(env!("CARGO_PKG_VERSION"))
        .description(Some(
            "Mints short-lived tokens, and bridges WebSockets that bring one. The public listener.",
        ))
        .build();
    let paths = [
        mint(),
        client_secrets(),
        jwks(),
        livez(),
        readyz(),
        bridge(),
        own(),
    ];
    let paths = paths.into_iter().chain(oauth::paths());
    let paths = paths.fold(PathsBuilder::new(), |all, (path, item)| {
        all.path(path, item)
    });
    let tags = [
        ("mint", "Tokens for callers."),
        ("bridge", "Sessions for bearers."),
        ("oauth", "What OAuth 2.0 has standards for."),
        ("server", "This node."),
    ];
    let tags = tags.map(|(name, what)| {
        let tag = TagBuilder::new().name(name);
        tag.description(Some(what)).build()
    });
    let document = OpenApiBuilder::new()
        .info(info)
        .paths(paths)
        .components(Some(components()))
        .tags(Some(tags))
        .build();
    let mut text = document.to_pretty_json().unwrap_or_default();
    text.push('\n');
    text
}

fn components() -> Components {
    ComponentsBuilder::new()
        .schema_from::<schemas::MintRequest>()
        .schema_from::<schemas::Minted>()
        .schema_from::<schemas::ClientSecretRequest>()
        .schema_from::<schemas::ClientSecret>()
        .schema_from::<schemas::ExchangeForm>()
        .schema_from::<schemas::TokenForm>()
        .schema_from::<schemas::ProblemBody>()
        .schema_from::<schemas::Checks>()
        .schema_from::<schemas::JwkSet>()
        .schema_from::<schemas::Jwk>()
        .schema_from::<schemas::ExpiresAfter>()
        .schema_from::<crate::health::Check>()
        .schema_from::<crate::problem::FieldError>()
        .schema_from::<crate::oauth::Exchanged>()
        .schema_from::<crate::oauth::Active>()
        .schema_from::<crate::oauth::Inactive>()
        .schema_from::<crate::oauth::OAuthError>()
        .security_scheme("apiKey", {
            let http = HttpBuilder::new().scheme(HttpAuthScheme::Bearer);
            let what = "An API key, `tbk_…`, or an issuer's token of a configured caller.";
            SecurityScheme::Http(http.description(Some(what)).build())
        })
        .security_scheme("apiKeyHeader", {
            let what = "The same key in a header of its own.";
            SecurityScheme::ApiKey(ApiKey::Header(ApiKeyValue::with_description(
                "X-API-Key",
                what,
            )))
        })
        .security_scheme("client", {
            let http = HttpBuilder::new().scheme(HttpAuthScheme::Basic);
            let what = "The key as a password; the user name is its id or its name.";
            SecurityScheme::Http(http.description(Some(what)).build())
        })
        .build()
}

/// One address with one operation.
fn only(path: &str, method: HttpMethod, operation: OperationBuilder) -> (String, PathItem) {
    (path.to_owned(), PathItem::new(method, operation))
}

/// An operation: its name, its kind, its one sentence, its answers.
fn operation(id: &str, tag: &str, what: &str, answers: Answers) -> OperationBuilder {
    OperationBuilder::new()
        .operation_id(Some(id))
        .tag(tag)
        .summary(Some(what))
        .responses(answers.build())
}

/// A body of this schema and no other.
fn body(media_type: &str, schema: &str) -> Option<RequestBody> {
    let body = RequestBodyBuilder::new().content(media_type, of(schema));
    Some(body.required(Some(Required::True)).build())
}

/// Whoever may mint; what is not an API key depends on the configuration.
fn callers(operation: OperationBuilder) -> OperationBuilder {
    let none: [&str; 0] = [];
    operation
        .security(SecurityRequirement::new("apiKey", none))
        .security(SecurityRequirement::new("apiKeyHeader", none))
}

fn parameter(
    at: ParameterIn,
    name: &str,
    schema: impl Into<RefOr<Schema>>,
    what: &str,
) -> Parameter {
    let required = if at == ParameterIn::Path {
        Required::True
    } else {
        Required::False
    };
    ParameterBuilder::new()
        .name(name)
        .parameter_in(at)
        .required(required)
        .description(Some(what))
        .schema(Some(schema))
        .build()
}

fn string() -> ObjectBuilder {
    ObjectBuilder::new().schema_type(Type::String)
}

fn minting(answers: Answers) -> Answers {
    let refuse = Answers::problem;
    answers
        .problem(400, "The body is no JSON, or a member stands twice.")
        .problem(401, "No credential, or not a good one.")
        .problem(403, "No route of this caller, or not from this page.")
        .unread(refuse)
        .problem(
            422,
            "What is asked for cannot be granted; `errors` says why, by field.",
        )
        .busy(refuse)
}

fn mint() -> (String, PathItem) {
    let answers = Answers::new().json(201, "Minted", "A token.");
    let mint = operation("mint", "mint", "Mints a token.", minting(answers));
    let mint = callers(mint).request_body(body("application/json", "MintRequest"));
    only("/v1/tokens", HttpMethod::Post, mint)
}

fn client_secrets() -> (String, PathItem) {
    let answers = Answers::new()
        .json(200, "ClientSecret", "A token.")
        .problem(404, "No route answers at `/v1/realtime` on this host.");
    let what = "Mints a token in the shape of OpenAI's client secrets.";
    let mint = operation("clientSecret", "mint", what, minting(answers));
    let mint = callers(mint).request_body(body("application/json", "ClientSecretRequest"));
    only("/v1/realtime/client_secrets", HttpMethod::Post, mint)
}

fn jwks() -> (String, PathItem) {
    let cached = |what: &str| {
        said(what)
            .header("Cache-Control", text("For how long others may keep it."))
            .header("ETag", text("Changes with the keys."))
    };
    let keys = cached("The keys.").content("application/jwk-set+json", of("JwkSet"));
    let answers = Answers::new()
        .with(200, keys.build())
        .with(304, cached("They are as they were.").build());
    let what = "The public keys of this server (RFC 7517).";
    let known = "An `ETag` that is known.";
    let jwks = operation("jwks", "server", what, answers);
    let jwks = jwks.parameter(parameter(
        ParameterIn::Header,
        "If-None-Match",
        string(),
        known,
    ));
    only("/.well-known/jwks.json", HttpMethod::Get, jwks)
}

fn healthy(answers: Answers) -> Answers {
    let fine = said("It does.").header("Cache-Control", text("`no-store`."));
    let plain = utoipa::openapi::Content::new(Some(string()));
    let fine = fine.content("text/plain; charset=utf-8", plain);
    answers.with(200, fine.content("application/json", of("Checks")).build())
}

fn verbose() -> Parameter {
    let what = "Whatever its value, the answer lists the checks as JSON.";
    parameter(ParameterIn::Query, "verbose", empty(), what)
}

fn livez() -> (String, PathItem) {
    let what = "Whether the process runs.";
    let livez = operation("livez", "server", what, healthy(Answers::new()));
    only("/livez", HttpMethod::Get, livez.parameter(verbose()))
}

fn readyz() -> (String, PathItem) {
    let answers = healthy(Answers::new()).problem(503, "It does not, and why.");
    let readyz = operation("readyz", "server", "Whether this node takes work.", answers);
    only("/readyz", HttpMethod::Get, readyz.parameter(verbose()))
}

fn bridge() -> (String, PathItem) {
    let switched = said("The session: frames from here on.")
        .header("Sec-WebSocket-Accept", text("RFC 6455, 4.2.2."))
        .header("Sec-WebSocket-Protocol", text("The subprotocol, if any."))
        .header("Sec-WebSocket-Extensions", text("The extensions, if any."));
    let answers = Answers::new()
        .with(101, switched.build())
        .problem(400, "Not a clean handshake, two tokens, or what the route does not take.")
        .problem(401, "No token, not a good one, or not at its time.")
        .problem(403, "A page or a route that the token is not for.")
        .problem(404, "No such route.")
        .problem(409, "The token is used.")
        .problem(410, "The token is revoked.")
        .problem(
            426,
            "No handshake; `reason` says what one would be told, and without it one would be let in.",
        )
        .problem(429, "Too many sessions, or too many a minute.")
        .problem(500, "A fault of the bridge.")
        .problem(502, "The upstream could not be reached, or refused.")
        .problem(503, "The node is draining or at its limit.")
        .problem(504, "The upstream did not answer.");
    let what =
        "Opens a session by a WebSocket handshake; without `Upgrade`, says what would happen.";
    let name = string().pattern(Some("^[a-z0-9_-]{1,64}$"));
    let token = "Or in another carrier of the route, `Authorization: Bearer` among them.";
    let bridge = operation("bridge", "bridge", what, answers)
        .parameter(parameter(
            ParameterIn::Path,
            "route",
            name,
            "The route's name.",
        ))
        .parameter(parameter(ParameterIn::Query, "token", string(), token));
    only("/v1/bridge/{route}", HttpMethod::Get, bridge)
}

fn own() -> (String, PathItem) {
    let document = said("OpenAPI 3.1.")
        .header("Cache-Control", text("For how long others may keep it."))
        .content(
            "application/json",
            utoipa::openapi::Content::new(Some(ObjectBuilder::new().schema_type(Type::Object))),
        );
    let answers = Answers::new().with(200, document.build());
    let own = operation("openapi", "server", "This document.", answers);
    only("/v1/openapi.json", HttpMethod::Get, own)
}
