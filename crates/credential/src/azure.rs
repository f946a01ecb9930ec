//! The managed identity of a machine in Azure.

use tollbridge_domain::Secret;
use tollbridge_outbound::{Ask, Method};
use url::Url;

use crate::{FetchError, answer, source::Means, value::Harvest};

/// The instance metadata service of Azure:
/// <https://learn.microsoft.com/entra/identity/managed-identities-azure-resources/how-to-use-vm-token>.
///
/// It answers from a cache of its own, so that a renewal may bring the same token again.
#[derive(Clone)]
pub struct AzureManagedIdentity {
    /// Where to ask instead of [`ENDPOINT`](Self::ENDPOINT).
    pub endpoint: Option<Url>,
    /// What the token is for, e.g. `https://ai.azure.com`. Not a scope: without `/.default`.
    pub resource: String,
    /// Which identity, where the machine has several.
    pub client_id: Option<String>,
}

impl AzureManagedIdentity {
    /// Where every machine in Azure finds its identity.
    pub const ENDPOINT: &'static str = "http://169.254.169.254/metadata/identity/oauth2/token";

    /// The protocol's version, the only one that the service documents for this path.
    const VERSION: &'static str = "2018-02-01";

    pub(crate) async fn fetch(&self, means: &Means<'_>) -> Result<Harvest, FetchError> {
        let answer = means.ask(self.ask()?).await?;
        answer::bearer(&answer.body, means.now)
    }

    fn ask(&self) -> Result<Ask, FetchError> {
        let mut url = endpoint(self.endpoint.as_ref(), Self::ENDPOINT)?;
        url.query_pairs_mut()
            .append_pair("api-version", Self::VERSION)
            .append_pair("resource", &self.resource)
            .extend_pairs(self.client_id.iter().map(|id| ("client_id", id)));
        let mut ask = Ask::new(Method::GET, url)?;
        // What a page cannot be tricked into sending, nor a redirect.
        ask.header("metadata", Secret::new("true".to_owned()))?;
        ask.hide_nothing();
        Ok(ask)
    }
}

/// The configured one, or that of the vendor.
pub(crate) fn endpoint(configured: Option<&Url>, usual: &'static str) -> Result<Url, FetchError> {
    match configured {
        Some(url) => Ok(url.clone()),
        None => Url::parse(usual).map_err(|_malformed| FetchError::Request("its URL is malformed")),
    }
}
