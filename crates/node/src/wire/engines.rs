//! Engines that fetch and sign, from what is written down.

use std::{sync::Arc, time::Duration};

use tollbridge_config as written;
use tollbridge_credential::{
    AzureManagedIdentity, ClientAuth, Credential, GcpMetadata, GcpServiceAccount, Method, OAuth2,
    Reader, Source, Tls, TokenCommand, TokenUrl, Yields,
};
use tollbridge_domain::{RouteName, SystemClock};
use tollbridge_http::Sign;
use url::Url;

use super::Before;
use crate::secrets;

/// What fetches a route's credential, within `timeout`; it trusts what the route's upstream leg
/// trusts.
pub(super) fn fetch(
    written: &written::Fetch,
    timeout: Duration,
    ca: Option<&[u8]>,
) -> Result<Credential, String> {
    let tls = Tls::new(ca).map_err(|error| tollbridge_http::chain(&error))?;
    Ok(Credential::new(
        source(written)?,
        Arc::new(SystemClock),
        timeout,
        tls,
    ))
}

/// What fetched for this route before, where it would be made of the same again. With an authority of
/// its own it is not: that file may hold another.
pub(super) fn kept(
    name: &RouteName,
    written: &written::Route,
    before: Before<'_>,
) -> Option<Arc<Credential>> {
    let old = before.settings.routes.get(name)?;
    let same = written.credentials.fetch == old.credentials.fetch
        && written.limits.connect_timeout == old.limits.connect_timeout
        && (&written.ca, &old.ca) == (&None, &None);
    let route = before.generation.routes.get(name.as_str())?;
    route.fetch.clone().filter(|_| same)
}

fn source(written: &written::Fetch) -> Result<Source, String> {
    Ok(match written {
        written::Fetch::OAuth2 {
            token_url,
            client_id,
            client_secret,
            scope,
            audience,
            basic,
        } => Source::OAuth2(OAuth2 {
            token_url: url(token_url)?,
            client_id: client_id.clone(),
            client_secret: reader(client_secret)?,
            auth: if *basic {
                ClientAuth::Basic
            } else {
                ClientAuth::Body
            },
            scope: scope.clone(),
            audience: audience.clone(),
        }),
        written::Fetch::AzureManagedIdentity {
            resource,
            client_id,
            endpoint,
        } => Source::AzureManagedIdentity(AzureManagedIdentity {
            endpoint: endpoint.as_deref().map(url).transpose()?,
            resource: resource.clone(),
            client_id: client_id.clone(),
        }),
        written::Fetch::GcpMetadata { scopes, endpoint } => Source::GcpMetadata(GcpMetadata {
            endpoint: endpoint.as_deref().map(url).transpose()?,
            scopes: scopes.clone(),
        }),
        written::Fetch::GcpServiceAccount {
            key,
            scope,
            token_url,
        } => Source::GcpServiceAccount(GcpServiceAccount {
            key: reader(key)?,
            token_uri: token_url.as_deref().map(url).transpose()?,
            scope: scope.clone(),
        }),
        written::Fetch::TokenUrl { .. } => Source::TokenUrl(token_url(written)?),
        written::Fetch::TokenCommand {
            command,
            timeout,
            cache_for,
        } => {
            let mut words = command.iter();
            Source::TokenCommand(TokenCommand {
                program: words.next().ok_or("no program")?.into(),
                arguments: words.cloned().collect(),
                timeout: *timeout,
                cache_for: *cache_for,
            })
        }
    })
}

fn token_url(written: &written::Fetch) -> Result<TokenUrl, String> {
    let written::Fetch::TokenUrl {
        url: address,
        post,
        headers,
        body,
        yields,
        expires_in,
        cache_for,
    } = written
    else {
        return Err("not a token_url".to_owned());
    };
    let headers = headers
        .iter()
        .map(|(name, value)| {
            let read = secrets::text(value)?;
            Ok((name.clone(), Reader::new(move || read())))
        })
        .collect::<Result<Vec<_>, String>>()?;
    Ok(TokenUrl {
        method: if *post { Method::Post } else { Method::Get },
        url: url(address)?,
        headers,
        body: body.clone(),
        yields: match yields {
            written::Yields::Token(pointer) => Yields::Token(pointer.to_string()),
            written::Yields::Upstream(pointer) => Yields::Url(pointer.to_string()),
        },
        expires_in: expires_in.as_ref().map(ToString::to_string),
        cache_for: *cache_for,
    })
}

/// How a route's address is signed.
pub(super) fn sign(written: &written::Sign) -> Result<Sign, String> {
    Ok(match written {
        written::Sign::HmacUrl { key, secret } => Sign::HmacUrl {
            key: secrets::reader(key)?,
            secret: secrets::reader(secret)?,
        },
        written::Sign::SigV4 {
            region,
            service,
            access_key_id,
            secret_access_key,
            session_token,
            expires,
        } => Sign::SigV4 {
            region: region.clone(),
            service: service.clone(),
            access_key_id: secrets::reader(access_key_id)?,
            secret_access_key: secrets::reader(secret_access_key)?,
            session_token: session_token.as_ref().map(secrets::reader).transpose()?,
            expires: *expires,
        },
    })
}

fn reader(reference: &written::SecretRef) -> Result<Reader, String> {
    let read = secrets::reader(reference)?;
    Ok(Reader::new(move || read()))
}

fn url(text: &str) -> Result<Url, String> {
    Url::parse(text).map_err(|error| error.to_string())
}
