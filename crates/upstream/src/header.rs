//! Which headers an upstream sees: those that are configured, and nothing else.

use awc::{
    http::header::{HOST, HeaderMap, HeaderName, HeaderValue, USER_AGENT},
    ws::WebsocketsRequest,
};
use tollbridge_domain::Secret;
use url::Url;

use crate::{dial::Call, error::DialError};

/// How the bridge introduces itself unless the route says otherwise. Some vendors refuse requests
/// without one.
const SELF: &str = concat!("tollbridge/", env!("CARGO_PKG_VERSION"));

/// Names that belong to the connection or to the handshake itself (RFC 9110, 7.6.1; RFC 6455,
/// 4.1): a second one would let somebody else decide about them.
const RESERVED: &[&str] = &[
    "connection",
    "content-length",
    "expect",
    "keep-alive",
    "proxy-authenticate",
    "proxy-authorization",
    "proxy-connection",
    "te",
    "trailer",
    "transfer-encoding",
    "upgrade",
];

/// Dresses the handshake request for this call.
pub(crate) fn dress(
    mut request: WebsocketsRequest,
    call: &Call,
) -> Result<WebsocketsRequest, DialError> {
    for (name, value) in headers(call)? {
        request = request.header(name, value);
    }
    if !call.protocols.is_empty() {
        request = request.header("sec-websocket-protocol", protocols(&call.protocols)?);
    }
    if let Some(offer) = &call.extensions {
        let offer = HeaderValue::from_str(offer)
            .map_err(|_not_text| DialError::request("the extension offer is not a header value"))?;
        request = request.header("sec-websocket-extensions", offer);
    }
    Ok(request)
}

fn headers(call: &Call) -> Result<HeaderMap, DialError> {
    let mut headers = HeaderMap::new();
    for (name, value) in &call.headers {
        headers.append(allowed(name)?, sensitive(value)?);
    }
    let credentials = headers.clone();
    for (name, value) in &call.passed {
        let name = allowed(name)?;
        // The operator's value wins over the client's.
        if name != "host" && !credentials.contains_key(&name) {
            let value = HeaderValue::from_bytes(value)
                .map_err(|_control| DialError::request("a passed header's value is malformed"))?;
            headers.append(name, value);
        }
    }
    if !headers.contains_key(HOST) {
        headers.insert(HOST, host(&call.url)?);
    }
    if !headers.contains_key(USER_AGENT) {
        headers.insert(USER_AGENT, HeaderValue::from_static(SELF));
    }
    Ok(headers)
}

/// RFC 9110, 7.2. awc would name the port that it is told to dial, even where that is the scheme's
/// own.
fn host(url: &Url) -> Result<HeaderValue, DialError> {
    let host = url.host_str().unwrap_or_default();
    let host = match url.port() {
        Some(port) => format!("{host}:{port}"),
        None => host.to_owned(),
    };
    HeaderValue::try_from(host)
        .map_err(|_not_text| DialError::request("its host is not a header value"))
}

/// The one place where a credential becomes a header. Marked sensitive, so that even a stray
/// `{:?}` of the request stays silent.
fn sensitive(credential: &Secret<String>) -> Result<HeaderValue, DialError> {
    let mut value = HeaderValue::from_str(credential.reveal())
        .map_err(|_not_text| DialError::request("a credential is not a header value"))?;
    value.set_sensitive(true);
    Ok(value)
}

fn allowed(name: &str) -> Result<HeaderName, DialError> {
    let name = HeaderName::try_from(name)
        .map_err(|_not_token| DialError::request("a header's name is malformed"))?;
    let taken = RESERVED.contains(&name.as_str()) || name.as_str().starts_with("sec-websocket-");
    if taken {
        return Err(DialError::request("a header's name is reserved"));
    }
    Ok(name)
}

fn protocols(offered: &[String]) -> Result<HeaderValue, DialError> {
    if !offered.iter().all(|protocol| is_token(protocol)) {
        return Err(DialError::request("a subprotocol is malformed"));
    }
    HeaderValue::try_from(offered.join(", "))
        .map_err(|_too_long| DialError::request("the subprotocols are not a header value"))
}

