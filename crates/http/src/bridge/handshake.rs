//! The clean-handshake rules (RFC 6455, 4.2.1; contract, section 4).

use actix_web::{
    HttpRequest,
    http::{Method, Version, header},
};

use super::carrier::Offer;
use crate::{
    carriers::Carriers,
    problem::{Code, Problem},
};

/// A request that could become a WebSocket.
pub(crate) struct Handshake {
    /// `Sec-WebSocket-Accept` of the answer.
    pub(crate) accept: String,
    /// Subprotocols that were offered, in order.
    pub(crate) offered: Vec<String>,
    /// The same, taken apart by the route's carriers.
    pub(crate) offer: Offer,
    /// The offer of extensions, joined; `None` if there was none.
    pub(crate) extensions: Option<String>,
}

impl Handshake {
    /// Takes tokens out of what was offered.
    pub(crate) fn sort_offer(&mut self, carriers: &Carriers) {
        self.offer = Offer::of(&self.offered, carriers);
    }
}

/// What kind of request came to a bridge address.
pub(crate) enum Asked {
    /// A plain request: it is told what would happen.
    Explanation,
    /// A clean handshake.
    Upgrade(Handshake),
}

/// Longest list of subprotocols that is looked at, in bytes.
const LONGEST_LIST: usize = 8192;

/// Judges the head of a request. Nothing is consumed or dialled here.
///
/// # Errors
/// Anything that is not a clean handshake; the connection ends with the answer, so that no body
/// can be taken for a second request.
pub(crate) fn read(req: &HttpRequest) -> Result<Asked, Problem> {
    let headers = req.headers();
    no_body(headers)?;
    if req.method() != Method::GET {
        return Err(Problem::new(Code::MethodNotAllowed)
            .header(header::ALLOW, header::HeaderValue::from_static("GET"))
            .closing());
    }
    if !headers.contains_key(header::UPGRADE) {
        return Ok(Asked::Explanation);
    }
    if req.version() != Version::HTTP_11 {
        return Err(bad("A WebSocket handshake needs HTTP/1.1."));
    }
    if !single(headers, &header::UPGRADE)
        .is_some_and(|value| value.eq_ignore_ascii_case("websocket"))
    {
        return Err(bad("The only upgrade here is websocket."));
    }
    if !mentions(headers, &header::CONNECTION, "upgrade") {
        return Err(bad("The Connection header must say upgrade."));
    }
    if single(headers, &header::SEC_WEBSOCKET_VERSION) != Some("13") {
        return Err(upgrade_required("The only WebSocket version here is 13."));
    }
    let key = single(headers, &header::SEC_WEBSOCKET_KEY)
        .filter(|key| is_sixteen_bytes(key))
        .ok_or_else(|| bad("Sec-WebSocket-Key must be 16 bytes in base64."))?;
    let accept = actix_http::ws::hash_key(key.as_bytes());
    Ok(Asked::Upgrade(Handshake {
        accept: String::from_utf8_lossy(&accept).into_owned(),
        offered: offered(headers)?,
        offer: Offer::default(),
        extensions: joined(headers, &header::SEC_WEBSOCKET_EXTENSIONS),
    }))
}

/// 426 with what RFC 9110 15.5.22 and RFC 6455 4.4 ask of it.
pub(crate) fn upgrade_required(detail: &str) -> Problem {
    Problem::with(Code::UpgradeRequired, detail)
        .header(
            header::UPGRADE,
            header::HeaderValue::from_static("websocket"),
        )
        .header(
            header::SEC_WEBSOCKET_VERSION,
            header::HeaderValue::from_static("13"),
        )
        .closing()
}

fn bad(detail: &str) -> Problem {
    Problem::with(Code::Slug(tollbridge_domain::Slug::BadRequest), detail).closing()
}

/// An upgrade request has no body of any kind: what followed would be taken for frames by one
/// reader and for a body by another.
fn no_body(headers: &header::HeaderMap) -> Result<(), Problem> {
    let announced = headers
        .get_all(header::CONTENT_LENGTH)
        .any(|length| length.as_bytes() != b"0");
    if announced || headers.contains_key(header::TRANSFER_ENCODING) {
        return Err(bad("A request to a bridge address has no body."));
    }
    Ok(())
}

fn single<'a>(headers: &'a header::HeaderMap, name: &header::HeaderName) -> Option<&'a str> {
    let mut lines = headers.get_all(name);
    let line = lines.next()?.to_str().ok()?;
    lines.next().is_none().then_some(line.trim())
}

fn mentions(headers: &header::HeaderMap, name: &header::HeaderName, word: &str) -> bool {
    headers
        .get_all(name)
        .filter_map(|line| line.to_str().ok())
        .flat_map(|line| line.split(','))
        .any(|item| item.trim().eq_ignore_ascii_case(word))
}

fn joined(headers: &header::HeaderMap, name: &header::HeaderName) -> Option<String> {
    let lines: Vec<&str> = headers
        .get_all(name)
        .filter_map(|line| line.to_str().ok())
        .collect();
    (!lines.is_empty()).then(|| lines.join(", "))
}

/// 24 characters of canonical base64 for 16 bytes: 22 digits, the last one with four spare bits,
/// and two padding signs.
fn is_sixteen_bytes(key: &str) -> bool {
    let Some(digits) = key.strip_suffix("==") else {
        return false;
    };
    digits.len() == 22
        && digits
            .bytes()
            .all(|digit| digit.is_ascii_alphanumeric() || b"+/".contains(&digit))
}

/// The subprotocols that are offered.
///
/// # Errors
/// Where they are no distinct tokens.
pub(crate) fn offered(headers: &header::HeaderMap) -> Result<Vec<String>, Problem> {
    let mut protocols: Vec<String> = Vec::new();
    let mut length = 0;
    for line in headers.get_all(header::SEC_WEBSOCKET_PROTOCOL) {
        let line = line
            .to_str()
            .or(Err(bad("A subprotocol is not a token.")))?;
        length += line.len();
        for name in line.split(',').map(str::trim) {
            let known = protocols.iter().any(|other| other == name);
            if !is_token(name) || known || length > LONGEST_LIST {
                return Err(bad("Subprotocols must be distinct tokens."));
            }
            protocols.push(name.to_owned());
        }
    }
    Ok(protocols)
}

/// RFC 9110, 5.6.2.
fn is_token(text: &str) -> bool {
    !text.is_empty()
        && text
            .bytes()
            .all(|byte| byte.is_ascii_alphanumeric() || b"!#$%&'*+-.^_`|~".contains(&byte))
}

#[cfg(test)]
mod tests {
    use super::*;

    /// B02
    #[test]
    fn a_key_is_sixteen_bytes() {
        assert!(is_sixteen_bytes("dGhlIHNhbXBsZSBub25jZQ=="));
        for bad in [
            "",
            "dGhlIHNhbXBsZSBub25jZQ",
            "dGhlIHNhbXBsZSBub25jZ===",
            "AAAA",
            "é",
        ] {
            assert!(!is_sixteen_bytes(bad), "{bad}");
        }
    }
}
