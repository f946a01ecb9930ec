//! `[callers.NAME]`

use std::{collections::BTreeMap, fs, path::PathBuf, time::Duration};

use tollbridge_domain::{CallerName, is_loopback};
use url::Url;

use super::{
    engines::{guarded, owned, parsed, secret},
    headers,
    routes::authorities,
};
use crate::{
    certificate,
    json_pointer::JsonPointer,
    names::did_you_mean,
    reader::Section,
    settings::{
        AnswerSubject, Caller, CallerKind, CertificateName, IntrospectionCaller, JwtCaller,
        SubrequestCaller,
    },
};

/// Reads all callers; those that cannot be read are left out, and reported.
pub(crate) fn read(section: &Section<'_>) -> BTreeMap<CallerName, Caller> {
    let callers = section.sections();
    callers
        .filter_map(|(name, caller)| Some((name_of(name, &caller)?, read_one(&caller)?)))
        .collect()
}

fn name_of(name: &str, section: &Section<'_>) -> Option<CallerName> {
    CallerName::parse(name)
        .map_err(|error| section.reader.error(&section.path, error))
        .ok()
}

fn read_one(section: &Section<'_>) -> Option<Caller> {
    section.require(
        "type",
        "how the caller shows who it is: \"api_key\", for one",
    );
    let word = section.text("type")?;
    let Some(kind) = TYPES.iter().find(|kind| kind.word == word) else {
        refuse_type(section, word);
        return None;
    };
    refuse_keys_of_other_types(section, kind);
    Some(Caller {
        kind: (kind.read)(section)?,
        mints_per_minute: section.count("mints_per_minute"),
    })
}

fn jwt(section: &Section<'_>) -> Option<CallerKind> {
    section.require("audience", "whom a token must be for, as its `aud` says");
    if !section.holds("issuer") && !section.holds("jwks_url") {
        let message = "says neither of which `issuer` the keys are nor at which `jwks_url`";
        section.reader.error(&section.path, message);
    }
    let issuer = section.parsed("issuer", issuer);
    let jwks_url = section.parsed("jwks_url", believed);
    let algorithms = algorithms(section)?;
    let subject = claim(section)?;
    let broken = |key: &str, value: &Option<String>| section.holds(key) && value.is_none();
    if broken("issuer", &issuer) || broken("jwks_url", &jwks_url) {
        return None;
    }
    if issuer.is_none() && jwks_url.is_none() {
        return None;
    }
    Some(CallerKind::Jwt(JwtCaller {
        issuer,
        audience: section.parsed("audience", not_empty)?,
        jwks_url,
        algorithms,
        subject,
        ca: ca(section),
    }))
}

fn subrequest(section: &Section<'_>) -> Option<CallerKind> {
    section.require("url", "what is asked who somebody is");
    let url = |text: &str| parsed(text).map(|_url| text.to_owned());
    let forward_headers = if section.holds("forward_headers") {
        section.parsed_list("forward_headers", forwarded)
    } else {
        vec![USUAL_HEADER.to_owned()]
    };
    if section
        .texts("forward_headers")
        .is_some_and(|all| all.is_empty())
    {
        let message = "with no header to pass on, nobody is ever asked about";
        section
            .reader
            .error(&section.at("forward_headers"), message);
    }
    if forward_headers.is_empty() {
        return None;
    }
    let subject = match section.holds("subject") {
        true => section.parsed("subject", answer_subject)?,
        false => AnswerSubject::Header(USUAL_ANSWER.to_owned()),
    };
    Some(CallerKind::Subrequest(SubrequestCaller {
        url: section.parsed("url", url)?,
        forward_headers,
        subject,
        timeout: section.positive_duration("timeout").unwrap_or(PATIENCE),
        cache_for: cache_for(section),
        ca: ca(section),
    }))
}

fn trusted_header(section: &Section<'_>) -> Option<CallerKind> {
    let named = |text: &str| match text.strip_prefix("header:") {
        Some(name) => headers::end_to_end(name),
        None => Err(format!("{text:?} is not header:NAME")),
    };
    let header = match section.holds("subject") {
        true => section.parsed("subject", named)?,
        false => USUAL_PROXY_HEADER.to_owned(),
    };
    let groups = section.parsed("groups", named);
    if groups.as_ref() == Some(&header) {
        let message = format!("`{header}` says who somebody is already");
        section.reader.error(&section.at("groups"), message);
    }
    Some(CallerKind::TrustedHeader { header, groups })
}

fn introspection(section: &Section<'_>) -> Option<CallerKind> {
    section.require("url", "the issuer's introspection endpoint");
    section.require("client_id", "who asks");
    section.require("client_secret", "what proves it");
    Some(CallerKind::Introspection(IntrospectionCaller {
        url: section.parsed("url", guarded)?,
        client_id: section.parsed("client_id", not_empty)?,
        client_secret: secret(section, "client_secret")?,
        audience: owned(section, "audience"),
        scope: owned(section, "scope"),
        subject: claim(section)?,
        cache_for: cache_for(section),
        ca: ca(section),
    }))
}

fn mtls(section: &Section<'_>) -> Option<CallerKind> {
    let words = CertificateName::ALL.map(CertificateName::as_str);
    let words = format!("\"{}\"", words.join("\", \""));
    section.require("subject", &format!("which name of a certificate: {words}"));
    let named = |text: &str| {
        let mut names = CertificateName::ALL.into_iter();
        names
            .find(|name| name.as_str() == text)
            .ok_or_else(|| format!("{text:?} is no name of a certificate: {words}"))
    };
    section.parsed("subject", named).map(CallerKind::Mtls)
}

fn api_key(_section: &Section<'_>) -> Option<CallerKind> {
    Some(CallerKind::ApiKey)
}

