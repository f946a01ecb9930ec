//! Asking.

use std::{fmt, time::Duration};

use awc::{
    Client, ClientResponse, Connector,
    error::PayloadError,
    http::{
        Uri,
        header::{CONTENT_LENGTH, HeaderMap},
    },
};
use bytes::Bytes;
use url::Url;

use crate::{
    Ask, AskError, Tls, failure,
    wire::{Tcp, proving},
};

/// The deadline is the asker's own; awc's is only out of its way.
const NEVER: Duration = Duration::from_secs(24 * 60 * 60);

/// Carries questions, over HTTP/1.1. Belongs to one worker thread; clones carry
/// for the same. Makes a connection for each question, follows no redirect, keeps nothing.
///
/// Works on an actix worker, or on any thread with a local task set: awc spawns local tasks.
#[derive(Clone)]
pub struct Http(Client);

/// What was answered. Not printable: it may be a secret.
pub struct Answer {
    /// Its status.
    pub status: u16,
    /// Its headers.
    pub headers: HeaderMap,
    /// Its body, if that came whole and is no longer than wanted.
    pub body: Result<Bytes, AskError>,
}

impl Answer {
    /// Whether its status is one of success.
    #[must_use]
    pub const fn is_success(&self) -> bool {
        matches!(self.status, 200..=299)
    }
}

impl Http {
    /// For the current worker thread.
    #[must_use]
    pub fn new() -> Self {
        let connector = Connector::new()
            .connector(Tcp::default())
            .timeout(NEVER)
            .limit(0)
            // awc pools by host and port, and does not know who has proved what to whom.
            .conn_keep_alive(Duration::ZERO)
            .conn_lifetime(Duration::ZERO);
        Self(
            Client::builder()
                .connector(connector)
                .disable_redirects()
                .disable_timeout()
                .no_default_headers()
                .finish(),
        )
    }

    /// Asks, and reads at most `longest` bytes of what is answered.
    ///
    /// # Errors
    /// Where no answer comes. One with a status that is no success is one too, and so is one whose
    /// head came and whose body did not.
    ///
    /// # Panics
    /// Outside of an actix worker and without a local task set.
    pub async fn ask(&self, ask: Ask, tls: &Tls, longest: usize) -> Result<Answer, AskError> {
        let proof = tls.proof(&ask.url)?;
        let mut request = self.0.request(ask.method, in_the_clear(&ask.url)?);
        *request.headers_mut() = ask.headers;
        let request = request.force_close();
        let body = ask.body.map(|text| text.reveal().clone());
        let answer = proving(proof, async {
            match body {
                Some(body) => request.send_body(body).await,
                None => request.send().await,
            }
        });
        let mut answer = answer.await.map_err(failure::unanswered)?;
        Ok(Answer {
            status: answer.status().as_u16(),
            headers: answer.headers().clone(),
            body: read(&mut answer, longest).await,
        })
    }
}

impl Default for Http {
    fn default() -> Self {
        Self::new()
    }
}

impl fmt::Debug for Http {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Http")
    }
}

/// The address for awc, which must not speak TLS itself: the stream that it is given does.
fn in_the_clear(url: &Url) -> Result<Uri, AskError> {
    let malformed = || AskError::Request("its URL is malformed");
    let port = url.port_or_known_default();
    let mut url = url.clone();
    url.set_fragment(None);
    url.set_scheme("http")
        .and_then(|()| url.set_port(port))
        .map_err(|()| malformed())?;
    Uri::try_from(url.as_str()).map_err(|_too_long| malformed())
}

async fn read(answer: &mut ClientResponse, longest: usize) -> Result<Bytes, AskError> {
    let body = answer.body().limit(longest).await;
    let body = body.map_err(|error| match error {
        PayloadError::Overflow => AskError::Answer("with too long a body"),
        other => failure::torn(&other),
    })?;
    // awc takes the end of the connection for that of the body.
    let said = answer.headers().get(CONTENT_LENGTH);
    if said.is_some_and(|said| said.as_bytes() != body.len().to_string().as_bytes()) {
        return Err(AskError::Answer(failure::TORN));
    }
    Ok(body)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn awc_asks_the_same_port_without_tls() {
        for (url, clear) in [
            ("https://a.test/b?c", "http://a.test:443/b?c"),
            ("https://a.test:8443/b", "http://a.test:8443/b"),
            ("https://a.test:80/b#d", "http://a.test/b"),
            ("http://a.test/b", "http://a.test/b"),
            ("https://[::1]/", "http://[::1]:443/"),
        ] {
            let seen = in_the_clear(&url.parse().unwrap()).unwrap();
            assert_eq!(seen.to_string(), clear);
        }
    }
}