/// RFC 9110, 5.6.2.
pub(crate) fn is_token(text: &str) -> bool {
    !text.is_empty()
        && text
            .bytes()
            .all(|byte| byte.is_ascii_alphanumeric() || b"!#$%&'*+-.^_`|~".contains(&byte))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn call(headers: &[(&str, &str)], passed: &[(&str, &str)]) -> Call {
        Call {
            url: "ws://upstream.test/".parse().unwrap(),
            headers: headers
                .iter()
                .map(|&(name, value)| (name.to_owned(), Secret::new(value.to_owned())))
                .collect(),
            passed: passed
                .iter()
                .map(|&(name, value)| (name.to_owned(), value.as_bytes().to_vec()))
                .collect(),
            protocols: Vec::new(),
            extensions: None,
        }
    }

    #[test]
    fn a_credential_is_silent_in_debug_output() {
        let headers = headers(&call(&[("X-Api-Key", "hunter2")], &[])).unwrap();
        assert!(headers.get("x-api-key").unwrap().is_sensitive());
        assert!(!format!("{headers:?}").contains("hunter2"));
        assert!(!format!("{:?}", call(&[("X-Api-Key", "hunter2")], &[])).contains("hunter2"));
    }

    #[test]
    fn the_operators_value_wins_over_the_clients() {
        let call = call(
            &[("x-tenant", "ours")],
            &[("X-Tenant", "theirs"), ("Host", "evil")],
        );
        let headers = headers(&call).unwrap();
        assert_eq!(headers.get_all("x-tenant").count(), 1);
        assert_eq!(headers.get("x-tenant").unwrap(), "ours");
        assert_eq!(headers.get_all("host").count(), 1);
        assert_eq!(headers.get("host").unwrap(), "upstream.test");
    }

    /// As clients write it: without the scheme's own port.
    #[test]
    fn the_host_is_the_upstreams() {
        for (url, seen) in [
            ("wss://a.test/b", "a.test"),
            ("wss://a.test:443/b", "a.test"),
            ("wss://a.test:80/b", "a.test:80"),
            ("ws://a.test:443/b", "a.test:443"),
            ("wss://[::1]/b", "[::1]"),
            ("ws://[::1]:81/b", "[::1]:81"),
        ] {
            let mut call = call(&[], &[]);
            call.url = url.parse().unwrap();
            assert_eq!(headers(&call).unwrap().get("host").unwrap(), seen, "{url}");
        }
        let configured = headers(&call(&[("Host", "front.test")], &[])).unwrap();
        assert_eq!(configured.get_all("host").count(), 1);
        assert_eq!(configured.get("host").unwrap(), "front.test");
    }

    /// B22: what would become a second header is refused before anything is dialled.
    #[test]
    fn a_value_cannot_smuggle_a_header() {
        for value in ["x\r\nX-Evil: 1", "x\nX-Evil: 1", "x\0"] {
            assert!(
                headers(&call(&[("x-subject", value)], &[])).is_err(),
                "{value:?}"
            );
            assert!(
                headers(&call(&[], &[("x-subject", value)])).is_err(),
                "{value:?}"
            );
        }
    }

    #[test]
    fn the_handshakes_own_headers_are_out_of_reach() {
        for name in [
            "Connection",
            "upgrade",
            "Sec-WebSocket-Key",
            "Transfer-Encoding",
            "a b",
        ] {
            assert!(headers(&call(&[], &[(name, "x")])).is_err(), "{name}");
            assert!(headers(&call(&[(name, "x")], &[])).is_err(), "{name}");
        }
    }

    #[test]
    fn a_subprotocol_is_a_token() {
        for bad in ["", "a b", "a,b", "a\r\nb", "é"] {
            assert!(protocols(&[bad.to_owned()]).is_err(), "{bad:?}");
        }
        assert_eq!(
            protocols(&["a".to_owned(), "b".to_owned()]).unwrap(),
            "a, b"
        );
    }
}
