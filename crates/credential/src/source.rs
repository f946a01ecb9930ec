//! Whom a credential comes from.

use std::{fmt, time::Duration};

use bytes::Bytes;
use tollbridge_domain::{Moment, Secret};
use tollbridge_outbound::{Ask, HeaderMap};

use crate::{
    AzureManagedIdentity, FetchError, GcpMetadata, GcpServiceAccount, Http, OAuth2, Tls,
    TokenCommand, TokenUrl, Why, value::Harvest,
};

/// One of the engines that ask somebody else.
#[derive(Clone)]
pub enum Source {
    /// A token endpoint, by client credentials.
    OAuth2(OAuth2),
    /// The identity that Azure gave this machine.
    AzureManagedIdentity(AzureManagedIdentity),
    /// The service account that Google Cloud gave this machine.
    GcpMetadata(GcpMetadata),
    /// A service account of Google Cloud, by its key.
    GcpServiceAccount(GcpServiceAccount),
    /// Any request that is answered with a token or a signed URL in JSON.
    TokenUrl(TokenUrl),
    /// A program that prints a token.
    TokenCommand(TokenCommand),
}

/// The longest answer that is read. A token is 2 KiB, with groups in it 10.
const LONGEST: usize = 64 * 1024;

/// What a fetch is made with.
pub(crate) struct Means<'a> {
    pub(crate) http: &'a Http,
    pub(crate) tls: &'a Tls,
    pub(crate) now: Moment,
}

/// A successful answer.
pub(crate) struct Answer {
    pub(crate) headers: HeaderMap,
    pub(crate) body: Bytes,
}

impl Means<'_> {
    /// Asks, and takes only a success for an answer.
    pub(crate) async fn ask(&self, ask: Ask) -> Result<Answer, FetchError> {
        let hidden = ask.hidden().to_vec();
        let answer = self.http.ask(ask, self.tls, LONGEST).await?;
        if answer.is_success() {
            return Ok(Answer {
                headers: answer.headers,
                body: answer.body?,
            });
        }
        let body = answer.body.ok();
        Err(FetchError::Refused {
            status: answer.status,
            why: body.and_then(|body| Why::read(&body, &hidden)),
        })
    }
}

impl Source {
    pub(crate) async fn fetch(&self, means: &Means<'_>) -> Result<Harvest, FetchError> {
        match self {
            Self::OAuth2(engine) => engine.fetch(means).await,
            Self::AzureManagedIdentity(engine) => engine.fetch(means).await,
            Self::GcpMetadata(engine) => engine.fetch(means).await,
            Self::GcpServiceAccount(engine) => engine.fetch(means).await,
            Self::TokenUrl(engine) => engine.fetch(means).await,
            Self::TokenCommand(engine) => engine.fetch().await,
        }
    }

    /// What it is asked with and nobody else may learn, as far as it can be read, and where that is
    /// a scheme and a key, the key as well. Keys that only sign never leave this machine.
    pub(crate) fn secrets(&self) -> Vec<Secret<String>> {
        let whole: Vec<_> = match self {
            Self::OAuth2(engine) => engine.client_secret.read().into_iter().collect(),
            Self::TokenUrl(engine) => {
                let values = engine.headers.iter();
                values.filter_map(|(_, value)| value.read().ok()).collect()
            }
            Self::AzureManagedIdentity(_)
            | Self::GcpMetadata(_)
            | Self::GcpServiceAccount(_)
            | Self::TokenCommand(_) => Vec::new(),
        };
        let keys = whole.iter().filter_map(|value| {
            let (_, key) = value.reveal().split_once(' ')?;
            Some(Secret::new(key.to_owned()))
        });
        keys.collect::<Vec<_>>().into_iter().chain(whole).collect()
    }

    /// Whether what it gives may serve more than one dial.
    pub(crate) const fn is_kept(&self) -> bool {
        match self {
            Self::TokenUrl(engine) => !engine.cache_for.is_zero(),
            Self::TokenCommand(engine) => !engine.cache_for.is_zero(),
            Self::OAuth2(_)
            | Self::AzureManagedIdentity(_)
            | Self::GcpMetadata(_)
            | Self::GcpServiceAccount(_) => true,
        }
    }

    /// How long a fetch may take where it does not depend on the network.
    pub(crate) const fn own_timeout(&self) -> Option<Duration> {
        match self {
            Self::TokenCommand(engine) => Some(engine.timeout),
            _ => None,
        }
    }

    const fn name(&self) -> &'static str {
        match self {
            Self::OAuth2(_) => "OAuth2",
            Self::AzureManagedIdentity(_) => "AzureManagedIdentity",
            Self::GcpMetadata(_) => "GcpMetadata",
            Self::GcpServiceAccount(_) => "GcpServiceAccount",
            Self::TokenUrl(_) => "TokenUrl",
            Self::TokenCommand(_) => "TokenCommand",
        }
    }
}

impl fmt::Debug for Source {
    /// The engine's name and nothing else: an argument, a body or a query can hold a secret.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}
