//! For which request a proxy asks, and for which route.

use actix_web::{HttpRequest, http::header::HeaderMap};
use tollbridge_domain::Slug;

use super::{handshake, refusal::Refusal};
use crate::query::{Occurrence, Query};

/// Our own address; what stands behind it is the address that Envoy was asked for.
pub(crate) const HERE: &str = "/v1/forward-auth";

/// How proxies say what they were asked for: Traefik and Caddy, nginx.
const TARGETS: [&str; 2] = ["x-forwarded-uri", "x-original-uri"];

/// How one that cannot write a query says which route it guards.
const ROUTE: &str = "x-tollbridge-route";

/// A proxy's question.
pub(crate) struct Asked {
    /// The query of the request that the proxy has before it.
    pub(crate) query: String,
    /// The one route whose tokens count; without it, any.
    pub(crate) route: Option<String>,
    /// The subprotocols of that request.
    pub(crate) offered: Vec<String>,
}

impl Asked {
    /// Reads the question. Nothing of it is a choice: who says something twice says it alike.
    pub(crate) fn of(req: &HttpRequest) -> Result<Self, Refusal> {
        let headers = req.headers();
        let own = req.head().uri.path_and_query();
        let own = own.map_or("", |own| own.as_str());
        let behind = own.strip_prefix(HERE).filter(|rest| rest.starts_with('/'));
        let mut targets = behind.into_iter().map(str::to_owned).collect::<Vec<_>>();
        for name in TARGETS {
            targets.extend(single(headers, name)?);
        }
        let Some(target) = targets.pop() else {
            let why = "the proxy does not say for which address it asks";
            return Err(bad(why));
        };
        if targets.iter().any(|other| *other != target) {
            return Err(bad("the proxy asks for two addresses"));
        }
        // Where it ends at a fragment for one reader, it goes on for another.
        if target.contains('#') {
            return Err(bad("the address has a fragment"));
        }
        let query = target.split_once('?').map_or("", |(_, query)| query);
        Ok(Self {
            query: query.to_owned(),
            route: route(
                headers,
                behind.map_or_else(|| req.query_string(), |_theirs| ""),
            )?,
            offered: handshake::offered(headers).map_err(|problem| bad(&problem.detail))?,
        })
    }
}

/// The route that our own query names, or the header. A client's header comes through most proxies;
/// it can only make the choice smaller.
fn route(headers: &HeaderMap, own_query: &str) -> Result<Option<String>, Refusal> {
    let query = Query::parse(own_query).map_err(|error| bad(&error.to_string()))?;
    let in_query = match query.get("route") {
        // A proxy that passes on its client's query would let the client choose.
        _ if !query.has_only("route") => return Err(bad("only `route` may be in the query")),
        Occurrence::Repeated => return Err(bad("the proxy guards two routes")),
        Occurrence::Once(name) => Some(name.to_owned()),
        Occurrence::Absent => None,
    };
    let in_header = single(headers, ROUTE)?;
    match (in_query, in_header) {
        (Some(one), Some(other)) if one != other => Err(bad("the proxy guards two routes")),
        (in_query, in_header) => Ok(in_query.or(in_header)),
    }
}

fn single(headers: &HeaderMap, name: &str) -> Result<Option<String>, Refusal> {
    let mut lines = headers.get_all(name);
    let Some(line) = lines.next() else {
        return Ok(None);
    };
    let text = line.to_str().ok().filter(|_| lines.next().is_none());
    let text = text.ok_or_else(|| bad("a header stands twice or is no text"))?;
    Ok(Some(text.to_owned()))
}

fn bad(why: &str) -> Refusal {
    Refusal::stranger(Slug::BadRequest, why)
}
