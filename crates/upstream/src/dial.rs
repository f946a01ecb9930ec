//! One dial: request, deadline, judgement of the answer.

use std::{fmt, rc::Rc, time::Duration};

use awc::{
    Client, ClientResponse,
    http::{Version, header::HeaderMap},
};
use tokio::time::{Instant, timeout};
use tollbridge_domain::Secret;
use url::Url;

use crate::{
    Socket, Tls, errand::Errand, error::DialError, extension, header, refused::Refused,
    tunnel::Tunnels,
};

/// What the deadline over the whole dial has beyond that over its parts, so that where a part is
/// late, the part is blamed.
const GRACE: Duration = Duration::from_millis(250);

/// What to say to which upstream.
pub struct Call {
    /// `ws` or `wss`, complete with path and query.
    pub url: Url,
    /// The configured headers: credentials, every one of them treated as secret.
    pub headers: Vec<(String, Secret<String>)>,
    /// Headers of the client that the route lets through.
    pub passed: Vec<(String, Vec<u8>)>,
    /// Subprotocols to offer, best first.
    pub protocols: Vec<String>,
    /// The browser's extension offer, where it may pass.
    pub extensions: Option<String>,
}

impl fmt::Debug for Call {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Call")
            .field("host", &self.url.host_str())
            .field("path", &self.url.path())
            .finish_non_exhaustive()
    }
}

/// Opens connections to the upstream of one route. Belongs to one worker thread, makes a fresh
/// connection for each call, follows no redirect, and keeps nothing between calls but TLS session
/// tickets.
///
/// Works on an actix worker, or on any thread with a local task set: awc spawns local tasks.
#[derive(Clone)]
pub struct Dialer {
    client: Client,
    tls: Tls,
    patience: Duration,
}

/// An upstream that has answered 101, and rightly.
#[derive(Debug)]
pub struct Dialled {
    /// The byte stream of frames.
    pub socket: Socket,
    /// The subprotocol it chose among those offered.
    pub protocol: Option<String>,
    /// The extensions it accepted among those offered.
    pub extensions: Option<String>,
    /// All headers of its answer; the caller keeps the listed ones.
    pub headers: Vec<(String, Vec<u8>)>,
    /// How long the dial took.
    pub took: Duration,
}

impl Dialer {
    /// Gives DNS, TCP and TLS together, and the dial as a whole, `connect_timeout` each.
    #[must_use]
    pub fn new(tls: &Tls, connect_timeout: Duration) -> Self {
        let client = Client::builder()
            .wrap(Tunnels {
                patience: connect_timeout,
            })
            .disable_redirects()
            .disable_timeout()
            .no_default_headers()
            .finish();
        Self {
            client,
            tls: tls.clone(),
            patience: connect_timeout,
        }
    }

    /// Dials and judges the answer.
    ///
    /// # Errors
    /// Where no socket came of it; [`DialError::untouched`] says whether the upstream can have
    /// noticed.
    ///
    /// # Cancellation
    /// Dropping the future closes the connection.
    pub async fn dial(&self, call: Call) -> Result<Dialled, DialError> {
        let began = Instant::now();
        let errand = Rc::new(Errand::new(&call.url, &self.tls)?);
        let request = self.client.ws(in_the_clear(&call.url)?.as_str());
        let handshake = errand.run(header::dress(request, &call)?.connect());
        let shaken = timeout(self.patience + GRACE, handshake)
            .await
            .map_err(|_elapsed| DialError::late(&errand, self.patience))?;
        let (answer, framed) = match shaken {
            Ok(shaken) => shaken,
            Err(error) => {
                let error = DialError::handshake(error, &errand, self.patience);
                let refused = match error.status() {
                    Some(_) => Refused::read(errand.heard(), errand.give_back()).await,
                    None => None,
                };
                return Err(error.saying(refused));
            }
        };
        let (protocol, extensions) = judge(&answer, &call)?;
        let early = framed.into_parts().read_buf;
        let line = errand.give_back();
        let line = line.ok_or_else(|| DialError::answer("on no connection of ours"))?;
        Ok(Dialled {
            socket: Socket::new(early, line),
            protocol,
            extensions,
            headers: plain(answer.headers()),
            took: began.elapsed(),
        })
    }
}

