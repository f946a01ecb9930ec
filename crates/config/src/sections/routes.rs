//! `[routes.NAME]`

use std::{collections::BTreeMap, fs::File, path::PathBuf};

use tollbridge_domain::{CallerName, Origin, RouteName};

use super::{allow, carriers, credentials, headers, hook, limits, params};
use crate::{
    names::did_you_mean,
    preset::Preset,
    reader::Section,
    settings::{Compression, Origins, Refuse, Route},
    url_template::UrlTemplate,
};

/// Reads all routes; those that cannot be read are left out, and reported.
pub(crate) fn read(section: &Section<'_>, root: &Section<'_>) -> BTreeMap<RouteName, Route> {
    let routes = section.sections();
    routes
        .filter_map(|(name, route)| {
            let name = RouteName::parse(name)
                .map_err(|error| section.reader.error(&route.path, error))
                .ok();
            let route = read_one(&route, root);
            Some((name?, route?))
        })
        .collect()
}

fn read_one(section: &Section<'_>, root: &Section<'_>) -> Option<Route> {
    let preset = section.parsed("preset", Preset::find);
    section.require("upstream", &wanted_upstream(preset));
    let upstream = section.parsed("upstream", UrlTemplate::parse);
    let params = params::read(&section.section("params"), section, upstream.as_ref());
    let origins = origins(section);
    let carriers = carriers::read(&section.section("carriers"));
    let credentials = credentials::read(&section.section("credentials"));
    // A message that the bridge reads must be text on the wire.
    let reads = carriers.message.is_some() || !credentials.message.is_empty();
    let route = Route {
        preset: preset.map(|preset| preset.name().to_owned()),
        paths: section.parsed_list("paths", literal_path),
        hosts: section.parsed_list("hosts", host),
        token_prefix: section.defaulted("token_prefix", token_prefix),
        callers: callers(section, root),
        max_uses: section.defaulted_count("max_uses"),
        query_allow: section.parsed_list("query_allow", headers::query_name),
        header_allow: section.parsed_list("header_allow", headers::end_to_end),
        params,
        carriers,
        require_origin: section.flag("require_origin"),
        refuse: section.defaulted("refuse", Refuse::parse),
        compression: if reads {
            Compression::Refuse
        } else {
            section.defaulted("compression", Compression::parse)
        },
        keep_response_headers: section.parsed_list("keep_response_headers", headers::returnable),
        subprotocols: section
            .holds("subprotocols")
            .then(|| section.parsed_list("subprotocols", headers::subprotocol)),
        ca: authorities(section),
        credentials,
        hook: hook::read(section),
        limits: limits::read(&section.section("limits")),
        allow: allow::read(section),
        origins: origins?,
        upstream: upstream?,
    };
    Some(route)
}

fn origins(section: &Section<'_>) -> Option<Origins> {
    section.require(
        "origins",
        "list the pages that may connect, or write [\"*\"] for any",
    );
    let texts = section.texts("origins")?;
    let path = section.at("origins");
    if texts.iter().any(|(_, text)| *text == "*") {
        if texts.len() > 1 {
            section
                .reader
                .error(&path, "\"*\" is any origin and stands alone");
        }
        section
            .reader
            .warn(&path, "pages of any origin may connect");
        return Some(Origins::Any);
    }
    if texts.is_empty() {
        let message = "an empty list lets no page connect; [\"*\"] is any";
        section.reader.error(&path, message);
    }
    Some(Origins::List(section.parsed_list("origins", Origin::parse)))
}

fn callers(section: &Section<'_>, root: &Section<'_>) -> Vec<CallerName> {
    section.require(
        "callers",
        "name those of [callers.NAME] that may mint for this route",
    );
    let known = root.section("callers");
    if section
        .texts("callers")
        .is_some_and(|names| names.is_empty())
    {
        section
            .reader
            .error(&section.at("callers"), "nobody may mint for this route");
    }
    for (path, name) in section.texts("callers").into_iter().flatten() {
        if !known.is_written(name) && !known.holds(name) {
            let hint = did_you_mean(name, known.sections().map(|(name, _)| name));
            let message = format!("no caller {name:?} is configured");
            section.reader.error_with_hint(&path, message, hint);
        }
    }
    let names = section.texts("callers").into_iter().flatten();
    names
        .filter_map(|(_, name)| CallerName::parse(name).ok())
        .collect()
}

