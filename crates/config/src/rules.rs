//! Rules between keys and between sections.

use std::{collections::BTreeMap, net::SocketAddr, time::Duration};

mod allow;

use tollbridge_domain::{RouteName, is_this_machine};
use url::{Url, form_urlencoded};

use crate::{
    places::element,
    reader::{Reader, Section},
    settings::{Caller, CallerKind, Route, Settings},
    units::write_duration,
    url_template::Scheme,
};

/// Looks at everything together.
pub(crate) fn check(settings: &Settings, root: &Section<'_>) {
    let reader = root.reader;
    check_listeners(settings, reader);
    check_public_url(settings, reader);
    check_proxies(settings, reader);
    check_callers(settings, reader);
    check_client_certificates(root);
    check_tokens(settings, reader);
    check_keys(settings, reader);
    check_shared_paths(settings, root);
    for (name, route) in &settings.routes {
        let section = root.section("routes").section(name.as_str());
        check_route(route, &section);
        allow::check(settings, route, &section);
    }
    if !root.is_written("routes") {
        reader.warn(
            "routes",
            "no route is configured: there is nothing to connect to",
        );
    }
}

fn check_listeners(settings: &Settings, reader: &Reader<'_>) {
    let (public, admin) = (settings.server.listen, settings.admin.listen);
    if overlap(public, admin) {
        let message = "the admin listener must not be the public one";
        reader.error("admin.listen", message);
    }
    if !admin.ip().is_loopback() {
        let message = "the admin listener is reachable from other machines";
        reader.warn("admin.listen", message);
    }
}

/// Port 0 is a different port each time.
fn overlap(a: SocketAddr, b: SocketAddr) -> bool {
    let any = a.ip().is_unspecified() || b.ip().is_unspecified();
    a.port() != 0 && a.port() == b.port() && (any || a.ip() == b.ip())
}

fn check_public_url(settings: &Settings, reader: &Reader<'_>) {
    let server = &settings.server;
    match &server.public_url {
        None if server.listen.ip().is_unspecified() => reader.warn(
            "server.public_url",
            "without `public_url`, minted addresses point to an unspecified address",
        ),
        Some(url) if url.starts_with("http:") && server.tls.is_some() => reader.warn(
            "server.public_url",
            "minted addresses say ws, and the listener speaks TLS: use https",
        ),
        Some(url) if url.starts_with("http:") && !is_local(url) => reader.warn(
            "server.public_url",
            "tokens and payload travel in the clear: use https, with `server.tls` or TLS ended in \
             front",
        ),
        _ => {}
    }
}

fn is_local(url: &str) -> bool {
    let url = Url::parse(url).ok();
    url.is_some_and(|url| url.host_str().is_some_and(is_this_machine))
}

fn check_proxies(settings: &Settings, reader: &Reader<'_>) {
    for (index, network) in settings.server.trusted_proxies.iter().enumerate() {
        if network.prefix_len() == 0 {
            let path = element("server.trusted_proxies", index);
            reader.warn(&path, "everybody is trusted to name the client's address");
        }
    }
}

fn check_callers(settings: &Settings, reader: &Reader<'_>) {
    let is_application = |caller: &Caller| matches!(caller.kind, CallerKind::Application);
    let applications = settings
        .callers
        .iter()
        .filter(|(_, caller)| is_application(caller));
    for (nth, (name, _)) in applications.enumerate() {
        let path = format!("callers.{name}.type");
        if nth > 0 {
            reader.error(&path, "only one caller can be the application around us");
        } else {
            let message = "matches nobody in `tollbridge serve`: it is the application that mounts \
                           Tollbridge among its own handlers";
            reader.warn(&path, message);
        }
    }
    for (name, caller) in &settings.callers {
        let trusts = matches!(caller.kind, CallerKind::TrustedHeader { .. });
        if trusts && settings.server.trusted_proxies.is_empty() {
            let message = "matches nobody: no `server.trusted_proxies` are configured, and from \
                           anybody else the header is refused";
            reader.warn(&format!("callers.{name}.type"), message);
        }
    }
}

