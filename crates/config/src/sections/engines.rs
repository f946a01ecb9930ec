//! `[routes.NAME.credentials.ENGINE]`: credentials that are fetched, and addresses that are signed.

use std::{collections::BTreeMap, time::Duration};

use tollbridge_domain::is_this_machine;
use url::Url;

use super::{credentials::values, headers};
use crate::{
    json_pointer::JsonPointer,
    reader::Section,
    secret_ref::SecretRef,
    settings::{Fetch, Sign, Yields},
    value_template::{Part, ValueTemplate},
};

/// The engine that fetches, if one is written; more than one is reported.
pub(crate) fn fetch(section: &Section<'_>) -> Option<Fetch> {
    let engines: [Engine<Fetch>; 6] = [
        ("oauth2", oauth2),
        ("azure_managed_identity", azure_managed_identity),
        ("gcp_metadata", gcp_metadata),
        ("gcp_service_account", gcp_service_account),
        ("token_url", token_url),
        ("token_command", token_command),
    ];
    one_of(section, &engines)
}

/// The engine that signs, if one is written.
pub(crate) fn sign(section: &Section<'_>) -> Option<Sign> {
    let engines: [Engine<Sign>; 2] = [("hmac_url", hmac_url), ("sigv4", sigv4)];
    one_of(section, &engines)
}

/// An engine's name and how its section is read.
type Engine<T> = (&'static str, fn(&Section<'_>) -> Option<T>);

fn one_of<T>(section: &Section<'_>, engines: &[Engine<T>]) -> Option<T> {
    let mut written = engines.iter().filter(|(name, _)| section.holds(name));
    let (first, read) = written.next()?;
    for (other, _) in written {
        let message = format!("`{first}` is there already, and a route has one of them");
        section.reader.error(&section.at(other), message);
    }
    read(&section.section(first))
}

fn oauth2(section: &Section<'_>) -> Option<Fetch> {
    section.require("token_url", "where tokens are had");
    section.require("client_id", "who asks for them");
    section.require("client_secret", "what proves it");
    Some(Fetch::OAuth2 {
        token_url: section.parsed("token_url", guarded)?,
        client_id: section.text("client_id")?.to_owned(),
        client_secret: secret(section, "client_secret")?,
        scope: owned(section, "scope"),
        audience: owned(section, "audience"),
        basic: section.text("auth") == Some("basic"),
    })
}

fn azure_managed_identity(section: &Section<'_>) -> Option<Fetch> {
    section.require(
        "resource",
        "whom the token is for, as \"https://ai.azure.com\"",
    );
    Some(Fetch::AzureManagedIdentity {
        resource: section.text("resource")?.to_owned(),
        client_id: owned(section, "client_id"),
        endpoint: section.parsed("endpoint", address),
    })
}

fn gcp_metadata(section: &Section<'_>) -> Option<Fetch> {
    Some(Fetch::GcpMetadata {
        scopes: section.parsed_list("scopes", |text| Ok::<_, String>(text.to_owned())),
        endpoint: section.parsed("endpoint", address),
    })
}

fn gcp_service_account(section: &Section<'_>) -> Option<Fetch> {
    section.require("key", "the JSON file that Google gives out");
    Some(Fetch::GcpServiceAccount {
        key: secret(section, "key")?,
        scope: owned(section, "scope").unwrap_or_else(|| GCP_SCOPE.to_owned()),
        token_url: section.parsed("token_url", guarded),
    })
}

fn token_url(section: &Section<'_>) -> Option<Fetch> {
    section.require("url", "what is called");
    let body = section.parsed("body", |text| {
        serde_json::from_str::<serde_json::Value>(text)
            .map(|_json| text.to_owned())
            .map_err(|error| format!("not JSON: {error}"))
    });
    let post = match section.text("method") {
        Some(method) => method == "POST",
        None => body.is_some(),
    };
    if body.is_some() && !post {
        section
            .reader
            .error(&section.at("body"), "a GET has no body");
    }
    let token = section
        .parsed("token", JsonPointer::parse)
        .map(Yields::Token);
    let upstream = section
        .parsed("upstream_url", JsonPointer::parse)
        .map(Yields::Upstream);
    let yields = match (token, upstream) {
        (Some(_), Some(_)) => {
            let message = "`token` or `upstream_url`, not both";
            section.reader.error(&section.path, message);
            None
        }
        (None, None) if section.holds("token") || section.holds("upstream_url") => None,
        (None, None) => {
            let message = "says neither where the `token` is nor where the `upstream_url`";
            section.reader.error(&section.path, message);
            None
        }
        (token, upstream) => token.or(upstream),
    };
    Some(Fetch::TokenUrl {
        url: section.parsed("url", guarded)?,
        post,
        headers: standing(&section.section("headers")),
        body,
        yields: yields?,
        expires_in: section.parsed("expires_in", JsonPointer::parse),
        cache_for: section.optional_duration("cache_for").unwrap_or_default(),
    })
}

