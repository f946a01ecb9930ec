//! Where credentials are found in a dial, and where they must not be.

use super::Dial;

/// Query parameters in which browsers bring credentials: nothing that a server-side caller sends.
const QUERY: &[&str] = &[
    "access_token",
    "api-key",
    "api_access_key",
    "api_key",
    "authorization",
    "jwt",
    "key",
    "single_use_token",
    "token",
    "x-amz-security-token",
    "x-api-key",
    "xi-api-key",
];

/// Subprotocols that are a credential behind these words.
const PREFIXES: &[&str] = &[
    "authorization.bearer.",
    "base64url.bearer.authorization.k8s.io.",
    "bearer.",
    "openai-insecure-api-key.",
    "rt_",
    "xai-client-secret.",
];

/// Subprotocols that announce that the next one is a credential.
const HERALDS: &[&str] = &["bearer", "soniox-api-key", "token"];

/// What a header of one value holds.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(super) enum Shown<'a> {
    Nothing,
    One(&'a str),
    Several,
}

/// What this header holds.
pub(super) fn shown<'a>(dial: &'a Dial, header: &str) -> Shown<'a> {
    match dial.header_values(header).as_slice() {
        [] => Shown::Nothing,
        [value] => Shown::One(value),
        _ => Shown::Several,
    }
}

/// What `Authorization` holds behind the scheme (RFC 6750, 2.1), e.g. `Bearer`. Another scheme is
/// no credential.
pub(super) fn authorization<'a>(dial: &'a Dial, scheme: &str) -> Shown<'a> {
    let Shown::One(value) = shown(dial, "authorization") else {
        return shown(dial, "authorization");
    };
    match value.split_once(' ') {
        Some((it, credential)) if it.eq_ignore_ascii_case(scheme) => Shown::One(credential),
        _ => Shown::Nothing,
    }
}

/// The name of a query parameter that holds a credential.
pub(super) fn in_query(dial: &Dial) -> Option<&str> {
    let carries = |name: &&str| QUERY.iter().any(|it| it.eq_ignore_ascii_case(name));
    dial.query
        .iter()
        .map(|(name, _)| name.as_str())
        .find(carries)
}

/// What a subprotocol that holds a credential begins with.
pub(super) fn in_protocols(dial: &Dial) -> Option<&'static str> {
    let offered = dial.protocols();
    let begins = |prefix: &&&str| offered.iter().any(|it| it.starts_with(**prefix));
    let heralds = |herald: &&&str| offered.contains(herald);
    let prefix = PREFIXES.iter().find(begins);
    prefix.or_else(|| HERALDS.iter().find(heralds)).copied()
}

/// Whether a credential is anywhere but in a header.
pub(super) fn astray(dial: &Dial) -> Option<String> {
    let query = in_query(dial).map(|name| format!("credential in the query: {name}"));
    query.or_else(|| {
        let prefix = in_protocols(dial)?;
        Some(format!("credential in a subprotocol: {prefix}"))
    })
}
