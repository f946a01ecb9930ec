//! Where in a request a token travels.

use actix_web::http::header::{AUTHORIZATION, HeaderMap};
use base64::{Engine as _, engine::general_purpose::URL_SAFE_NO_PAD};
use tollbridge_token::RawToken;

use crate::{
    carriers::{Carriers, Named},
    query::{Occurrence, Query},
};

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

/// The subprotocols that a client offered, taken apart.
#[derive(Default)]
pub(crate) struct Offer {
    /// What goes upstream: neither a token nor the marker before one.
    pub(crate) upstream: Vec<String>,
    /// What a browser may be answered where the upstream chose none: the first entry without a
    /// token in it, or where all have one, the first.
    pub(crate) echo: Option<String>,
    /// What stood where tokens stand.
    tokens: Vec<Text>,
}

/// A text where a token should be; `None` where it does not decode.
type Text = Option<String>;

impl Offer {
    /// Adds what a message held where the token stands.
    pub(crate) fn bring(&mut self, text: String) {
        self.tokens.push(Some(text));
    }

    /// Takes the token out of what was offered, by the route's carriers.
    pub(crate) fn of(offered: &[String], carriers: &Carriers) -> Self {
        let mut offer = Self::default();
        let mut echo = None;
        let mut entries = offered.iter();
        while let Some(entry) = entries.next() {
            if let Some(text) = inside(entry, carriers) {
                offer.tokens.push(text);
                continue;
            }
            echo = echo.or(Some(entry));
            if !carriers.pairs.contains(entry) {
                offer.upstream.push(entry.clone());
            } else if let Some(next) = entries.next() {
                // Another carrier's entry may stand right behind a marker: `realtime`, then
                // `openai-insecure-api-key.T`.
                offer
                    .tokens
                    .push(inside(next, carriers).unwrap_or_else(|| Some(next.clone())));
            }
        }
        offer.echo = echo.or_else(|| offered.first()).cloned();
        offer
    }
}

/// What an entry holds where its carrier has the token.
fn inside(entry: &str, carriers: &Carriers) -> Option<Text> {
    carriers.subprotocol.iter().find_map(|carrier| {
        let rest = entry.strip_prefix(&carrier.before)?;
        if !carrier.base64url {
            return Some(Some(rest.to_owned()));
        }
        let bytes = URL_SAFE_NO_PAD.decode(rest).ok();
        Some(bytes.and_then(|bytes| String::from_utf8(bytes).ok()))
    })
}

/// Looks into every carrier of the route. One token may stand in several; two different ones, or
/// one carrier twice, are never a choice (RFC 6750, section 2).
pub(crate) fn find(
    carriers: &Carriers,
    query: &Query,
    headers: &HeaderMap,
    offer: &Offer,
) -> Found {
    let mut texts: Vec<Text> = offer.tokens.clone();
    if texts.len() > 1 {
        return Found::Ambiguous;
    }
    for name in names(&carriers.query) {
        match query.get(name) {
            Occurrence::Absent => {}
            Occurrence::Once(value) => texts.push(of_named(&carriers.query, name, value)),
            Occurrence::Repeated => return Found::Ambiguous,
        }
    }
    let own = names(&carriers.header).filter(|name| *name != AUTHORIZATION.as_str());
    for name in own.chain([AUTHORIZATION.as_str()]) {
        let mut lines = headers.get_all(name);
        let Some(line) = lines.next() else { continue };
        if lines.next().is_some() {
            return Found::Ambiguous;
        }
        let value = std::str::from_utf8(line.as_bytes()).unwrap_or_default();
        if name == AUTHORIZATION.as_str() {
            texts.extend(authorization(carriers, value).map(Some));
        } else {
            texts.push(of_named(&carriers.header, name, value));
        }
    }
    let Some(first) = texts.first() else {
        return Found::Nothing;
    };
    if texts.iter().any(|other| other != first) {
        return Found::Ambiguous;
    }
    first
        .as_deref()
        .and_then(|text| RawToken::parse(bare(text, &carriers.prefix)).ok())
        .map_or(Found::Unusable, Found::Token)
}

