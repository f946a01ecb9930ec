//! `[server]`, `[admin]` and `[log]`.

use std::{net::IpAddr, num::NonZero, thread};

use ipnet::IpNet;
use url::Url;

use super::{headers, tls};
use crate::{
    names::did_you_mean,
    reader::{Section, size},
    settings::{Admin, Log, LogFormat, Server},
    units,
};

/// Reads `[server]`.
pub(crate) fn read_server(section: &Section<'_>) -> Server {
    Server {
        listen: section.defaulted("listen", address),
        public_url: section.parsed("public_url", public_url),
        workers: section.count("workers").unwrap_or_else(cores),
        trusted_proxies: section.parsed_list("trusted_proxies", network),
        forwarded_header: section.defaulted("forwarded_header", headers::name),
        max_sessions: section.defaulted_count("max_sessions"),
        drain_window: section.defaulted("drain_window", units::duration),
        handshake_timeout: section.duration("handshake_timeout"),
        max_body: section.defaulted("max_body", size),
        tls: tls::read(section),
    }
}

/// Reads `[admin]`.
pub(crate) fn read_admin(section: &Section<'_>) -> Admin {
    Admin {
        listen: section.defaulted("listen", address),
    }
}

/// Reads `[log]`.
pub(crate) fn read_log(section: &Section<'_>) -> Log {
    Log {
        format: section.defaulted("format", LogFormat::parse),
        level: section.defaulted("level", level),
    }
}

fn address(text: &str) -> Result<std::net::SocketAddr, String> {
    text.parse()
        .map_err(|_reason| format!("{text:?} is not an address and a port, as \"127.0.0.1:8080\""))
}

fn network(text: &str) -> Result<IpNet, String> {
    let one = text.parse::<IpAddr>().map(IpNet::from);
    text.parse()
        .or(one)
        .map_err(|_reason| format!("{text:?} is not an IP network, as \"10.0.0.0/8\""))
}

/// A slash at the end goes; what is glued to it begins with one.
fn public_url(text: &str) -> Result<String, &'static str> {
    const RULE: &str = "public_url is http:// or https://, a host, and perhaps a path";
    let url = Url::parse(text).map_err(|_reason| RULE)?;
    let is_web = matches!(url.scheme(), "http" | "https") && url.has_host();
    let is_bare = url.query().is_none()
        && url.fragment().is_none()
        && url.username().is_empty()
        && url.password().is_none();
    if is_web && is_bare {
        Ok(url.as_str().trim_end_matches('/').to_owned())
    } else {
        Err(RULE)
    }
}

/// A level, or `target=level`, several separated by commas.
fn level(text: &str) -> Result<String, String> {
    for directive in text.split(',') {
        let (target, level) = match directive.trim().split_once('=') {
            Some((target, level)) => (Some(target), level),
            None => (None, directive.trim()),
        };
        let is_target = |target: &str| {
            !target.is_empty()
                && target
                    .bytes()
                    .all(|byte| byte.is_ascii_alphanumeric() || b"_:-".contains(&byte))
        };
        if !LEVELS.contains(&level) {
            let hint = did_you_mean(level, LEVELS.iter().copied());
            let hint = hint.map_or_else(String::new, |hint| format!(", {hint}"));
            return Err(format!("{level:?} is not a log level{hint}"));
        }
        if !target.is_none_or(is_target) {
            return Err("a log filter is `level` or `target=level`".to_owned());
        }
    }
    Ok(text.to_owned())
}

fn cores() -> usize {
    thread::available_parallelism().map_or(1, NonZero::get)
}

const LEVELS: &[&str] = &["off", "error", "warn", "info", "debug", "trace"];

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_public_url_has_no_slash_at_its_end_and_nothing_beyond_a_path() {
        let read = |text| public_url(text).ok();
        assert_eq!(
            read("https://a.example/").as_deref(),
            Some("https://a.example")
        );
        assert_eq!(read("http://a:1/b/").as_deref(), Some("http://a:1/b"));
        for bad in [
            "a.example",
            "ws://a",
            "https://u@a",
            "https://a/?b",
            "https://a/#c",
            "",
        ] {
            assert!(public_url(bad).is_err(), "{bad:?}");
        }
    }

    #[test]
    fn a_log_level_may_be_set_by_target() {
        assert!(level("info,tollbridge_relay=trace").is_ok());
        assert!(level("inof").unwrap_err().contains("`info`"));
        assert!(level("=info").is_err());
        assert!(level("").is_err());
    }

    #[test]
    fn one_address_is_a_network_of_one() {
        assert_eq!(network("10.0.0.1").unwrap().to_string(), "10.0.0.1/32");
        assert!(network("10.0.0.0/33").is_err());
    }
}
