//! Callers, from what is written down.

use std::{fs, path::Path, sync::Arc};

use tollbridge_authn::{ApiKeyCaller, ApiKeys, Authenticator};
use tollbridge_callers::{
    Address, Algorithm, CertificateName, Introspection, IntrospectionOptions, Jwt, JwtOptions,
    KeysAt, Mtls, SubjectFrom, Subrequest, SubrequestOptions, TrustedHeader,
};
use tollbridge_config as written;
use tollbridge_domain::{CallerName, Clock, SystemClock};
use tollbridge_outbound::Tls;
use url::Url;

use super::{Before, WireError};
use crate::secrets;

/// Every caller, in the order in which they are asked: those who need nobody else come first, and
/// nobody is asked about a credential that another kind of caller knows by its form. A certificate
/// comes last: it is there with every request of its connection, and what somebody puts into one
/// says more.
pub(super) fn callers(
    settings: &written::Settings,
    api_keys: &Arc<ApiKeys>,
    before: Option<Before<'_>>,
) -> Result<Vec<Arc<dyn Authenticator>>, WireError> {
    let tls = Tls::new(None).map_err(|error| WireError {
        key: "callers".to_owned(),
        why: tollbridge_http::chain(&error),
    })?;
    let mut callers = settings.callers.iter().collect::<Vec<_>>();
    callers.sort_by_key(|(_, caller)| turn(&caller.kind));
    // The application speaks for itself, before anybody is asked.
    let asked = |(_, caller): &(&CallerName, &written::Caller)| {
        !matches!(caller.kind, written::CallerKind::Application)
    };
    callers
        .into_iter()
        .filter(asked)
        .map(|(name, caller)| {
            if let Some(kept) = before.and_then(|before| kept(name, &caller.kind, before)) {
                return Ok(kept);
            }
            let made = match caller.kind.ca() {
                Some(path) => believing(path),
                None => Ok(tls.clone()),
            };
            made.and_then(|tls| one(name, &caller.kind, settings, api_keys, &tls))
                .map_err(|why| WireError {
                    key: format!("callers.{name}"),
                    why,
                })
        })
        .collect()
}

/// Who judged for this caller before and knows other people's keys, where nothing about it has
/// changed.
fn kept(
    name: &CallerName,
    kind: &written::CallerKind,
    before: Before<'_>,
) -> Option<Arc<dyn Authenticator>> {
    let remembers = matches!(
        kind,
        written::CallerKind::Jwt(_)
            | written::CallerKind::Introspection(_)
            | written::CallerKind::Subrequest(_)
    );
    let old = before.settings.callers.get(name)?;
    // A file of authorities may hold others now.
    if !remembers || old.kind != *kind || kind.ca().is_some() {
        return None;
    }
    before.generation.chain.get(name).cloned()
}

/// Trusts the authorities in this file too.
fn believing(path: &Path) -> Result<Tls, String> {
    let pem = fs::read(path).map_err(|error| format!("{}: {error}", path.display()))?;
    Tls::new(Some(&pem)).map_err(|error| format!("{}: {error}", path.display()))
}

const fn turn(kind: &written::CallerKind) -> u8 {
    match kind {
        written::CallerKind::ApiKey => 0,
        written::CallerKind::TrustedHeader { .. } => 1,
        written::CallerKind::Jwt(_) => 2,
        written::CallerKind::Introspection(_) => 3,
        written::CallerKind::Subrequest(_) => 4,
        _ => 5,
    }
}

fn one(
    name: &CallerName,
    kind: &written::CallerKind,
    settings: &written::Settings,
    api_keys: &Arc<ApiKeys>,
    tls: &Tls,
) -> Result<Arc<dyn Authenticator>, String> {
    let name = name.clone();
    let tls = tls.clone();
    let clock: Arc<dyn Clock> = Arc::new(SystemClock);
    Ok(match kind {
        written::CallerKind::ApiKey => Arc::new(ApiKeyCaller {
            name,
            keys: Arc::clone(api_keys),
        }),
        written::CallerKind::TrustedHeader { header, groups } => Arc::new(TrustedHeader {
            name,
            header: header.clone(),
            groups: groups.clone(),
            proxies: settings.server.trusted_proxies.clone(),
        }),
        written::CallerKind::Jwt(jwt) => {
            let keys_at = keys_at(jwt)?;
            let made = Jwt::new(jwt_options(name, jwt)?, keys_at, tls, clock);
            Arc::new(made.map_err(|error| error.to_string())?)
        }
        written::CallerKind::Introspection(asks) => Arc::new(Introspection::new(
            introspection_options(name, asks)?,
            tls,
            clock,
        )),
        written::CallerKind::Subrequest(asks) => {
            Arc::new(Subrequest::new(subrequest_options(name, asks)?, tls, clock))
        }
        written::CallerKind::Mtls(of) => Arc::new(Mtls {
            name,
            subject: match of {
                written::CertificateName::Dns => CertificateName::Dns,
                written::CertificateName::Uri => CertificateName::Uri,
                written::CertificateName::CommonName => CertificateName::CommonName,
            },
        }),
        other => return Err(format!("no caller of type {:?}", other.as_str())),
    })
}

fn keys_at(jwt: &written::JwtCaller) -> Result<KeysAt, String> {
    match (&jwt.jwks_url, &jwt.issuer) {
        (Some(url), _) => Address::parse(url)
            .map(KeysAt::Url)
            .map_err(|error| error.to_string()),
        (None, Some(issuer)) => Ok(KeysAt::Issuer(issuer.clone())),
        (None, None) => Err("neither `issuer` nor `jwks_url`".to_owned()),
    }
}

fn jwt_options(name: CallerName, jwt: &written::JwtCaller) -> Result<JwtOptions, String> {
    let algorithm = |name: &String| {
        Algorithm::parse(name).ok_or_else(|| format!("{name:?} is no asymmetric algorithm"))
    };
    let algorithms = jwt.algorithms.iter().map(algorithm);
    Ok(JwtOptions {
        name,
        issuer: jwt.issuer.clone(),
        audience: jwt.audience.clone(),
        algorithms: algorithms.collect::<Result<_, _>>()?,
        subject: SubjectFrom::Claim(jwt.subject.clone()),
    })
}

fn introspection_options(
    name: CallerName,
    asks: &written::IntrospectionCaller,
) -> Result<IntrospectionOptions, String> {
    Ok(IntrospectionOptions {
        name,
        url: url(&asks.url)?,
        client_id: asks.client_id.clone(),
        client_secret: secrets::reader(&asks.client_secret)?,
        audience: asks.audience.clone(),
        scope: asks.scope.clone(),
        subject: SubjectFrom::Claim(asks.subject.clone()),
        cache_for: asks.cache_for,
    })
}

fn subrequest_options(
    name: CallerName,
    asks: &written::SubrequestCaller,
) -> Result<SubrequestOptions, String> {
    Ok(SubrequestOptions {
        name,
        url: url(&asks.url)?,
        forward_headers: asks.forward_headers.clone(),
        subject: match &asks.subject {
            written::AnswerSubject::Header(header) => SubjectFrom::Header(header.clone()),
            written::AnswerSubject::Json(pointer) => SubjectFrom::Json(pointer.to_string()),
        },
        timeout: asks.timeout,
        cache_for: asks.cache_for,
    })
}

fn url(text: &str) -> Result<Url, String> {
    Url::parse(text).map_err(|error| error.to_string())
}
