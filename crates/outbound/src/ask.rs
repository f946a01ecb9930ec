//! One question.

use awc::http::{
    Method,
    header::{ACCEPT, CONTENT_TYPE, HOST, HeaderMap, HeaderName, HeaderValue, USER_AGENT},
};
use tollbridge_domain::Secret;
use url::Url;

use crate::{AskError, Form};

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
pub struct Ask {
    pub(crate) method: Method,
    pub(crate) url: Url,
    pub(crate) headers: HeaderMap,
    pub(crate) body: Option<Secret<String>>,
    hidden: Vec<Secret<String>>,
}

impl Ask {
    /// A question without a body.
    ///
    /// # Errors
    /// Where the URL names a user, or its host cannot be one.
    pub fn new(method: Method, url: Url) -> Result<Self, AskError> {
        if !url.username().is_empty() || url.password().is_some() {
            return Err(AskError::Request("its URL names a user"));
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
    ///
    /// # Errors
    /// As [`Ask::new`].
    pub fn form(url: Url, form: Form) -> Result<Self, AskError> {
        let mut ask = Self::new(Method::POST, url)?;
        let (text, hidden) = form.finish();
        ask.body("application/x-www-form-urlencoded", text);
        ask.hidden.extend(hidden);
        Ok(ask)
    }

    /// Gives it a body of this media type.
    pub fn body(&mut self, kind: &'static str, text: Secret<String>) {
        self.headers
            .insert(CONTENT_TYPE, HeaderValue::from_static(kind));
        self.body = Some(text);
    }

    /// Adds a header, or replaces one of ours.
    ///
    /// # Errors
    /// Where the name is none or belongs to the connection, or the value cannot be in a header.
    pub fn header(&mut self, name: &str, secret: Secret<String>) -> Result<(), AskError> {
        self.insert(name, HeaderValue::from_str(secret.reveal()).ok())?;
        self.hidden.push(secret);
        Ok(())
    }

    /// Adds a header whose value is somebody else's, as it came; bytes above ASCII included.
    ///
    /// # Errors
    /// As [`Ask::header`].
    pub fn pass_on(&mut self, name: &str, value: &[u8]) -> Result<(), AskError> {
        self.insert(name, HeaderValue::from_bytes(value).ok())
    }

    fn insert(&mut self, name: &str, value: Option<HeaderValue>) -> Result<(), AskError> {
        let name = HeaderName::try_from(name)
            .map_err(|_not_token| AskError::Request("a header's name is malformed"))?;
        if RESERVED.contains(&name.as_str()) {
            return Err(AskError::Request("a header's name is reserved"));
        }
        let mut value = value.ok_or(AskError::Request("a header's value is malformed"))?;
        // Even a stray `{:?}` of the request stays silent.
        value.set_sensitive(true);
        self.headers.insert(name, value);
        Ok(())
    }

    /// Hides one more secret that is in it in another form.
    pub fn hide(&mut self, secret: Secret<String>) {
        self.hidden.push(secret);
    }

    /// Nothing that was added so far is a secret.
    pub fn hide_nothing(&mut self) {
        self.hidden.clear();
    }

    /// What no log may repeat.
    #[must_use]
    pub fn hidden(&self) -> &[Secret<String>] {
        &self.hidden
    }
}

/// RFC 9110, 7.2: the port only where it is not the scheme's own.
fn host(url: &Url) -> Result<HeaderValue, AskError> {
    let host = url.host_str().unwrap_or_default();
    let host = match url.port() {
        Some(port) => format!("{host}:{port}"),
        None => host.to_owned(),
    };
    HeaderValue::try_from(host)
        .map_err(|_not_text| AskError::Request("its host is not a header value"))
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
