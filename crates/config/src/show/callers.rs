//! Callers, as a file that would give them.

use super::Page;
use crate::{
    names::join,
    settings::{AnswerSubject, Caller, CallerKind},
    units::write_duration,
};

pub(super) fn show_caller(page: &mut Page, name: &str, caller: &Caller) {
    page.section(&join("callers", name));
    page.text("type", caller.kind.as_str());
    page.set_some("mints_per_minute", caller.mints_per_minute);
    page.text_some("ca", caller.kind.ca().map(|path| path.display()));
    match &caller.kind {
        CallerKind::ApiKey | CallerKind::Application => {}
        CallerKind::Jwt(jwt) => {
            page.text_some("issuer", jwt.issuer.as_ref());
            page.text("audience", &jwt.audience);
            page.text_some("jwks_url", jwt.jwks_url.as_ref());
            page.list("algorithms", &jwt.algorithms);
            page.text("subject", format!("claim:{}", jwt.subject));
        }
        CallerKind::Subrequest(asks) => {
            page.text("url", &asks.url);
            page.list("forward_headers", &asks.forward_headers);
            let subject = match &asks.subject {
                AnswerSubject::Header(name) => format!("header:{name}"),
                AnswerSubject::Json(pointer) => format!("json:{pointer}"),
            };
            page.text("subject", subject);
            page.text("timeout", write_duration(asks.timeout));
            page.text("cache_for", write_duration(asks.cache_for));
        }
        CallerKind::TrustedHeader { header, groups } => {
            page.text("subject", format!("header:{header}"));
            let groups = groups.as_ref().map(|name| format!("header:{name}"));
            page.text_some("groups", groups);
        }
        CallerKind::Introspection(asks) => {
            page.text("url", &asks.url);
            page.text("client_id", &asks.client_id);
            page.text("client_secret", &asks.client_secret);
            page.text_some("audience", asks.audience.as_ref());
            page.text_some("scope", asks.scope.as_ref());
            page.text("subject", format!("claim:{}", asks.subject));
            page.text("cache_for", write_duration(asks.cache_for));
        }
        CallerKind::Mtls(name) => page.text("subject", name.as_str()),
    }
}
