//! Why a dial failed, for the operator, and what that means for the bearer's token.

use std::{io, time::Duration};

use actix_http::error::ParseError;
use awc::error::{ConnectError, SendRequestError, WsClientError};
use tollbridge_domain::Slug;

use crate::{errand::Errand, refused::Refused};

/// A dial that did not end in a socket. `Display` is for the operator's log: no query string, no
/// header value, nothing the upstream wrote but its status.
#[derive(Clone, Debug, Eq, PartialEq, thiserror::Error)]
#[error("{kind}")]
pub struct DialError {
    kind: Kind,
    untouched: bool,
    refused: Option<Box<Refused>>,
}

#[derive(Clone, Debug, Eq, PartialEq, thiserror::Error)]
enum Kind {
    #[error("the upstream answered 101, but {0}")]
    Answer(&'static str),
    #[error("no TCP connection to the upstream: {0}")]
    Connect(String),
    #[error("no descriptor is left for a connection to the upstream: {0}")]
    Exhausted(String),
    #[error("the upstream did not answer the handshake in HTTP/1.1")]
    Garbled,
    #[error("the connection broke before the upstream answered the handshake: {0}")]
    Lost(String),
    #[error("the upstream's handshake request cannot be made: {0}")]
    Request(&'static str),
    #[error("the upstream's host name does not resolve: {0}")]
    Resolve(String),
    #[error("the upstream did not answer the handshake within {0:?}")]
    Silent(Duration),
    #[error("the upstream answered the handshake with status {0}")]
    Status(u16),
    #[error("no TLS connection to the upstream: {0}")]
    Tls(String),
    #[error("no connection to the upstream within {0:?}")]
    Unreached(Duration),
}

impl DialError {
    /// What the bearer is told.
    #[must_use]
    pub const fn slug(&self) -> Slug {
        match self.kind {
            Kind::Status(429) => Slug::UpstreamRateLimited,
            Kind::Status(500..=599)
            | Kind::Connect(_)
            | Kind::Lost(_)
            | Kind::Resolve(_)
            | Kind::Tls(_) => Slug::UpstreamUnavailable,
            Kind::Silent(_) | Kind::Unreached(_) => Slug::UpstreamTimeout,
            // Not the upstream's fault: nobody else is to look for it there.
            Kind::Exhausted(_) => Slug::Overloaded,
            Kind::Answer(_) | Kind::Garbled | Kind::Request(_) | Kind::Status(_) => {
                Slug::UpstreamRefused
            }
        }
    }

    /// Whether it is certain that no byte of the handshake request reached the upstream, so that
    /// the token's use may be given back.
    #[must_use]
    pub const fn untouched(&self) -> bool {
        self.untouched
    }

    /// The status with which the upstream answered instead of 101.
    #[must_use]
    pub const fn status(&self) -> Option<u16> {
        match self.kind {
            Kind::Status(status) => Some(status),
            _ => None,
        }
    }

    /// What the upstream said, where it answered something else than 101.
    #[must_use]
    pub fn refused(&self) -> Option<&Refused> {
        self.refused.as_deref()
    }

    pub(crate) fn saying(self, refused: Option<Refused>) -> Self {
        Self {
            refused: refused.map(Box::new),
            ..self
        }
    }

    pub(crate) const fn request(what: &'static str) -> Self {
        Self {
            kind: Kind::Request(what),
            untouched: true,
            refused: None,
        }
    }

    pub(crate) const fn answer(what: &'static str) -> Self {
        Self {
            kind: Kind::Answer(what),
            untouched: false,
            refused: None,
        }
    }

    /// The deadline over the whole dial has passed.
    pub(crate) const fn late(errand: &Errand, after: Duration) -> Self {
        let untouched = !errand.request_may_have_left();
        let kind = if untouched {
            Kind::Unreached(after)
        } else {
            Kind::Silent(after)
        };
        Self {
            kind,
            untouched,
            refused: None,
        }
    }

    /// awc gave up.
    pub(crate) fn handshake(error: WsClientError, errand: &Errand, patience: Duration) -> Self {
        if let WsClientError::SendRequest(SendRequestError::Connect(error)) = error {
            return Self::connect(error, errand, patience);
        }
        Self {
            kind: after_request(error),
            untouched: !errand.request_may_have_left(),
            refused: None,
        }
    }

    /// awc gave up before it wrote the request, with one exception.
    fn connect(error: ConnectError, errand: &Errand, patience: Duration) -> Self {
        let kind = match error {
            // Not a failure to connect: the end of the stream where the answer should have been.
            ConnectError::Disconnected => {
                return Self {
                    kind: Kind::Lost("end of stream".to_owned()),
                    untouched: !errand.request_may_have_left(),
                    refused: None,
                };
            }
            ConnectError::Io(error) if is_exhaustion(&error) => Kind::Exhausted(words(&error)),
            ConnectError::Io(error) if errand.is_connected() => Kind::Tls(words(&error)),
            ConnectError::Io(error) => Kind::Connect(words(&error)),
            ConnectError::NoRecords => Kind::Resolve("no address".to_owned()),
            ConnectError::Resolver(error) => Kind::Resolve(shorten(error.to_string())),
            ConnectError::Timeout => Kind::Unreached(patience),
            other => Kind::Connect(shorten(other.to_string())),
        };
        Self {
            kind,
            untouched: true,
            refused: None,
        }
    }
}

fn after_request(error: WsClientError) -> Kind {
    match error {
        WsClientError::InvalidResponseStatus(status) => Kind::Status(status.as_u16()),
        WsClientError::InvalidUpgradeHeader => Kind::Answer("without `Upgrade: websocket`"),
        WsClientError::InvalidConnectionHeader(_) | WsClientError::MissingConnectionHeader => {
            Kind::Answer("without `Connection: Upgrade`")
        }
        WsClientError::MissingWebSocketAcceptHeader
        | WsClientError::InvalidChallengeResponse(..) => {
            Kind::Answer("its `Sec-WebSocket-Accept` is not for our key")
        }
        WsClientError::SendRequest(SendRequestError::Send(error)) => Kind::Lost(words(&error)),
        WsClientError::SendRequest(SendRequestError::Response(ParseError::Io(error))) => {
            Kind::Lost(words(&error))
        }
        WsClientError::SendRequest(SendRequestError::Url(_) | SendRequestError::Http(_)) => {
            Kind::Request("its URL or a header is malformed")
        }
        WsClientError::SendRequest(_) | WsClientError::Protocol(_) => Kind::Garbled,
    }
}

/// Whether this process, or the machine, may open no more files: `EMFILE`, `ENFILE`.
fn is_exhaustion(error: &io::Error) -> bool {
    matches!(error.raw_os_error(), Some(23 | 24))
}

/// What went wrong, without the layers that say only that something did.
fn words(error: &io::Error) -> String {
    let tls = error
        .get_ref()
        .and_then(|inner| inner.downcast_ref::<rustls::Error>());
    shorten(tls.map_or_else(|| error.to_string(), ToString::to_string))
}

/// A certificate can hold any text; a log line must not.
fn shorten(text: String) -> String {
    const LONGEST: usize = 240;
    match text.char_indices().nth(LONGEST) {
        Some((end, _)) => format!("{}…", &text[..end]),
        None => text,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn status(status: u16) -> DialError {
        DialError {
            kind: Kind::Status(status),
            untouched: false,
            refused: None,
        }
    }

    #[test]
    fn a_status_decides_the_slug() {
        for (code, slug) in [
            (200, Slug::UpstreamRefused),
            (103, Slug::UpstreamRefused),
            (302, Slug::UpstreamRefused),
            (401, Slug::UpstreamRefused),
            (403, Slug::UpstreamRefused),
            (404, Slug::UpstreamRefused),
            (429, Slug::UpstreamRateLimited),
            (500, Slug::UpstreamUnavailable),
            (503, Slug::UpstreamUnavailable),
        ] {
            assert_eq!(status(code).slug(), slug, "{code}");
            assert_eq!(status(code).status(), Some(code));
        }
    }

    #[test]
    fn a_process_without_descriptors_does_not_blame_its_upstream() {
        assert!(is_exhaustion(&io::Error::from_raw_os_error(24)));
        assert!(!is_exhaustion(&io::ErrorKind::ConnectionRefused.into()));
        let error = DialError {
            kind: Kind::Exhausted("too many open files".to_owned()),
            untouched: true,
            refused: None,
        };
        assert_eq!(error.slug(), Slug::Overloaded);
    }

    #[test]
    fn long_words_are_cut_between_characters() {
        assert_eq!(shorten("é".repeat(300)).chars().count(), 241);
    }
}
