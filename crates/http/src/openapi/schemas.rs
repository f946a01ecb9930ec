//! Bodies, as the document describes them. What is a type elsewhere is described there.

use serde_json::Value;
use tollbridge_domain::Slug;
use utoipa::{
    ToSchema,
    openapi::{Object, ObjectBuilder, Type},
};

use crate::problem::Code;

/// What a mint asks for. Nothing else may be in it.
#[derive(ToSchema)]
#[serde(deny_unknown_fields)]
#[expect(dead_code, reason = "described, never made")]
pub(super) struct MintRequest {
    /// A route that lists the caller.
    #[schema(pattern = "^[a-z0-9_-]{1,64}$", example = "echo")]
    route: String,
    /// Whom the token is for; only an API key may say it. At most 256 bytes, nothing invisible in it.
    #[schema(nullable = false, min_length = 1, max_length = 256)]
    subject: Option<String>,
    /// Seconds in which the token may open a session; at most `tokens.max_redeem_within`.
    #[schema(nullable = false, minimum = 1)]
    redeem_within: Option<u32>,
    /// Seconds that a session may last; at most the route's.
    #[schema(nullable = false, minimum = 1)]
    max_session: Option<u32>,
    /// Sessions that it may open; at most the route's `max_uses`.
    #[schema(nullable = false, minimum = 1)]
    uses: Option<u32>,
    /// The only `Origin` that may redeem it.
    #[schema(nullable = false, example = "https://app.example.com")]
    origin: Option<String>,
    /// Values for the route's parameters.
    #[schema(nullable = false, value_type = Option<std::collections::BTreeMap<String, String>>)]
    params: Option<Value>,
    /// Shown in the session list and the audit log. At most 200 bytes.
    #[schema(nullable = false, max_length = 200)]
    label: Option<String>,
    /// The same, at most 512 bytes of JSON.
    #[schema(nullable = false, value_type = Option<Object>)]
    metadata: Option<Value>,
}

/// A token, and where to connect with it.
#[derive(ToSchema)]
#[expect(dead_code, reason = "described, never made")]
pub(super) struct Minted {
    /// With the route's prefix, if it has one.
    token: String,
    /// The complete address with the token in it.
    url: String,
    /// Seconds in which it may open a session.
    expires_in: u32,
    /// The same, in seconds since 1970.
    expires_at: i64,
    /// The route that it opens.
    route: String,
    /// Whom it is for.
    subject: String,
    /// How many sessions it may open.
    uses: u32,
    /// Seconds that a session may last.
    max_session: Option<u64>,
    /// Its id.
    jti: String,
}

/// OpenAI's request for a client secret.
#[derive(ToSchema)]
#[serde(deny_unknown_fields)]
#[expect(dead_code, reason = "described, never made")]
pub(super) struct ClientSecretRequest {
    /// When the secret expires.
    #[schema(nullable = false)]
    expires_after: Option<ExpiresAfter>,
    /// Comes back as it is; its `model` becomes a parameter of the route.
    #[schema(nullable = false, value_type = Option<Object>)]
    session: Option<Value>,
}

/// So long after now.
#[derive(ToSchema)]
#[serde(deny_unknown_fields)]
#[expect(dead_code, reason = "described, never made")]
pub(super) struct ExpiresAfter {
    /// From when.
    #[schema(nullable = false, pattern = "^created_at$")]
    anchor: Option<String>,
    /// At most `tokens.max_redeem_within`.
    #[schema(nullable = false, minimum = 1)]
    seconds: Option<u32>,
}

/// OpenAI's answer.
#[derive(ToSchema)]
#[expect(dead_code, reason = "described, never made")]
pub(super) struct ClientSecret {
    /// The token.
    value: String,
    /// In seconds since 1970.
    expires_at: i64,
    /// As it came.
    #[schema(value_type = Object)]
    session: Value,
}

