//! Where in a request a token travels.

use actix_web::http::header::{AUTHORIZATION, HeaderMap};
use tollbridge_token::RawToken;

use crate::query::{Occurrence, Query};

/// What the carriers held.
pub(crate) enum Found {
    /// No token anywhere.
    Nothing,
    /// Exactly one text that could be a token.
    Token(RawToken),
    /// Something where a token should be that cannot be one.
    Unusable,
    /// Two different tokens, or one carrier twice.
    Ambiguous,
}

/// Looks into every carrier of the route: its query names and `Authorization: Bearer`
/// (RFC 6750, section 2: one method a request).
pub(crate) fn find(query: &Query, names: &[String], headers: &HeaderMap) -> Found {
    let mut texts: Vec<&str> = Vec::new();
    for name in names {
        match query.get(name) {
            Occurrence::Absent => {}
            Occurrence::Once(text) => texts.push(text),
            Occurrence::Repeated => return Found::Ambiguous,
        }
    }
    let mut lines = headers.get_all(AUTHORIZATION);
    if let Some(line) = lines.next() {
        if lines.next().is_some() {
            return Found::Ambiguous;
        }
        // Another scheme is somebody else's (a proxy's Basic); it never passes upstream.
        texts.extend(bearer(line.as_bytes()));
    }
    match texts.as_slice() {
        [] => Found::Nothing,
        [text, rest @ ..] if rest.iter().all(|other| other == text) => {
            RawToken::parse(text).map_or(Found::Unusable, Found::Token)
        }
        _ => Found::Ambiguous,
    }
}

fn bearer(line: &[u8]) -> Option<&str> {
    let line = std::str::from_utf8(line).ok()?;
    let (scheme, text) = line.split_once(' ')?;
    scheme
        .eq_ignore_ascii_case("bearer")
        .then(|| text.trim_start_matches(' '))
}