/// Whether a header holds a token by one of the route's carriers: such a line never goes upstream,
/// even where the route lets headers of this name pass.
pub(crate) fn bears(carriers: &Carriers, name: &str, value: &[u8]) -> bool {
    let value = std::str::from_utf8(value).unwrap_or_default();
    if name.eq_ignore_ascii_case(AUTHORIZATION.as_str()) {
        return authorization(carriers, value).is_some();
    }
    carriers.header.iter().any(|carrier| carrier.name == name)
}

/// The token without the route's prefix.
pub(crate) fn bare<'a>(text: &'a str, prefix: &str) -> &'a str {
    text.strip_prefix(prefix).unwrap_or(text)
}

/// Each name once, whatever the number of forms it has.
fn names(carriers: &[Named]) -> impl Iterator<Item = &str> {
    carriers.iter().enumerate().filter_map(|(at, carrier)| {
        let known = carriers.iter().take(at).any(|it| it.name == carrier.name);
        (!known).then_some(carrier.name.as_str())
    })
}

/// The token in a value, by the longest form of this name that fits.
fn of_named(carriers: &[Named], name: &str, value: &str) -> Text {
    carriers
        .iter()
        .filter(|carrier| carrier.name == name)
        .filter_map(|carrier| Some((carrier.before.len(), carrier.strip(value)?)))
        .max_by_key(|(length, _)| *length)
        .map(|(_, token)| token.to_owned())
}

/// `Authorization: Bearer T` on every route, and the route's own schemes. Another scheme is
/// somebody else's (a proxy's Basic); it never passes upstream.
fn authorization(carriers: &Carriers, value: &str) -> Option<String> {
    let bearer = Named {
        name: AUTHORIZATION.as_str().to_owned(),
        before: "Bearer ".to_owned(),
    };
    let own = of_named(&carriers.header, AUTHORIZATION.as_str(), value)
        // A bare form takes any value; one with a blank in it is a scheme's.
        .filter(|token| !token.contains(' '));
    bearer.strip(value).map(str::to_owned).or(own)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::carriers::InSubprotocol;

    fn carriers() -> Carriers {
        let inside = |before: &str, base64url| InSubprotocol {
            before: before.to_owned(),
            base64url,
        };
        Carriers {
            subprotocol: vec![
                inside("openai-insecure-api-key.", false),
                inside("base64url.bearer.authorization.k8s.io.", true),
            ],
            pairs: vec!["bearer".to_owned()],
            ..Carriers::default()
        }
    }

    fn offer(entries: &[&str]) -> Offer {
        let entries: Vec<String> = entries.iter().map(|&entry| entry.to_owned()).collect();
        Offer::of(&entries, &carriers())
    }

    #[test]
    fn what_holds_a_token_never_goes_upstream_and_is_not_echoed() {
        let openai = offer(&["realtime", "openai-insecure-api-key.T", "openai-beta.x"]);
        assert_eq!(openai.upstream, ["realtime", "openai-beta.x"]);
        assert_eq!(openai.echo.as_deref(), Some("realtime"));
        assert_eq!(openai.tokens, [Some("T".to_owned())]);

        let deepgram = offer(&["bearer", "T", "x-deepgram-session-id", "u"]);
        assert_eq!(deepgram.upstream, ["x-deepgram-session-id", "u"]);
        assert_eq!(deepgram.echo.as_deref(), Some("bearer"));

        let kubernetes = offer(&[
            "base64url.bearer.authorization.k8s.io.VA",
            "v5.channel.k8s.io",
        ]);
        assert_eq!(kubernetes.upstream, ["v5.channel.k8s.io"]);
        assert_eq!(kubernetes.echo.as_deref(), Some("v5.channel.k8s.io"));
        assert_eq!(kubernetes.tokens, [Some("T".to_owned())]);
    }

    /// xAI's page offers nothing else.
    #[test]
    fn a_credential_is_echoed_only_where_nothing_else_was_offered() {
        let alone = offer(&["openai-insecure-api-key.T"]);
        assert_eq!(alone.upstream, [""; 0]);
        assert_eq!(alone.echo.as_deref(), Some("openai-insecure-api-key.T"));
    }

    #[test]
    fn what_does_not_decode_is_no_token() {
        let offer = offer(&["base64url.bearer.authorization.k8s.io.!", "v5"]);
        assert_eq!(offer.tokens, [None]);
    }
}
