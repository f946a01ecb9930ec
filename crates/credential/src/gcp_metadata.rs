//! The service account of a machine in Google Cloud.

use tollbridge_domain::Secret;
use tollbridge_outbound::{Ask, Method};
use url::Url;

use crate::{FetchError, answer, azure::endpoint, source::Means, value::Harvest};

/// The metadata server of Google Cloud:
/// <https://cloud.google.com/compute/docs/access/authenticate-workloads>.
#[derive(Clone, Default)]
pub struct GcpMetadata {
    /// Where to ask instead of [`ENDPOINT`](Self::ENDPOINT).
    pub endpoint: Option<Url>,
    /// Which scopes, where those of the machine are not meant.
    pub scopes: Vec<String>,
}

impl GcpMetadata {
    /// Where every machine in Google Cloud finds the token of its service account.
    pub const ENDPOINT: &'static str = "http://metadata.google.internal/computeMetadata/v1/instance/service-accounts/default/token";

    const FLAVOR: &'static str = "metadata-flavor";

    pub(crate) async fn fetch(&self, means: &Means<'_>) -> Result<Harvest, FetchError> {
        let answer = means.ask(self.ask()?).await?;
        // In a network that is not Google's the name can lead to anybody.
        if answer
            .headers
            .get(Self::FLAVOR)
            .is_none_or(|it| it != "Google")
        {
            return Err(FetchError::Answer("but is no metadata server of Google's"));
        }
        answer::bearer(&answer.body, means.now)
    }

    fn ask(&self) -> Result<Ask, FetchError> {
        let mut url = endpoint(self.endpoint.as_ref(), Self::ENDPOINT)?;
        if !self.scopes.is_empty() {
            url.query_pairs_mut()
                .append_pair("scopes", &self.scopes.join(","));
        }
        let mut ask = Ask::new(Method::GET, url)?;
        ask.header(Self::FLAVOR, Secret::new("Google".to_owned()))?;
        ask.hide_nothing();
        Ok(ask)
    }
}