/// Headers of a call that is made for no session in particular.
fn standing(section: &Section<'_>) -> BTreeMap<String, ValueTemplate> {
    let values = values(section, |name| {
        headers::end_to_end(name).map(|_lower_case| name.to_owned())
    });
    super::credentials::check_twins(section);
    for (name, value) in &values {
        let mut parts = value.parts.iter();
        if !parts.all(|part| matches!(part, Part::Text(_) | Part::Secret(_))) {
            let message = "this call is made for no session in particular: text and secrets only";
            section.reader.error(&section.at(name), message);
        }
    }
    values
}

fn token_command(section: &Section<'_>) -> Option<Fetch> {
    let command = section.parsed_list("command", |text| Ok::<_, String>(text.to_owned()));
    if command.is_empty() {
        let message = "`command` is missing: the program, then its arguments";
        section.reader.error(&section.path, message);
        return None;
    }
    Some(Fetch::TokenCommand {
        command,
        timeout: section
            .positive_duration("timeout")
            .unwrap_or(COMMAND_PATIENCE),
        cache_for: section
            .positive_duration("cache_for")
            .unwrap_or(COMMAND_CACHE),
    })
}

fn hmac_url(section: &Section<'_>) -> Option<Sign> {
    section.require("key", "`APIKey`");
    section.require("secret", "`APISecret`");
    Some(Sign::HmacUrl {
        key: secret(section, "key")?,
        secret: secret(section, "secret")?,
    })
}

fn sigv4(section: &Section<'_>) -> Option<Sign> {
    for (key, what) in [
        ("region", "the AWS region"),
        ("service", "the AWS service, as \"execute-api\""),
        ("access_key_id", "whose signature"),
        ("secret_access_key", "what signs"),
    ] {
        section.require(key, what);
    }
    let expires = section
        .positive_duration("expires")
        .unwrap_or(PRESIGNED_FOR);
    if expires > PRESIGNED_AT_MOST || expires.subsec_nanos() != 0 {
        let message = "whole seconds, at most 5m";
        section.reader.error(&section.at("expires"), message);
    }
    Some(Sign::SigV4 {
        region: section.text("region")?.to_owned(),
        service: section.text("service")?.to_owned(),
        access_key_id: secret(section, "access_key_id")?,
        secret_access_key: secret(section, "secret_access_key")?,
        session_token: secret(section, "session_token"),
        expires,
    })
}

pub(super) fn owned(section: &Section<'_>, key: &str) -> Option<String> {
    section.text(key).map(str::to_owned)
}

/// A secret by reference; where files are looked at, it can be read.
pub(super) fn secret(section: &Section<'_>, key: &str) -> Option<SecretRef> {
    let reader = section.reader;
    let reference = section.parsed(key, |text| {
        SecretRef::parse(text, reader.base, reader.allow_inline)
    })?;
    if matches!(reference, SecretRef::Inline(_)) {
        reader.warn(&section.at(key), "a literal secret");
    }
    if reader.look
        && let Err(error) = reference.read()
    {
        reader.error(&section.at(key), error);
    }
    Some(reference)
}

/// An address that a secret may be sent to: TLS, or this very machine.
pub(super) fn guarded(text: &str) -> Result<String, String> {
    let url = parsed(text)?;
    if url.scheme() == "https" || url.host_str().is_some_and(is_this_machine) {
        Ok(text.to_owned())
    } else {
        Err(format!(
            "{text:?} sends a secret in the clear: use https (http is for a loopback address)"
        ))
    }
}

/// An address of the machine's own metadata service, which speaks plain HTTP.
fn address(text: &str) -> Result<String, String> {
    parsed(text).map(|_url| text.to_owned())
}

pub(super) fn parsed(text: &str) -> Result<Url, String> {
    Url::parse(text)
        .ok()
        .filter(|url| {
            matches!(url.scheme(), "http" | "https")
                && url.has_host()
                && url.username().is_empty()
                && url.password().is_none()
                && url.fragment().is_none()
        })
        .ok_or_else(|| format!("{text:?} is not an http or https URL"))
}

const GCP_SCOPE: &str = "https://www.googleapis.com/auth/cloud-platform";
const COMMAND_PATIENCE: Duration = Duration::from_secs(10);
const COMMAND_CACHE: Duration = Duration::from_secs(300);
const PRESIGNED_FOR: Duration = Duration::from_secs(60);
const PRESIGNED_AT_MOST: Duration = Duration::from_secs(300);
