//! The OAuth surfaces, and the door of other people's relays.

use utoipa::openapi::{
    Content, OneOfBuilder, PathItem, Ref, SecurityRequirement,
    path::{HttpMethod, OperationBuilder, ParameterIn},
};

use super::{
    answers::{Answers, said, text},
    body, callers, only, operation, parameter, string,
};

const FORM: &str = "application/x-www-form-urlencoded";

pub(super) fn paths() -> [(String, PathItem); 4] {
    [exchange(), introspect(), revoke(), forward_auth()]
}

fn exchange() -> (String, PathItem) {
    let refuse = Answers::refused;
    let wrong = "`invalid_request`, `unsupported_grant_type`, `invalid_scope`, or `invalid_target`: \
                 no route of whoever the token vouches for.";
    let answers = Answers::new()
        .json(200, "Exchanged", "A bridge token.")
        .refused(400, wrong)
        .unread(refuse)
        .busy(refuse);
    let what = "Exchanges an issuer's token for a bridge token (RFC 8693).";
    let exchange = operation("exchange", "oauth", what, answers);
    let exchange = exchange.request_body(body(FORM, "ExchangeForm"));
    only("/v1/oauth/token", HttpMethod::Post, exchange)
}

/// Callers, and operators; OAuth's libraries show the key as a client's password.
fn asking(operation: OperationBuilder) -> OperationBuilder {
    let none: [&str; 0] = [];
    callers(operation).security(SecurityRequirement::new("client", none))
}

fn asked(answers: Answers) -> Answers {
    let answers = answers
        .refused(400, "`invalid_request`: no token, or two.")
        .refused(401, "`invalid_client`: nobody knows who asks.");
    answers.unread(Answers::refused)
}

fn introspect() -> (String, PathItem) {
    let either = OneOfBuilder::new()
        .item(Ref::from_schema_name("Active"))
        .item(Ref::from_schema_name("Inactive"));
    let told = said("What it is worth.")
        .header("Cache-Control", text("`no-store`."))
        .content("application/json", Content::new(Some(either)));
    let answers = asked(Answers::new().with(200, told.build())).busy(Answers::refused);
    let what = "Says what a token of one's own is worth (RFC 7662).";
    let introspect = operation("introspect", "oauth", what, answers);
    let introspect = asking(introspect).request_body(body(FORM, "TokenForm"));
    only("/v1/tokens/introspect", HttpMethod::Post, introspect)
}

fn revoke() -> (String, PathItem) {
    let done = said("It does not count any more, or never did.");
    let answers = Answers::new().with(
        200,
        done.header("Cache-Control", text("`no-store`.")).build(),
    );
    let answers = asked(answers)
        .refused(403, "`unauthorized_client`: a key of scope `viewer`.")
        .refused(503, "It could not be written down: the token still counts.");
    let what = "Revokes a token of one's own, and ends what it opened (RFC 7009).";
    let revoke = operation("revoke", "oauth", what, answers);
    let revoke = asking(revoke).request_body(body(FORM, "TokenForm"));
    only("/v1/tokens/revoke", HttpMethod::Post, revoke)
}

fn forward_auth() -> (String, PathItem) {
    let passed = said("The bearer may enter; a use is taken.")
        .header("X-Tollbridge-Subject", text("Whom the token is for."))
        .header("X-Tollbridge-Route", text("For which route."))
        .header("X-Tollbridge-Jti", text("The token's id."))
        .header("X-Tollbridge-Client-Id", text("Who minted it."))
        .header(
            "X-Tollbridge-Max-Session",
            text("Seconds that it may stay, where the token or a hook says so."),
        )
        .header(
            "X-Tollbridge-Bytes",
            text("Bytes that may pass, where a hook says so."),
        );
    let answers = Answers::new()
        .with(204, passed.build())
        .problem(400, "The question can be read in two ways.")
        .problem(
            401,
            "No token, not a good one, not at its time, or a used one.",
        )
        .problem(
            403,
            "No trusted proxy asks; or the page, the route or the rate is against it.",
        )
        .problem(503, "The node is draining or cannot know.");
    let what = "Says whether the bearer of a token may enter somebody else's relay; takes a use.";
    let uri = "The path and query that the proxy was asked for: Traefik, Caddy.";
    let original = "The same: nginx.";
    let pin = "The one route whose tokens count; without it, any.";
    let asks = operation("forwardAuth", "bridge", what, answers)
        .parameter(parameter(ParameterIn::Query, "route", string(), pin))
        .parameter(parameter(
            ParameterIn::Header,
            "X-Forwarded-Uri",
            string(),
            uri,
        ))
        .parameter(parameter(
            ParameterIn::Header,
            "X-Original-URI",
            string(),
            original,
        ))
        .parameter(parameter(
            ParameterIn::Header,
            "X-Tollbridge-Route",
            string(),
            pin,
        ));
    only("/v1/forward-auth", HttpMethod::Get, asks)
}
