//! A configured route, as the bridge and the mint need it.

use std::{
    borrow::Cow,
    collections::{BTreeMap, HashMap},
    sync::Arc,
    time::Duration,
};

use actix_web::{HttpRequest, http::header::HOST};
use regex_lite::Regex;
use tollbridge_credential::Credential;
use tollbridge_domain::{CallerName, Origin, RouteName};
use tollbridge_hook::Hook;
use tollbridge_relay::Limits;
use tollbridge_upstream::{Piece, Target, Tls};

use crate::{allow::Rule, carriers::Carriers, rate::Rate, sign::Sign};

/// Which pages may connect.
#[derive(Clone, Debug)]
pub enum Origins {
    /// Every page: `["*"]` is written out.
    Any,
    /// Exactly these.
    Only(Vec<Origin>),
}

impl Origins {
    /// Whether a page of this origin may connect.
    #[must_use]
    pub fn allows(&self, origin: &str) -> bool {
        match self {
            Self::Any => true,
            Self::Only(origins) => origins.iter().any(|known| known.as_str() == origin),
        }
    }
}

/// How holders of a genuine token are refused.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum RefuseBy {
    /// Accept-then-close where the request carries an `Origin`, HTTP otherwise.
    Auto,
    /// Always HTTP.
    Http,
    /// Always accept-then-close.
    Close,
}

/// What happens to an offer of permessage-deflate.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Compression {
    /// It goes upstream, the answer comes back.
    Pass,
    /// It is dropped.
    Refuse,
}

/// One declared upstream parameter.
#[derive(Clone, Debug)]
pub struct Param {
    /// The value where the mint gives none.
    pub default: Option<String>,
    /// The values it may have; `None` leaves it to the pattern.
    pub allow: Option<Vec<String>>,
    /// The anchored pattern it must match.
    pub pattern: Option<Regex>,
}

impl Param {
    /// Whether the value is within the allow-list and matches the pattern.
    #[must_use]
    pub fn accepts(&self, value: &str) -> bool {
        let listed = self
            .allow
            .as_ref()
            .is_none_or(|list| list.iter().any(|one| one == value));
        let matching = self
            .pattern
            .as_ref()
            .is_none_or(|pattern| pattern.is_match(value));
        listed && matching
    }
}

/// Ceilings that the admission checks; the relay's are in [`Limits`].
#[derive(Clone, Debug)]
pub struct Caps {
    /// Sessions of the route.
    pub sessions: Option<u32>,
    /// Sessions of one subject on the route.
    pub sessions_per_subject: Option<u32>,
}

/// One route.
pub struct Route {
    /// Its name.
    pub name: RouteName,
    /// Extra literal paths it answers at.
    pub paths: Vec<String>,
    /// Hosts at which it does, in lower case; empty: any that no other route of the path names.
    pub hosts: Vec<String>,
    /// Pages that may connect.
    pub origins: Origins,
    /// Whether a request without `Origin` is refused.
    pub require_origin: bool,
    /// Who may mint for it.
    pub callers: Vec<CallerName>,
    /// Who of them, and how much; empty: all of them, and all of it.
    pub allow: Vec<Rule>,
    /// Most sessions one token may open.
    pub max_uses: u32,
    /// Where tokens travel.
    pub carriers: Carriers,
    /// Names of the client's own query that pass.
    pub query_allow: Vec<String>,
    /// Client headers that pass, lower case.
    pub header_allow: Vec<String>,
    /// Declared parameters.
    pub params: BTreeMap<String, Param>,
    /// Subprotocols that may be offered; `None`: any.
    pub subprotocols: Option<Vec<String>>,
    /// Upstream response headers that are logged and returned, lower case.
    pub keep_response_headers: Vec<String>,
    /// How the holders of genuine tokens are refused.
    pub refuse: RefuseBy,
    /// What happens to permessage-deflate.
    pub compression: Compression,
    /// Where it leads.
    pub target: Target,
    /// Credentials that enter headers.
    pub credential_headers: Vec<(String, Vec<Piece>)>,
    /// Credentials that enter the query.
    pub credential_query: Vec<(String, Vec<Piece>)>,
    /// Credentials that enter the client's first message, by JSON pointer.
    pub credential_message: Vec<(String, Vec<Piece>)>,
    /// What is fetched before a dial: `{fetched}`, or the address.
    pub fetch: Option<Arc<Credential>>,
    /// How the address is signed.
    pub sign: Option<Sign>,
    /// TLS towards the upstream.
    pub tls: Tls,
    /// Deadline of DNS, TCP and TLS together, and of the whole dial with its answer.
    pub connect_timeout: Duration,
    /// Who is asked before each session.
    pub hook: Option<Hook>,
    /// Admission ceilings.
    pub caps: Caps,
    /// Connections a minute, for a subject and for an address.
    pub connects: Option<Rate>,
    /// The relay's limits.
    pub limits: Limits,
}

