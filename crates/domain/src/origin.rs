//! Web origins, compared exactly.

use std::fmt;

use serde::{Deserialize, Serialize};

/// Why a text is not an origin.
#[derive(Clone, Copy, Debug, Eq, PartialEq, thiserror::Error)]
#[error("an origin is scheme://host[:port] in lower case, without path, user or default port")]
pub struct OriginError;

/// A web origin in its ASCII serialisation (RFC 6454, 6.2), e.g. `https://app.example.com`.
///
/// Two origins are the same when their texts are: browsers send exactly this form, so anything
/// else (`null`, another case, a trailing dot, a default port) is somebody trying.
#[derive(Clone, Debug, Deserialize, Eq, Hash, Ord, PartialEq, PartialOrd, Serialize)]
#[serde(try_from = "String", into = "String")]
pub struct Origin(Box<str>);

impl Origin {
    /// Parses a configured or claimed origin.
    ///
    /// # Errors
    /// Where the text is not the form a browser would send.
    pub fn parse(text: &str) -> Result<Self, OriginError> {
        let (scheme, rest) = text.split_once("://").ok_or(OriginError)?;
        let (host, port) = split_port(rest).ok_or(OriginError)?;
        let default_port = match scheme {
            "http" => Some(80),
            "https" => Some(443),
            _ if is_scheme(scheme) => None,
            _ => return Err(OriginError),
        };
        let port_is_fine = port.is_none_or(|port| Some(port) != default_port);
        if is_host(host) && port_is_fine {
            Ok(Self(text.into()))
        } else {
            Err(OriginError)
        }
    }

    /// The text.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl From<Origin> for String {
    fn from(origin: Origin) -> Self {
        origin.0.into()
    }
}

impl TryFrom<String> for Origin {
    type Error = OriginError;

    fn try_from(text: String) -> Result<Self, OriginError> {
        Self::parse(&text)
    }
}

impl fmt::Display for Origin {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

fn split_port(rest: &str) -> Option<(&str, Option<u16>)> {
    let after_host = rest.rfind(']').map_or(0, |end| end + 1);
    let Some(colon) = rest.get(after_host..)?.find(':') else {
        return Some((rest, None));
    };
    let host = rest.get(..after_host + colon)?;
    let digits = rest.get(after_host + colon + 1..)?;
    let canonical = digits.bytes().all(|byte| byte.is_ascii_digit()) && !digits.starts_with('0');
    let port = digits.parse().ok().filter(|_| canonical)?;
    Some((host, Some(port)))
}

fn is_scheme(text: &str) -> bool {
    text.starts_with(|first: char| first.is_ascii_lowercase())
        && text.bytes().all(|byte| {
            byte.is_ascii_lowercase() || byte.is_ascii_digit() || b"+-.".contains(&byte)
        })
}

fn is_host(host: &str) -> bool {
    if let Some(literal) = host.strip_prefix('[') {
        let inside = literal.strip_suffix(']').unwrap_or("");
        return inside.contains(':')
            && inside.bytes().all(|byte| {
                byte.is_ascii_digit() || (b'a'..=b'f').contains(&byte) || b":.".contains(&byte)
            });
    }
    (1..=253).contains(&host.len())
        && !host.ends_with('.')
        && host.bytes().all(|byte| {
            byte.is_ascii_lowercase() || byte.is_ascii_digit() || b".-_".contains(&byte)
        })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_browsers_send_is_an_origin() {
        for good in [
            "https://app.example.com",
            "http://localhost:3000",
            "http://127.0.0.1:8080",
            "http://[::1]:8080",
            "chrome-extension://abcdefghijklmnop",
        ] {
            assert!(Origin::parse(good).is_ok(), "{good}");
        }
    }

    #[test]
    fn what_attackers_send_is_not() {
        for bad in [
            "null",
            "*",
            "",
            "https://",
            "https://app.example.com/",
            "https://App.example.com",
            "https://app.example.com.",
            "https://app.example.com:443",
            "http://app.example.com:080",
            "https://app.example.com:",
            "https://user@app.example.com",
            "https://äpp.example.com",
            "https://a b",
            "HTTPS://app.example.com",
            "https://[::1",
        ] {
            assert!(Origin::parse(bad).is_err(), "{bad}");
        }
    }
}
