//! One route, from what is written down.

use std::{collections::BTreeMap, fs, sync::Arc, time::Duration};

use regex_lite::Regex;
use tollbridge_config as written;
use tollbridge_http::{
    Caps, Carriers, Compression, InMessage, InSubprotocol, Named, Origins, Param, RefuseBy, Route,
};
use tollbridge_relay::{IdleCounts, Limits, Pings};
use tollbridge_upstream::{Known, Part, Piece, Scheme, Target, Tls};

use super::{Before, WireError, allow, engines, hook, rate};
use crate::secrets;

pub(super) fn route(
    name: &tollbridge_domain::RouteName,
    written: &written::Route,
    before: Option<Before<'_>>,
) -> Result<Route, WireError> {
    let fail = |key: &str, why: String| WireError {
        key: format!("routes.{name}.{key}"),
        why,
    };
    let ca = written
        .ca
        .as_ref()
        .map(fs::read)
        .transpose()
        .map_err(|error| fail("ca", error.to_string()))?;
    Ok(Route {
        name: name.clone(),
        paths: written.paths.clone(),
        hosts: written.hosts.clone(),
        origins: match &written.origins {
            written::Origins::Any => Origins::Any,
            written::Origins::List(list) => Origins::Only(list.clone()),
        },
        require_origin: written.require_origin,
        callers: written.callers.clone(),
        allow: allow::rules(&written.allow),
        max_uses: written.max_uses,
        carriers: carriers(written),
        query_allow: written.query_allow.clone(),
        header_allow: written.header_allow.clone(),
        params: params(written).map_err(|(key, why)| fail(&key, why))?,
        subprotocols: written.subprotocols.clone(),
        keep_response_headers: written.keep_response_headers.clone(),
        refuse: match written.refuse {
            written::Refuse::Auto => RefuseBy::Auto,
            written::Refuse::Http => RefuseBy::Http,
            written::Refuse::Close => RefuseBy::Close,
        },
        compression: match written.compression {
            written::Compression::Pass => Compression::Pass,
            written::Compression::Refuse => Compression::Refuse,
        },
        target: target(&written.upstream),
        credential_headers: credentials(&written.credentials.headers)
            .map_err(|(key, why)| fail(&format!("credentials.headers.{key}"), why))?,
        credential_query: credentials(&written.credentials.query)
            .map_err(|(key, why)| fail(&format!("credentials.query.{key}"), why))?,
        credential_message: credentials(&written.credentials.message)
            .map_err(|(key, why)| fail(&format!("credentials.message.{key}"), why))?,
        fetch: match before.and_then(|before| engines::kept(name, written, before)) {
            Some(kept) => Some(kept),
            None => written
                .credentials
                .fetch
                .as_ref()
                .map(|fetch| engines::fetch(fetch, written.limits.connect_timeout, ca.as_deref()))
                .transpose()
                .map_err(|why| fail("credentials", why))?
                .map(Arc::new),
        },
        sign: written
            .credentials
            .sign
            .as_ref()
            .map(engines::sign)
            .transpose()
            .map_err(|why| fail("credentials", why))?,
        tls: Tls::new(ca.as_deref()).map_err(|error| fail("ca", tollbridge_http::chain(&error)))?,
        connect_timeout: written.limits.connect_timeout,
        hook: written
            .hook
            .as_ref()
            .map(hook::hook)
            .transpose()
            .map_err(|why| fail("hook", why))?,
        caps: Caps {
            sessions: written.limits.sessions,
            sessions_per_subject: written.limits.sessions_per_subject,
        },
        connects: rate(written.limits.connects_per_minute),
        limits: limits(&written.limits),
    })
}

fn carriers(written: &written::Route) -> Carriers {
    let named = |carriers: &[written::NamedCarrier]| {
        let carriers = carriers.iter().map(|carrier| Named {
            name: carrier.name.clone(),
            before: carrier.before.clone(),
        });
        carriers.collect()
    };
    let carriers = &written.carriers;
    Carriers {
        query: named(&carriers.query),
        header: named(&carriers.header),
        subprotocol: carriers
            .subprotocol
            .iter()
            .map(|carrier| InSubprotocol {
                before: carrier.before.clone(),
                base64url: carrier.base64url,
            })
            .collect(),
        pairs: carriers.subprotocol_pair.clone(),
        message: carriers.message.as_ref().map(|message| InMessage {
            field: message.field.to_string(),
            timeout: message.timeout,
            max: usize::try_from(message.max).unwrap_or(usize::MAX),
            greeting: message.greeting.clone(),
        }),
        prefix: written.token_prefix.clone(),
    }
}

fn limits(written: &written::Limits) -> Limits {
    Limits {
        max_session: written.max_session,
        idle_timeout: written.idle_timeout,
        client_idle_timeout: written.client_idle_timeout,
        upstream_idle_timeout: written.upstream_idle_timeout,
        idle_counts: match written.idle_counts {
            written::IdleCounts::Data => IdleCounts::Data,
            written::IdleCounts::Control => IdleCounts::Control,
        },
        max_frame: written.max_frame,
        max_message: written.max_message,
        max_fragments: written.max_fragments,
        bytes_per_session: written.bytes_per_session,
        write_timeout: written.write_timeout,
        client_pings: pings(written.ping_interval, written.pong_timeout),
        upstream_pings: pings(
            written.upstream_ping_interval,
            written.upstream_pong_timeout,
        ),
    }
}

/// A pong may take as long as the next ping does, unless something else is written.
fn pings(interval: Option<Duration>, pong_timeout: Option<Duration>) -> Option<Pings> {
    let interval = interval?;
    Some(Pings {
        interval,
        pong_timeout: pong_timeout.unwrap_or(interval),
    })
}

type Keyed<T> = Result<T, (String, String)>;

fn params(written: &written::Route) -> Keyed<BTreeMap<String, Param>> {
    written
        .params
        .iter()
        .map(|(name, param)| {
            let pattern = param
                .pattern
                .as_ref()
                .map(|pattern| Regex::new(pattern))
                .transpose()
                .map_err(|error| (format!("params.{name}.pattern"), error.to_string()))?;
            let declared = Param {
                default: param.default.clone(),
                allow: param.allow.clone(),
                pattern,
            };
            Ok((name.clone(), declared))
        })
        .collect()
}

fn credentials<'a, N: ToString + 'a>(
    written: impl IntoIterator<Item = (&'a N, &'a written::ValueTemplate)>,
) -> Keyed<Vec<(String, Vec<Piece>)>> {
    written
        .into_iter()
        .map(|(name, template)| {
            let name = name.to_string();
            let pieces = secrets::pieces(template).map_err(|why| (name.clone(), why))?;
            Ok((name, pieces))
        })
        .collect()
}

fn target(written: &written::UrlTemplate) -> Target {
    Target {
        scheme: match written.scheme {
            written::Scheme::Ws => Scheme::Ws,
            written::Scheme::Wss => Scheme::Wss,
        },
        host: written.host.clone(),
        port: written.port,
        path: written.path.iter().map(part).collect(),
        query: written
            .query
            .iter()
            .map(|(name, parts)| (name.clone(), parts.iter().map(part).collect()))
            .collect(),
        known: Known::default(),
    }
}

fn part(written: &written::TextOrParam) -> Part {
    match written {
        written::TextOrParam::Text(text) => Part::Text(text.clone()),
        written::TextOrParam::Param(name) => Part::Param(name.clone()),
    }
}