impl fmt::Debug for Dialer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Dialer")
            .field("patience", &self.patience)
            .finish_non_exhaustive()
    }
}

/// The address for awc, which must not speak TLS itself: the stream that it is given does.
fn in_the_clear(url: &Url) -> Result<Url, DialError> {
    let port = url.port_or_known_default();
    let mut url = url.clone();
    url.set_scheme("ws")
        .and_then(|()| url.set_port(port))
        .map_err(|()| DialError::request("its URL is malformed"))?;
    Ok(url)
}

/// awc has checked status, `Connection` and `Sec-WebSocket-Accept`. The rest of RFC 6455, 4.1 is
/// ours: the upstream may choose only from what was offered.
fn judge(
    answer: &ClientResponse,
    call: &Call,
) -> Result<(Option<String>, Option<String>), DialError> {
    let upgrade = single(answer.headers(), "upgrade");
    if !upgrade.is_ok_and(|value| value.is_some_and(|it| it.eq_ignore_ascii_case("websocket"))) {
        return Err(DialError::answer("without `Upgrade: websocket`"));
    }
    if answer.version() != Version::HTTP_11 {
        return Err(DialError::answer("not in HTTP/1.1"));
    }
    let protocol = single(answer.headers(), "sec-websocket-protocol")?;
    if protocol
        .as_ref()
        .is_some_and(|it| !call.protocols.contains(it))
    {
        return Err(DialError::answer("with a subprotocol that was not offered"));
    }
    let extensions = joined(answer.headers(), "sec-websocket-extensions")?;
    let offer = call.extensions.as_deref().unwrap_or_default();
    if extensions
        .as_ref()
        .is_some_and(|it| !extension::answers(offer, it))
    {
        return Err(DialError::answer("with an extension that was not offered"));
    }
    Ok((protocol, extensions))
}

fn single(headers: &HeaderMap, name: &str) -> Result<Option<String>, DialError> {
    match texts(headers, name)?.as_slice() {
        [] => Ok(None),
        [one] => Ok(Some((*one).to_owned())),
        _ => Err(DialError::answer("with a header twice")),
    }
}

fn joined(headers: &HeaderMap, name: &str) -> Result<Option<String>, DialError> {
    let texts = texts(headers, name)?;
    Ok((!texts.is_empty()).then(|| texts.join(", ")))
}

fn texts<'a>(headers: &'a HeaderMap, name: &str) -> Result<Vec<&'a str>, DialError> {
    headers
        .get_all(name)
        .map(|value| value.to_str().map(str::trim))
        .collect::<Result<_, _>>()
        .map_err(|_not_ascii| DialError::answer("with a header that is not text"))
}

fn plain(headers: &HeaderMap) -> Vec<(String, Vec<u8>)> {
    headers
        .iter()
        .map(|(name, value)| (name.as_str().to_owned(), value.as_bytes().to_vec()))
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn awc_dials_the_same_port_without_tls() {
        for (url, clear) in [
            ("wss://a.test/b?c", "ws://a.test:443/b?c"),
            ("wss://a.test:8443/b", "ws://a.test:8443/b"),
            ("wss://a.test:80/b", "ws://a.test/b"),
            ("ws://a.test/b", "ws://a.test/b"),
            ("ws://a.test:443/b", "ws://a.test:443/b"),
            ("wss://[::1]/", "ws://[::1]:443/"),
        ] {
            let seen = in_the_clear(&url.parse().unwrap()).unwrap();
            assert_eq!(seen.as_str(), clear);
        }
    }
}
