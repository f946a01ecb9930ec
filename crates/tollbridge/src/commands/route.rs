//! `tollbridge route …`

use tollbridge_domain::{Params, SystemClock};
use tollbridge_http::{Probe, Route};
use tollbridge_keyring::RingEntropy;

use crate::{
    cli::{Common, RouteTest, Routes},
    failure::Failure,
    local, output,
};

pub(super) async fn run(common: Common, command: Routes) -> Result<(), Failure> {
    let Routes::Test(ask) = command;
    let settings = local::load(&common.config)?.settings;
    let generation = tollbridge_node::generation(&settings, 0, settings.server.listen, None, None)
        .map_err(|error| Failure::Configuration(error.to_string()))?;
    let route = generation
        .routes
        .get(&ask.name)
        .ok_or_else(|| Failure::Usage(format!("there is no route named {}", ask.name)))?;
    let params = params(route, &ask)?;
    let probe = tollbridge_http::probe(
        route,
        &params,
        ask.protocols.clone(),
        &SystemClock,
        &RingEntropy::default(),
    )
    .await;
    output::data(&if common.json {
        as_json(&probe)
    } else {
        in_words(&probe)
    });
    match probe.refused {
        None => Ok(()),
        Some(slug) => Err(Failure::Negative(format!("{slug}: {}", probe.reason))),
    }
}

/// What a mint would have taken: declared, allowed, defaults filled in.
fn params(route: &Route, ask: &RouteTest) -> Result<Params, Failure> {
    let mut params = Params::new();
    for pair in &ask.params {
        let (name, value) = pair
            .split_once('=')
            .ok_or_else(|| Failure::Usage("--param takes NAME=VALUE".to_owned()))?;
        let declared = route.params.get(name).ok_or_else(|| {
            Failure::Usage(format!("{name} is not a parameter of route {}", ask.name))
        })?;
        if !declared.accepts(value) {
            let why = format!("{name} may not be {value:?} on route {}", ask.name);
            return Err(Failure::Usage(why));
        }
        params.insert(name.to_owned(), value.to_owned());
    }
    for (name, declared) in &route.params {
        if let (false, Some(default)) = (params.contains_key(name), &declared.default) {
            params.insert(name.clone(), default.clone());
        }
    }
    Ok(params)
}

fn in_words(probe: &Probe) -> String {
    let mut rows = vec![("upstream", probe.target.clone())];
    if let Some(status) = probe.status {
        rows.push(("status", status.to_string()));
    }
    if let Some(protocol) = &probe.protocol {
        rows.push(("subprotocol", protocol.clone()));
    }
    if !probe.request_ids.is_empty() {
        rows.push(("request ids", probe.request_ids.clone()));
    }
    for (name, value) in &probe.kept {
        rows.push(("returned", format!("{name}: {value}")));
    }
    if !probe.body.is_empty() {
        rows.push(("body", probe.body.clone()));
    }
    rows.push(("took", format!("{} ms", probe.took.as_millis())));
    let verdict = probe.refused.map_or_else(
        || "a session would begin".to_owned(),
        |slug| format!("a client would be told {slug}"),
    );
    rows.push(("verdict", verdict));
    let lines: Vec<String> = rows
        .iter()
        .map(|(name, value)| format!("{name:<12} {value}"))
        .collect();
    lines.join("\n")
}

fn as_json(probe: &Probe) -> String {
    let kept: serde_json::Map<_, _> = probe
        .kept
        .iter()
        .map(|(name, value)| (name.clone(), value.clone().into()))
        .collect();
    serde_json::json!({
        "upstream": probe.target,
        "status": probe.status,
        "refused": probe.refused.map(tollbridge_domain::Slug::as_str),
        "reason": probe.reason,
        "subprotocol": probe.protocol,
        "request_ids": probe.request_ids,
        "returned": kept,
        "body": probe.body,
        "took_ms": u64::try_from(probe.took.as_millis()).unwrap_or(u64::MAX),
    })
    .to_string()
}
