//! A configured route, as the bridge and the mint need it.

use std::{
    collections::{BTreeMap, HashMap},
    sync::Arc,
    time::Duration,
};

use regex_lite::Regex;
use tollbridge_domain::{CallerName, Origin, RouteName};
use tollbridge_relay::Limits;
use tollbridge_upstream::{Piece, Target, Tls};

use crate::rate::Rate;

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
    /// Pages that may connect.
    pub origins: Origins,
    /// Whether a request without `Origin` is refused.
    pub require_origin: bool,
    /// Who may mint for it.
    pub callers: Vec<CallerName>,
    /// Most sessions one token may open.
    pub max_uses: u32,
    /// Query names that carry a token.
    pub carriers: Vec<String>,
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
    /// TLS towards the upstream.
    pub tls: Tls,
    /// Deadline of DNS, TCP and TLS together, and of the whole dial with its answer.
    pub connect_timeout: Duration,
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
    by_path: HashMap<String, Arc<Route>>,
}

/// Path prefix under which every route answers by its name.
const BY_NAME: &str = "/v1/bridge/";

impl Table {
    /// Builds the table; the configuration has made sure that no path occurs twice.
    #[must_use]
    pub fn new(routes: Vec<Route>) -> Self {
        let mut table = Self::default();
        for route in routes.into_iter().map(Arc::new) {
            for path in &route.paths {
                table.by_path.insert(path.clone(), Arc::clone(&route));
            }
            table.by_name.insert(route.name.clone(), route);
        }
        table
    }

    /// Finds the route of a request by its raw path: an exact look-up, never a normalisation that
    /// another layer could do differently.
    #[must_use]
    pub fn find(&self, path: &str) -> Option<&Arc<Route>> {
        match path.strip_prefix(BY_NAME) {
            Some(name) => self.by_name.get(name),
            None => self.by_path.get(path),
        }
    }

    /// Whether a path is one that bridges.
    #[must_use]
    pub fn owns(&self, path: &str) -> bool {
        path.starts_with(BY_NAME) || self.by_path.contains_key(path)
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