/// Callers of type `mtls` and the authorities that vouch for them need each other.
fn check_client_certificates(root: &Section<'_>) {
    let reader = root.reader;
    let tls = root.section("server").section("tls");
    let is_written = tls.holds("client_ca") || tls.is_written("client_ca");
    let callers = root.section("callers");
    let readers: Vec<_> = callers
        .sections()
        .filter(|(_, caller)| caller.text("type") == Some("mtls"))
        .collect();
    if is_written && readers.is_empty() {
        let message = "clients are asked for a certificate that no caller of type `mtls` reads";
        reader.warn(&tls.at("client_ca"), message);
    }
    if !is_written {
        for (_, caller) in readers {
            let message = "without `server.tls.client_ca` nobody can show a certificate";
            reader.error(&caller.at("type"), message);
        }
    }
}

fn check_tokens(settings: &Settings, reader: &Reader<'_>) {
    let tokens = &settings.tokens;
    if tokens.max_redeem_within < tokens.redeem_within {
        let message = format!(
            "shorter than tokens.redeem_within ({})",
            write_duration(tokens.redeem_within)
        );
        reader.error("tokens.max_redeem_within", message);
    }
    if tokens.redeem_within > LONG_REDEMPTION {
        let message = "a token that can be redeemed for more than 5m by default is worth stealing";
        reader.warn("tokens.redeem_within", message);
    }
}

fn check_keys(settings: &Settings, reader: &Reader<'_>) {
    let keys = &settings.keys;
    if keys
        .rotate_every
        .is_some_and(|every| every <= keys.publish_before_use)
    {
        let message = format!(
            "not longer than keys.publish_before_use ({}): the next key would be due before this \
             one signs",
            write_duration(keys.publish_before_use)
        );
        reader.error("keys.rotate_every", message);
    }
    if keys.publish_before_use < USUAL_JWKS_CACHE {
        let message = "shorter than the 5m for which verifiers usually cache a JWKS";
        reader.warn("keys.publish_before_use", message);
    }
}

/// A path of a host leads to one route; a route without hosts has every host that no other names.
fn check_shared_paths(settings: &Settings, root: &Section<'_>) {
    let any = [String::new()];
    let mut taken: BTreeMap<(&str, &str), &RouteName> = BTreeMap::new();
    for (name, route) in &settings.routes {
        let section = root.section("routes").section(name.as_str());
        let hosts = if route.hosts.is_empty() {
            &any
        } else {
            route.hosts.as_slice()
        };
        for (place, path) in section.texts("paths").into_iter().flatten() {
            for host in hosts {
                if let Some(other) = taken.insert((host, path), name) {
                    let at = if host.is_empty() {
                        String::new()
                    } else {
                        format!(" at host {host:?}")
                    };
                    let message =
                        format!("{path:?} is a path of route `{other}` already{at}; see `hosts`");
                    root.reader.error(&place, message);
                }
            }
        }
        if !route.hosts.is_empty() && route.paths.is_empty() {
            let message = "says where `paths` lead here, and there are none";
            root.reader.warn(&section.at("hosts"), message);
        }
    }
}

fn check_route(route: &Route, section: &Section<'_>) {
    let reader = section.reader;
    if route.upstream.scheme == Scheme::Ws && !route.upstream.is_loopback() {
        let message = "credentials and payload travel to the upstream in the clear: use wss";
        reader.warn(&section.at("upstream"), message);
    }
    if route.limits.max_message < route.limits.max_frame {
        let path = section.section("limits").at("max_message");
        reader.warn(&path, "below `max_frame`, which then means nothing");
    }
    check_pings(route, &section.section("limits"));
    check_headers(route, section);
    check_query(route, section);
    check_message(route, section);
}

/// Whoever reads a message must be able to: under permessage-deflate it is not text.
fn check_message(route: &Route, section: &Section<'_>) {
    let reads = route.carriers.message.is_some() || !route.credentials.message.is_empty();
    if reads && section.is_written("compression") && section.text("compression") == Some("pass") {
        let message =
            "the first message is read and rewritten: `compression` can only be \"refuse\"";
        section.reader.error(&section.at("compression"), message);
    }
}

