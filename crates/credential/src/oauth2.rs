//! OAuth 2.0 client credentials.

use base64::{Engine as _, engine::general_purpose::STANDARD};
use tollbridge_domain::Secret;
use tollbridge_outbound::{Ask, Form, encode};
use url::Url;

use crate::{FetchError, Reader, answer, source::Means, value::Harvest};

/// A token endpoint that is asked by client credentials (RFC 6749, 4.4). Microsoft Entra is one:
/// <https://learn.microsoft.com/entra/identity-platform/v2-oauth2-client-creds-grant-flow>.
///
/// An answer without `expires_in` counts for five minutes, and none for more than a day. What is
/// not a bearer token is refused.
#[derive(Clone)]
pub struct OAuth2 {
    /// Where to ask, by POST. Over plain `http` the secret travels in the clear.
    pub token_url: Url,
    /// Who asks.
    pub client_id: String,
    /// The proof of that.
    pub client_secret: Reader,
    /// How to give it.
    pub auth: ClientAuth,
    /// What for, as the endpoint calls it; several are parted by spaces.
    pub scope: Option<String>,
    /// Whom the token is to be shown to, for endpoints that want to know (Auth0, Keycloak).
    pub audience: Option<String>,
}

/// Where a client's id and secret go (RFC 6749, 2.3.1).
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
pub enum ClientAuth {
    /// Into the form.
    #[default]
    Body,
    /// Into the `Authorization` header.
    Basic,
}

impl OAuth2 {
    pub(crate) async fn fetch(&self, means: &Means<'_>) -> Result<Harvest, FetchError> {
        let answer = means.ask(self.ask()?).await?;
        answer::bearer(&answer.body, means.now)
    }

    fn ask(&self) -> Result<Ask, FetchError> {
        let secret = self.client_secret.read()?;
        let mut form = Form::new();
        form.field("grant_type", "client_credentials");
        if self.auth == ClientAuth::Body {
            form.field("client_id", &self.client_id);
            form.secret("client_secret", &secret);
        }
        if let Some(scope) = &self.scope {
            form.field("scope", scope);
        }
        if let Some(audience) = &self.audience {
            form.field("audience", audience);
        }
        let mut ask = Ask::form(self.token_url.clone(), form)?;
        if self.auth == ClientAuth::Basic {
            let basic = self.basic(&secret);
            let value = Secret::new(format!("Basic {}", basic.reveal()));
            ask.header("authorization", value)?;
            for hidden in [basic, encode(&secret), secret] {
                ask.hide(hidden);
            }
        }
        Ok(ask)
    }

    /// Both parts are encoded as in a form before they are joined.
    fn basic(&self, secret: &Secret<String>) -> Secret<String> {
        let id = encode(&Secret::new(self.client_id.clone()));
        let secret = encode(secret);
        let both = Secret::new(format!("{}:{}", id.reveal(), secret.reveal()));
        Secret::new(STANDARD.encode(both.reveal()))
    }
}