fn application(_section: &Section<'_>) -> Option<CallerKind> {
    Some(CallerKind::Application)
}

/// `claim:PATH`
fn claim(section: &Section<'_>) -> Option<String> {
    if !section.holds("subject") {
        return Some("sub".to_owned());
    }
    section.parsed("subject", |text| {
        let path = text.strip_prefix("claim:");
        path.filter(|path| !path.is_empty() && !path.chars().any(char::is_control))
            .map(str::to_owned)
            .ok_or_else(|| format!("{text:?} is not claim:NAME, as \"claim:sub\""))
    })
}

fn answer_subject(text: &str) -> Result<AnswerSubject, String> {
    match text.split_once(':') {
        Some(("header", name)) => headers::end_to_end(name).map(AnswerSubject::Header),
        Some(("json", pointer)) => JsonPointer::parse(pointer).map(AnswerSubject::Json),
        _ => Err(format!("{text:?} is neither header:NAME nor json:/POINTER")),
    }
}

fn algorithms(section: &Section<'_>) -> Option<Vec<String>> {
    if !section.holds("algorithms") {
        return Some(USUAL_ALGORITHMS.iter().map(|it| (*it).to_owned()).collect());
    }
    let known = |text: &str| match ALGORITHMS.contains(&text) {
        true => Ok(text.to_owned()),
        false => Err(format!(
            "{text:?} is not an asymmetric algorithm: {}",
            ALGORITHMS.join(", ")
        )),
    };
    let algorithms = section.parsed_list("algorithms", known);
    if section.texts("algorithms").is_none_or(|all| all.is_empty()) {
        let message = "with no algorithm, no token is good";
        section.reader.error(&section.at("algorithms"), message);
    }
    (!algorithms.is_empty()).then_some(algorithms)
}

/// A header that is passed on to an application.
fn forwarded(text: &str) -> Result<String, String> {
    let name = headers::end_to_end(text)?;
    let ours = name.starts_with("x-forwarded-") || matches!(name.as_str(), "accept" | "expect");
    if ours || name == "accept-encoding" {
        Err(format!("`{name}` is for this server to say"))
    } else {
        Ok(name)
    }
}

/// What tokens call their issuer, and where its discovery document lies.
fn issuer(text: &str) -> Result<String, String> {
    let address = believed(text)?;
    if text.contains('?') {
        return Err(format!("{text:?} has a query, and an issuer has none"));
    }
    Ok(address)
}

/// An address whose keys are believed.
fn believed(text: &str) -> Result<String, String> {
    let url: Url = parsed(text)?;
    if url.scheme() == "https" || url.host_str().is_some_and(is_loopback) {
        Ok(text.to_owned())
    } else {
        Err(format!(
            "{text:?}: keys are believed over https only (http is for a literal loopback address, \
             as 127.0.0.1)"
        ))
    }
}

/// Authorities for questions over https.
fn ca(section: &Section<'_>) -> Option<PathBuf> {
    let path = authorities(section)?;
    let pem = section.reader.look.then(|| fs::read(&path).ok()).flatten();
    if let Some(Err(error)) = pem.map(|pem| certificate::believe(&pem, &path.display())) {
        section.reader.error(&section.at("ca"), error);
    }
    Some(path)
}

fn not_empty(text: &str) -> Result<String, &'static str> {
    match text {
        "" => Err("must not be empty"),
        text => Ok(text.to_owned()),
    }
}

fn cache_for(section: &Section<'_>) -> Duration {
    section.optional_duration("cache_for").unwrap_or_default()
}

fn refuse_type(section: &Section<'_>, word: &str) {
    let hint = did_you_mean(word, TYPES.iter().map(|kind| kind.word));
    let message = format!("unknown caller type {word:?}");
    section
        .reader
        .error_with_hint(&section.at("type"), message, hint);
}

fn refuse_keys_of_other_types(section: &Section<'_>, kind: &Type) {
    let foreign = TYPES.iter().flat_map(|other| other.keys);
    let foreign = foreign.filter(|key| !kind.keys.contains(key));
    let mut told: Vec<&str> = Vec::new();
    for key in foreign.copied() {
        if section.holds(key) && !told.contains(&key) {
            told.push(key);
            let message = format!("`{key}` is not a key of caller type `{}`", kind.word);
            section.reader.error(&section.at(key), message);
        }
    }
}

/// One type of caller.
struct Type {
    word: &'static str,
    keys: &'static [&'static str],
    read: fn(&Section<'_>) -> Option<CallerKind>,
}

#[rustfmt::skip] // one type a line
const TYPES: &[Type] = &[
    Type { word: "api_key", keys: &[], read: api_key },
    Type { word: "application", keys: &[], read: application },
    Type { word: "jwt", keys: &["issuer", "audience", "jwks_url", "algorithms", "subject", "ca"], read: jwt },
    Type { word: "subrequest", keys: &["url", "forward_headers", "subject", "timeout", "cache_for", "ca"], read: subrequest },
    Type { word: "trusted_header", keys: &["subject", "groups"], read: trusted_header },
    Type { word: "introspection", keys: &["url", "client_id", "client_secret", "audience", "scope", "subject", "cache_for", "ca"], read: introspection },
    Type { word: "mtls", keys: &["subject"], read: mtls },
];

const ALGORITHMS: &[&str] = &[
    "RS256", "RS384", "RS512", "PS256", "PS384", "PS512", "ES256", "ES384", "EdDSA",
];
const USUAL_ALGORITHMS: &[&str] = &["RS256", "ES256", "EdDSA"];
const USUAL_HEADER: &str = "cookie";
const USUAL_ANSWER: &str = "x-user-id";
const USUAL_PROXY_HEADER: &str = "x-auth-request-user";
const PATIENCE: Duration = Duration::from_secs(2);