/// A deadline for answers to pings that nobody sends would be a limit that is not enforced.
fn check_pings(route: &Route, section: &Section<'_>) {
    let limits = &route.limits;
    for (timeout, pong_timeout, interval, ping_interval) in [
        (
            "pong_timeout",
            limits.pong_timeout,
            "ping_interval",
            limits.ping_interval,
        ),
        (
            "upstream_pong_timeout",
            limits.upstream_pong_timeout,
            "upstream_ping_interval",
            limits.upstream_ping_interval,
        ),
    ] {
        if pong_timeout.is_some() && ping_interval.is_none() {
            let message = format!("nothing is pinged: `{interval}` is off");
            section.reader.error(&section.at(timeout), message);
        }
    }
}

/// A client must not be able to say what the credentials say.
fn check_headers(route: &Route, section: &Section<'_>) {
    let reader = section.reader;
    let is_credential = |name: &str| {
        let mut names = route.credentials.headers.keys();
        names.any(|credential| credential.eq_ignore_ascii_case(name))
    };
    for (path, name) in section.texts("header_allow").into_iter().flatten() {
        let name = name.to_ascii_lowercase();
        if is_credential(&name) {
            reader.error(&path, format!("`{name}` is a credential of this route"));
        } else if route.carriers.header.iter().any(|it| it.name == name) {
            let message = format!("`{name}` carries the token, which never goes upstream");
            reader.error(&path, message);
        } else if matches!(name.as_str(), "cookie" | "authorization") {
            let message = format!("the upstream will see what `{name}` says to this server");
            reader.warn(&path, message);
        }
    }
}

fn check_query(route: &Route, section: &Section<'_>) {
    let reader = section.reader;
    let fixed: Vec<_> = route
        .upstream
        .query
        .iter()
        .map(|(name, _)| plain(name))
        .collect();
    let credentials: Vec<_> = route
        .credentials
        .query
        .keys()
        .map(|name| fold(name))
        .collect();
    let credential_section = section.section("credentials").section("query");
    for name in route.credentials.query.keys() {
        if fixed.contains(&fold(name)) {
            let message = format!("`upstream` has a parameter `{name}` already");
            reader.error(&credential_section.at(name), message);
        }
    }
    for (path, name) in section.texts("query_allow").into_iter().flatten() {
        let folded = fold(name);
        let what = if credentials.contains(&folded) {
            "is a credential of this route"
        } else if fixed.contains(&folded) {
            "is set by `upstream`"
        } else if route
            .carriers
            .query
            .iter()
            .any(|it| fold(&it.name) == folded)
        {
            "carries the token, which never goes upstream"
        } else {
            continue;
        };
        reader.error(&path, format!("`{name}` {what}"));
    }
}

/// A query name as upstreams may understand it, whatever its spelling.
fn plain(encoded: &str) -> String {
    let mut pairs = form_urlencoded::parse(encoded.as_bytes());
    pairs
        .next()
        .map_or_else(String::new, |(name, _)| fold(&name))
}

fn fold(name: &str) -> String {
    name.to_lowercase()
}

/// Redemption takes a page a second.
const LONG_REDEMPTION: Duration = Duration::from_secs(300);

/// What libraries that cache a JWKS do by default, or less.
const USUAL_JWKS_CACHE: Duration = Duration::from_secs(300);

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn two_listeners_overlap_on_one_port_of_one_address() {
        let overlap = |a: &str, b: &str| overlap(a.parse().unwrap(), b.parse().unwrap());
        assert!(overlap("0.0.0.0:1", "127.0.0.1:1"));
        assert!(overlap("127.0.0.1:1", "127.0.0.1:1"));
        assert!(!overlap("127.0.0.1:1", "127.0.0.1:2"));
        assert!(!overlap("127.0.0.1:0", "127.0.0.1:0"));
    }
}
