//! The client's opening request, right by default and wrong on demand.

use std::net::SocketAddr;

/// A WebSocket handshake (RFC 6455, 4.1) in the making.
#[derive(Clone, Debug)]
pub struct Handshake {
    method: String,
    target: String,
    version: String,
    headers: Vec<(String, Option<String>)>,
    extra: Vec<(String, String)>,
    early: Vec<u8>,
    keeps: Vec<String>,
}

impl Handshake {
    /// A clean handshake for this path and query.
    #[must_use]
    pub fn to(path_and_query: &str) -> Self {
        let headers = [
            ("Host", None),
            ("Connection", Some("Upgrade")),
            ("Upgrade", Some("websocket")),
            ("Sec-WebSocket-Version", Some("13")),
            ("Sec-WebSocket-Key", Some("dGhlIHNhbXBsZSBub25jZQ==")),
        ];
        Self {
            method: "GET".to_owned(),
            target: path_and_query.to_owned(),
            version: "HTTP/1.1".to_owned(),
            headers: headers
                .map(|(name, value)| (name.to_owned(), value.map(str::to_owned)))
                .to_vec(),
            extra: Vec::new(),
            early: Vec::new(),
            keeps: Vec::new(),
        }
    }

    /// From a page of this origin.
    #[must_use]
    pub fn origin(self, origin: &str) -> Self {
        self.header("Origin", origin)
    }

    /// Offering these subprotocols.
    #[must_use]
    pub fn protocols(self, protocols: &[&str]) -> Self {
        self.header("Sec-WebSocket-Protocol", &protocols.join(", "))
    }

    /// Offering these extensions.
    #[must_use]
    pub fn extensions(self, offer: &str) -> Self {
        self.header("Sec-WebSocket-Extensions", offer)
    }

    /// One header more, even where it is there already.
    #[must_use]
    pub fn header(mut self, name: &str, value: &str) -> Self {
        self.extra.push((name.to_owned(), value.to_owned()));
        self
    }

    /// One of the handshake's own headers with another value.
    #[must_use]
    pub fn instead(self, name: &str, value: &str) -> Self {
        self.without(name).header(name, value)
    }

    /// Without one of the handshake's own headers.
    #[must_use]
    pub fn without(mut self, name: &str) -> Self {
        self.headers
            .retain(|(it, _)| !it.eq_ignore_ascii_case(name));
        self
    }

    /// With another method.
    #[must_use]
    pub fn method(mut self, method: &str) -> Self {
        method.clone_into(&mut self.method);
        self
    }

    /// In another version of HTTP, e.g. `HTTP/1.0`.
    #[must_use]
    pub fn http_version(mut self, version: &str) -> Self {
        version.clone_into(&mut self.version);
        self
    }

    /// With these bytes behind the head, in the same segment.
    #[must_use]
    pub fn early(mut self, bytes: impl AsRef<[u8]>) -> Self {
        self.early = bytes.as_ref().to_vec();
        self
    }

    /// The answer may carry this header too, which the judge would otherwise refuse.
    #[must_use]
    pub fn keeps(mut self, name: &str) -> Self {
        self.keeps.push(name.to_owned());
        self
    }

    /// The request as bytes.
    #[must_use]
    pub fn encode(&self, to: SocketAddr) -> Vec<u8> {
        let mut head = format!("{} {} {}\r\n", self.method, self.target, self.version);
        let host = to.to_string();
        for (name, value) in &self.headers {
            head.push_str(&format!("{name}: {}\r\n", value.as_ref().unwrap_or(&host)));
        }
        for (name, value) in &self.extra {
            head.push_str(&format!("{name}: {value}\r\n"));
        }
        head.push_str("\r\n");
        [head.as_bytes(), &self.early].concat()
    }

    /// The key that is sent, for the answer's `Sec-WebSocket-Accept`.
    pub(crate) fn key(&self) -> Option<&str> {
        let own = self
            .headers
            .iter()
            .filter_map(|(name, value)| Some((name, value.as_ref()?)));
        own.chain(self.extra.iter().map(|(name, value)| (name, value)))
            .find(|(name, _)| name.eq_ignore_ascii_case("sec-websocket-key"))
            .map(|(_, value)| value.as_str())
    }

    pub(crate) fn kept(&self) -> Vec<&str> {
        self.keeps.iter().map(String::as_str).collect()
    }
}

/// The answer to a key (RFC 6455, 4.2.2).
pub(crate) fn accept_for(key: &str) -> String {
    use base64::{Engine as _, engine::general_purpose::STANDARD};
    use ring::digest::{SHA1_FOR_LEGACY_USE_ONLY, digest};

    let text = format!("{key}258EAFA5-E914-47DA-95CA-C5AB0DC85B11");
    STANDARD.encode(digest(&SHA1_FOR_LEGACY_USE_ONLY, text.as_bytes()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_sample_key_has_the_sample_answer() {
        let handshake = Handshake::to("/");
        let key = handshake.key().unwrap();
        assert_eq!(accept_for(key), "s3pPLMBiTxaQ9kYGzzhZRbK+xOo=");
    }

    #[test]
    fn a_header_can_be_replaced_doubled_or_left_out() {
        let to = SocketAddr::from(([127, 0, 0, 1], 80));
        let encode = |it: Handshake| String::from_utf8(it.encode(to)).unwrap();
        let replaced = encode(Handshake::to("/").instead("Sec-WebSocket-Version", "8"));
        assert!(replaced.contains("Version: 8\r\n") && !replaced.contains("Version: 13"));
        assert!(!encode(Handshake::to("/").without("host")).contains("Host"));
        let doubled = encode(Handshake::to("/").origin("https://a").origin("https://b"));
        assert_eq!(doubled.matches("Origin: ").count(), 2);
    }
}
