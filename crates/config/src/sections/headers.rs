//! Names of headers and query parameters, and which of them a configuration may move.

/// Parses the name of a header, in lower case.
pub(crate) fn name(text: &str) -> Result<String, String> {
    let is_token = (1..=128).contains(&text.len())
        && text
            .bytes()
            .all(|byte| byte.is_ascii_alphanumeric() || b"!#$%&'*+-.^_`|~".contains(&byte));
    if is_token {
        Ok(text.to_ascii_lowercase())
    } else {
        Err(format!("{text:?} is not the name of a header"))
    }
}

/// As [`name`], but not of one that belongs to a single connection.
pub(crate) fn end_to_end(text: &str) -> Result<String, String> {
    let name = name(text)?;
    if HOP_BY_HOP.contains(&name.as_str()) || name.starts_with("sec-websocket-") {
        Err(format!(
            "`{name}` belongs to one connection and never passes the bridge"
        ))
    } else {
        Ok(name)
    }
}

/// A response header that may be returned to a page.
pub(crate) fn returnable(text: &str) -> Result<String, String> {
    let name = end_to_end(text)?;
    if OURS.contains(&name.as_str()) || name.starts_with("access-control-") {
        Err(format!(
            "`{name}` of an upstream is never returned: it would speak for this server"
        ))
    } else {
        Ok(name)
    }
}

/// Parses the name of a query parameter, not percent-encoded.
pub(crate) fn query_name(text: &str) -> Result<String, String> {
    let fits = (1..=128).contains(&text.len()) && !text.chars().any(char::is_control);
    if fits {
        Ok(text.to_owned())
    } else {
        Err(format!("{text:?} is not the name of a query parameter"))
    }
}

/// Parses a subprotocol, as RFC 6455 has them.
pub(crate) fn subprotocol(text: &str) -> Result<String, String> {
    name(text)
        .map(|_lower_case| text.to_owned())
        .map_err(|_reason| format!("{text:?} is not a subprotocol"))
}

/// Headers of an answer that say something of this server and this answer, or that make a browser
/// keep something: another server's would contradict or deceive. `x-request-id` numbers requests
/// here; that of an upstream is in the log.
const OURS: &[&str] = &[
    "alt-svc",
    "cache-control",
    "clear-site-data",
    "content-encoding",
    "content-type",
    "date",
    "location",
    "retry-after",
    "set-cookie",
    "set-cookie2",
    "strict-transport-security",
    "vary",
    "www-authenticate",
    "x-request-id",
];

/// RFC 9110, 7.6.1, with those that frame a message or name its receiver.
const HOP_BY_HOP: &[&str] = &[
    "connection",
    "content-length",
    "host",
    "keep-alive",
    "proxy-authenticate",
    "proxy-authorization",
    "proxy-connection",
    "te",
    "trailer",
    "transfer-encoding",
    "upgrade",
];

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_belongs_to_a_connection_stays_there() {
        for bad in ["Host", "UPGRADE", "Sec-WebSocket-Key", "a b", "", "x:y"] {
            assert!(end_to_end(bad).is_err(), "{bad:?}");
        }
        assert_eq!(end_to_end("X-Api-Key").as_deref(), Ok("x-api-key"));
        assert!(returnable("Set-Cookie").is_err());
    }
}