/// All routes of one generation of the configuration.
#[derive(Default)]
pub struct Table {
    by_name: BTreeMap<RouteName, Arc<Route>>,
    by_path: HashMap<String, Vec<Arc<Route>>>,
}

/// Path prefix under which every route answers by its name.
const BY_NAME: &str = "/v1/bridge/";

impl Table {
    /// Builds the table; the configuration has made sure that no path of a host occurs twice.
    #[must_use]
    pub fn new(routes: Vec<Route>) -> Self {
        let mut table = Self::default();
        for route in routes.into_iter().map(Arc::new) {
            for path in &route.paths {
                let here = table.by_path.entry(path.clone()).or_default();
                here.push(Arc::clone(&route));
            }
            table.by_name.insert(route.name.clone(), route);
        }
        table
    }

    /// Finds the route of a request by its path, and among those that share a literal path by its
    /// host.
    #[must_use]
    pub fn of(&self, req: &HttpRequest) -> Option<&Arc<Route>> {
        self.at(req.head().uri.path(), req)
    }

    /// As [`Table::of`], for another path of the same host.
    #[must_use]
    pub fn at(&self, path: &str, req: &HttpRequest) -> Option<&Arc<Route>> {
        self.find(path, || {
            let mut lines = req.headers().get_all(HOST);
            let line = lines.next().and_then(|line| line.to_str().ok());
            // Two hosts are none.
            line.filter(|_| lines.next().is_none()).unwrap_or_default()
        })
    }

    /// Finds a route by its raw path: an exact look-up, never a normalisation that another layer
    /// could do differently, but for slashes in a row, as one vendor's SDK sends them.
    pub fn find<'a>(&self, path: &str, host: impl FnOnce() -> &'a str) -> Option<&Arc<Route>> {
        if let Some(name) = path.strip_prefix(BY_NAME) {
            return self.by_name.get(name);
        }
        match self.by_path.get(&*collapsed(path))?.as_slice() {
            [only] if only.hosts.is_empty() => Some(only),
            routes => {
                let host = without_port(host()).to_ascii_lowercase();
                let named = routes.iter().find(|route| route.hosts.contains(&host));
                named.or_else(|| routes.iter().find(|route| route.hosts.is_empty()))
            }
        }
    }

    /// Whether a path is one that bridges.
    #[must_use]
    pub fn owns(&self, path: &str) -> bool {
        path.starts_with(BY_NAME) || self.by_path.contains_key(&*collapsed(path))
    }

    /// A route by its name.
    #[must_use]
    pub fn get(&self, name: &str) -> Option<&Arc<Route>> {
        self.by_name.get(name)
    }

    /// All of them, by name.
    pub fn iter(&self) -> impl Iterator<Item = &Arc<Route>> {
        self.by_name.values()
    }
}

/// A path with single slashes.
fn collapsed(path: &str) -> Cow<'_, str> {
    if !path.contains("//") {
        return Cow::Borrowed(path);
    }
    let mut plain = String::with_capacity(path.len());
    for letter in path.chars() {
        if letter != '/' || !plain.ends_with('/') {
            plain.push(letter);
        }
    }
    Cow::Owned(plain)
}

/// The host of a `Host` header (RFC 9110, 7.2), the brackets of an IPv6 address included.
fn without_port(host: &str) -> &str {
    match host.rsplit_once(':') {
        Some((name, port)) if port.bytes().all(|digit| digit.is_ascii_digit()) => name,
        _ => host,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn slashes_in_a_row_are_one() {
        assert_eq!(collapsed("//ws/a"), "/ws/a");
        assert_eq!(collapsed("/a///b/"), "/a/b/");
        assert!(matches!(collapsed("/a/b"), Cow::Borrowed("/a/b")));
    }

    #[test]
    fn a_port_is_no_part_of_a_host() {
        assert_eq!(without_port("a.test:8080"), "a.test");
        assert_eq!(without_port("a.test"), "a.test");
        assert_eq!(without_port("[::1]:80"), "[::1]");
        assert_eq!(without_port("[::1]"), "[::1]");
    }
}
