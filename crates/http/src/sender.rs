//! Who sent a request, as far as it shows, and the cookies that go back to them.

use actix_web::{HttpRequest, http::header};
use tollbridge_authn::{Cookies, Evidence, Request};
use tollbridge_domain::Moment;

use crate::{shared::Generation, takeover::clients};

/// The `Origin` of a request, if it has one; an unreadable one is as good as a wrong one.
pub(crate) fn page_of(req: &HttpRequest) -> Option<String> {
    let mut lines = req.headers().get_all(header::ORIGIN);
    let first = lines.next()?;
    let only = lines.next().is_none();
    let text = first.to_str().ok().filter(|_| only);
    Some(text.unwrap_or("(unreadable)").to_owned())
}

/// The client's address as the configuration trusts it.
pub(crate) fn address(req: &HttpRequest, generation: &Generation) -> std::net::IpAddr {
    generation.trust.client(socket(req), req.headers())
}

/// The same as text.
pub(crate) fn client_address(req: &HttpRequest, generation: &Generation) -> String {
    address(req, generation).to_string()
}

/// The address of whoever holds the other end of the socket.
pub(crate) fn socket(req: &HttpRequest) -> std::net::IpAddr {
    req.peer_addr()
        .map_or_else(|| std::net::Ipv4Addr::UNSPECIFIED.into(), |peer| peer.ip())
        .to_canonical()
}

/// Every header of a request, as an authenticator wants them.
pub(crate) fn header_lines(req: &HttpRequest) -> Vec<(&str, &[u8])> {
    let lines = req.headers().iter();
    lines
        .map(|(name, value)| (name.as_str(), value.as_bytes()))
        .collect()
}

/// What a request with these headers shows of its sender.
pub(crate) fn evidence<'a>(
    req: &'a HttpRequest,
    generation: &'a Generation,
    headers: &'a [(&'a str, &'a [u8])],
    now: Moment,
) -> Evidence<'a> {
    Evidence {
        peer: address(req, generation),
        socket: socket(req),
        request: Request {
            method: req.method().as_str(),
            path: req.path(),
            base: &generation.public_url,
        },
        headers,
        certificate: clients::certificate(req, now),
    }
}

/// Cookies, as the headers that bring them.
pub(crate) fn set_cookies(
    cookies: &Cookies,
) -> impl Iterator<Item = (header::HeaderName, header::HeaderValue)> {
    cookies.iter().filter_map(|value| {
        let value = header::HeaderValue::from_bytes(value).ok()?;
        Some((header::SET_COOKIE, value))
    })
}