/// What `upstream` is, with the preset's example where only the user knows the address.
fn wanted_upstream(preset: Option<&Preset>) -> String {
    let example = preset.and_then(|preset| preset.init.get("upstream")?.as_str());
    example.map_or_else(
        || "the ws or wss URL to dial".to_owned(),
        |example| format!("the ws or wss URL to dial, as {example:?}"),
    )
}

/// A host as browsers send it, without a port.
fn host(text: &str) -> Result<String, String> {
    let plain = !text.contains(['/', '@', '?', '#', '%']) && text == text.trim();
    url::Host::parse(text)
        .ok()
        .filter(|_| plain)
        .map(|host| host.to_string())
        .ok_or_else(|| format!("{text:?} is not a host name, without a scheme and a port"))
}

/// What may stand in front of a token: characters of a token, so that every carrier takes both.
fn token_prefix(text: &str) -> Result<String, String> {
    let fits = text.len() <= 16
        && text
            .bytes()
            .all(|byte| byte.is_ascii_alphanumeric() || b"._~-".contains(&byte));
    // A token itself starts like this: one without the prefix would be cut.
    let like_a_token = text.starts_with("eyJ") || "eyJ".starts_with(text);
    if text.is_empty() || fits && !like_a_token {
        Ok(text.to_owned())
    } else {
        Err(format!(
            "{text:?} is not a prefix: at most 16 of A-Z, a-z, 0-9 and . _ ~ -, and not how a token itself starts"
        ))
    }
}

/// A path as it comes in a request line; what the bridge itself serves is not to be had.
fn literal_path(text: &str) -> Result<String, String> {
    let is_path = text.starts_with('/')
        && text
            .bytes()
            .all(|byte| byte.is_ascii_alphanumeric() || b"-._~!$&'()*+,;=:@/".contains(&byte));
    let is_plain =
        !text.split('/').any(|segment| matches!(segment, "." | "..")) && !text.contains("//");
    if !is_path || !is_plain || text.len() < 2 {
        return Err(format!(
            "{text:?} is not a path: it starts with / and has no query, no placeholder, no \
             percent-encoding and no dot segment"
        ));
    }
    let is_ours = OURS
        .iter()
        .any(|ours| text.strip_prefix(ours).is_some_and(is_segment_end));
    if is_ours {
        return Err(format!("{text:?} is a path of the bridge itself"));
    }
    Ok(text.to_owned())
}

fn is_segment_end(rest: &str) -> bool {
    rest.is_empty() || rest.starts_with('/')
}

/// The file that `ca` names.
pub(super) fn authorities(section: &Section<'_>) -> Option<PathBuf> {
    let text = section.text("ca")?;
    let path = text.strip_prefix("file:").unwrap_or(text);
    let path = section.reader.base.join(path);
    if section.reader.look {
        let opened = File::open(&path);
        if let Err(error) = opened {
            let message = format!("{} cannot be read: {error}", path.display());
            section.reader.error(&section.at("ca"), message);
        }
    }
    Some(path)
}

/// Paths, with all that is below them, that the public listener answers by itself or that the
/// contract keeps for it. The rest of `/v1` is free: vendors' SDKs insist on `/v1/realtime` or
/// `/v1/listen`.
const OURS: &[&str] = &[
    "/.well-known",
    "/client",
    "/livez",
    "/readyz",
    "/socket.io",
    "/v1/bridge",
    "/v1/forward-auth",
    "/v1/oauth",
    "/v1/openapi.json",
    "/v1/realtime/client_secrets",
    "/v1/tokens",
];

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_literal_path_is_what_a_request_line_has() {
        for good in [
            "/voice-live/realtime",
            "/v10",
            "/v1/realtime",
            "/v1/listen",
            "/openai/v1/realtime",
            "/clients",
        ] {
            assert!(literal_path(good).is_ok(), "{good}");
        }
        for bad in [
            "",
            "/",
            "a",
            "/a?b",
            "/a#b",
            "/{a}",
            "/a/../b",
            "//a",
            "/a%2fb",
            "/v1/tokens",
            "/v1/bridge/x",
            "/v1/realtime/client_secrets",
            "/livez",
            "/.well-known/x",
            "/client/x",
            "/a b",
        ] {
            assert!(literal_path(bad).is_err(), "{bad:?}");
        }
    }
}
