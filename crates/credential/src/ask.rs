//! One question to a token endpoint.

use awc::http::{
    Method,
    header::{ACCEPT, CONTENT_TYPE, HOST, HeaderMap, HeaderName, HeaderValue, USER_AGENT},
};
use tollbridge_domain::Secret;
use url::Url;

use crate::{FetchError, form::Form};

/// How the bridge introduces itself.
const SELF: &str = concat!("tollbridge/", env!("CARGO_PKG_VERSION"));

/// Names that belong to the connection (RFC 9110, 7.6.1) or that say how the body is to be read.
const RESERVED: &[&str] = &[
    "accept-encoding",
    "connection",
    "content-length",
    "expect",
    "host",
    "keep-alive",
    "proxy-connection",
    "te",
    "trailer",
    "transfer-encoding",
    "upgrade",
];

/// What is asked, and which secrets are in it.
pub(crate) struct Ask {
    pub(crate) method: Method,
    pub(crate) url: Url,
    pub(crate) headers: HeaderMap,
    pub(crate) body: Option<Secret<String>>,
    pub(crate) hidden: Vec<Secret<String>>,
}

impl Ask {
    /// A question without a body.
    pub(crate) fn new(method: Method, url: Url) -> Result<Self, FetchError> {
        if !url.username().is_empty() || url.password().is_some() {
            return Err(FetchError::Request("its URL names a user"));
        }
        let mut headers = HeaderMap::new();
        headers.insert(HOST, host(&url)?);
        headers.insert(ACCEPT, HeaderValue::from_static("application/json"));
        headers.insert(USER_AGENT, HeaderValue::from_static(SELF));
        Ok(Self {
            method,
            url,
            headers,
            body: None,
            hidden: Vec::new(),
        })
    }

    /// A form that is sent (RFC 6749, appendix B).
    pub(crate) fn form(url: Url, form: Form) -> Result<Self, FetchError> {
        let mut ask = Self::new(Method::POST, url)?;
        let (text, hidden) = form.finish();
        ask.body("application/x-www-form-urlencoded", text);
        ask.hidden.extend(hidden);
        Ok(ask)
    }

    pub(crate) fn body(&mut self, kind: &'static str, text: Secret<String>) {
        self.headers
            .insert(CONTENT_TYPE, HeaderValue::from_static(kind));
        self.body = Some(text);
    }

    /// Adds a header, or replaces one of ours.
    pub(crate) fn header(&mut self, name: &str, secret: Secret<String>) -> Result<(), FetchError> {
        let name = HeaderName::try_from(name)
            .map_err(|_not_token| FetchError::Request("a header's name is malformed"))?;
        if RESERVED.contains(&name.as_str()) {
            return Err(FetchError::Request("a header's name is reserved"));
        }
        let mut value = HeaderValue::from_str(secret.reveal())
            .map_err(|_control| FetchError::Request("a header's value is malformed"))?;
        // Even a stray `{:?}` of the request stays silent.
        value.set_sensitive(true);
        self.headers.insert(name, value);
        self.hidden.push(secret);
        Ok(())
    }
}

/// RFC 9110, 7.2: the port only where it is not the scheme's own.
fn host(url: &Url) -> Result<HeaderValue, FetchError> {
    let host = url.host_str().unwrap_or_default();
    let host = match url.port() {
        Some(port) => format!("{host}:{port}"),
        None => host.to_owned(),
    };
    HeaderValue::try_from(host)
        .map_err(|_not_text| FetchError::Request("its host is not a header value"))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn ask() -> Ask {
        Ask::new(Method::GET, "https://a.test:8443/b?c".parse().unwrap()).unwrap()
    }

    fn secret(text: &str) -> Secret<String> {
        Secret::new(text.to_owned())
    }

    #[test]
    fn a_header_is_silent_and_can_replace_ours() {
        let mut ask = ask();
        ask.header("Accept", secret("text/json")).unwrap();
        ask.header("xi-api-key", secret("hunter2")).unwrap();
        assert_eq!(ask.headers.get_all("accept").count(), 1);
        assert_eq!(ask.headers.get("host").unwrap(), "a.test:8443");
        assert!(!format!("{:?}", ask.headers).contains("hunter2"));
    }

    #[test]
    fn what_belongs_to_the_connection_is_out_of_reach() {
        for name in ["Host", "Expect", "Transfer-Encoding", "a b", ""] {
            assert!(ask().header(name, secret("x")).is_err(), "{name}");
        }
        for value in ["x\r\nX-Evil: 1", "x\0"] {
            assert!(ask().header("x-a", secret(value)).is_err(), "{value:?}");
        }
    }

    #[test]
    fn a_url_names_no_user() {
        let url: Url = "https://user:pass@a.test/".parse().unwrap();
        assert!(Ask::new(Method::GET, url).is_err());
    }
}