/// RFC 8693, 2.1. Parameters that are not here are passed over; none may stand twice.
#[derive(ToSchema)]
#[expect(dead_code, reason = "described, never made")]
pub(super) struct ExchangeForm {
    /// The one grant.
    #[schema(pattern = "^urn:ietf:params:oauth:grant-type:token-exchange$")]
    grant_type: String,
    /// What an issuer said of somebody: judged by the callers of type `jwt` and `introspection`.
    #[schema(pattern = "^[!-~]+$")]
    subject_token: String,
    /// What it is.
    #[schema(pattern = "^urn:ietf:params:oauth:token-type:(jwt|access_token)$")]
    subject_token_type: String,
    /// The route.
    #[schema(pattern = "^[a-z0-9_-]{1,64}$")]
    audience: String,
    /// May be left out.
    #[schema(nullable = false, pattern = "^(urn:tollbridge:token-type:bridge)?$")]
    requested_token_type: Option<String>,
}

/// RFC 7662, 2.1 and RFC 7009, 2.1.
#[derive(ToSchema)]
#[expect(dead_code, reason = "described, never made")]
pub(super) struct TokenForm {
    /// The token, with or without its route's prefix.
    #[schema(min_length = 1)]
    token: String,
    /// Not looked at: there is one kind of token here.
    #[schema(nullable = false)]
    token_type_hint: Option<String>,
}

/// RFC 9457.
#[derive(ToSchema)]
#[schema(as = Problem)]
#[expect(dead_code, reason = "described, never made")]
pub(super) struct ProblemBody {
    /// `urn:tollbridge:problem:` and the code.
    #[schema(pattern = "^urn:tollbridge:problem:[a-z0-9_]+$")]
    r#type: String,
    /// What the code means.
    title: String,
    /// The status of the answer.
    status: u16,
    /// What is wrong with this request.
    detail: String,
    /// The request's id, as in `X-Request-Id` and in the log.
    instance: String,
    /// What it is called; each has a page.
    #[schema(schema_with = code)]
    code: String,
    /// What a handshake would be told.
    #[schema(nullable = false)]
    reason: Option<String>,
    /// The status that it would get.
    #[schema(nullable = false)]
    reason_status: Option<u16>,
    /// The close code that a page would see.
    close_code: Option<u16>,
    /// Seconds after which trying again makes sense.
    #[schema(nullable = false)]
    retry_after: Option<u32>,
    /// Everything that is wrong, by field.
    #[schema(nullable = false)]
    errors: Option<Vec<crate::problem::FieldError>>,
    /// Everything that readiness is made of.
    #[schema(nullable = false)]
    checks: Option<Vec<crate::health::Check>>,
}

/// The closed vocabulary of refusals.
fn code() -> Object {
    let slugs = Slug::ALL.iter().map(|slug| slug.as_str());
    let general = Code::GENERAL.iter().map(|code| code.as_str());
    let mut names: Vec<&str> = slugs.chain(general).collect();
    names.sort_unstable();
    names.dedup();
    let text = ObjectBuilder::new().schema_type(Type::String);
    let text = text.description(Some("What it is called; each has a page."));
    text.enum_values(Some(names)).build()
}

/// Conditions of health.
#[derive(ToSchema)]
#[expect(dead_code, reason = "described, never made")]
pub(super) struct Checks {
    /// Whether all hold.
    ok: bool,
    /// Each of them.
    checks: Vec<crate::health::Check>,
}

/// RFC 7517, 5.
#[derive(ToSchema)]
#[expect(dead_code, reason = "described, never made")]
pub(super) struct JwkSet {
    /// Public keys that verify, or are about to sign.
    keys: Vec<Jwk>,
}

/// A public key.
#[derive(ToSchema)]
#[expect(dead_code, reason = "described, never made")]
pub(super) struct Jwk {
    /// `OKP` or `EC`.
    kty: String,
    /// `Ed25519` or `P-256`.
    crv: String,
    /// `EdDSA` or `ES256`.
    alg: String,
    /// `sig`.
    r#use: String,
    /// The key's own thumbprint (RFC 7638).
    kid: String,
    /// A coordinate.
    x: String,
    /// The other one, of `EC`.
    #[schema(nullable = false)]
    y: Option<String>,
}
