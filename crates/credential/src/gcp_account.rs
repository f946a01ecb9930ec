//! A service account of Google Cloud, by its key.

use base64::{Engine as _, engine::general_purpose::URL_SAFE_NO_PAD};
use ring::{
    rand::SystemRandom,
    signature::{RSA_PKCS1_SHA256, RsaKeyPair},
};
use rustls_pki_types::{PrivatePkcs8KeyDer, pem::PemObject as _};
use serde::Deserialize;
use serde_json::json;
use tollbridge_domain::{Moment, Secret, is_this_machine};
use tollbridge_outbound::{Ask, Form};
use url::Url;

use crate::{FetchError, Reader, answer, source::Means, value::Harvest};

/// A service account that proves itself by a signed assertion (RFC 7523, 2.1):
/// <https://developers.google.com/identity/protocols/oauth2/service-account#httprest>.
#[derive(Clone)]
pub struct GcpServiceAccount {
    /// The key file as Google gives it out, JSON of `type` `service_account`.
    pub key: Reader,
    /// Where to ask instead of the key's own `token_uri`.
    pub token_uri: Option<Url>,
    /// What for; several are parted by spaces.
    pub scope: String,
}

/// What is read of the key file.
#[derive(Deserialize)]
struct Wire {
    client_email: String,
    private_key: String,
    private_key_id: Option<String>,
    token_uri: String,
}

impl GcpServiceAccount {
    const GRANT: &'static str = "urn:ietf:params:oauth:grant-type:jwt-bearer";

    /// The longest that Google takes, in seconds.
    const LIFE: i64 = 3_600;

    /// An assertion from the future is refused, and clocks differ.
    const SKEW: i64 = 10;

    pub(crate) async fn fetch(&self, means: &Means<'_>) -> Result<Harvest, FetchError> {
        let answer = means.ask(self.ask(means.now)?).await?;
        answer::bearer(&answer.body, means.now)
    }

    fn ask(&self, now: Moment) -> Result<Ask, FetchError> {
        let key = Key::read(&self.key.read()?)?;
        let url = match &self.token_uri {
            Some(url) => url.clone(),
            None => key.token_uri.clone(),
        };
        let mut form = Form::new();
        form.field("grant_type", Self::GRANT);
        form.secret("assertion", &self.assertion(&key, &url, now)?);
        Ok(Ask::form(url, form)?)
    }

    fn assertion(&self, key: &Key, url: &Url, now: Moment) -> Result<Secret<String>, FetchError> {
        let issued = now.minus(Self::SKEW).seconds();
        let mut header = json!({"alg": "RS256", "typ": "JWT"});
        if let Some(id) = &key.id {
            header["kid"] = id.as_str().into();
        }
        let claims = json!({
            "iss": key.email,
            "scope": self.scope,
            "aud": url.as_str(),
            "iat": issued,
            "exp": issued.saturating_add(Self::LIFE),
        });
        let message = format!(
            "{}.{}",
            URL_SAFE_NO_PAD.encode(header.to_string()),
            URL_SAFE_NO_PAD.encode(claims.to_string())
        );
        let signature = key.sign(message.as_bytes())?;
        Ok(Secret::new(format!(
            "{message}.{}",
            URL_SAFE_NO_PAD.encode(signature)
        )))
    }
}

/// A key file that has been understood.
struct Key {
    email: String,
    id: Option<String>,
    token_uri: Url,
    pair: RsaKeyPair,
}

/// An assertion goes out under TLS, or stays on this machine.
fn is_guarded(url: &Url) -> bool {
    url.scheme() == "https" || url.host_str().is_some_and(is_this_machine)
}

impl Key {
    fn read(text: &Secret<String>) -> Result<Self, FetchError> {
        // serde's own words would quote the file.
        let wire: Wire = serde_json::from_str(text.reveal())
            .map_err(|_other| broken("is not the JSON of a service account"))?;
        let pem = Secret::new(wire.private_key);
        let pkcs8 = PrivatePkcs8KeyDer::from_pem_slice(pem.reveal().as_bytes())
            .map_err(|_not_pem| broken("holds no private key in PEM (PKCS #8)"))?;
        let pair = RsaKeyPair::from_pkcs8(pkcs8.secret_pkcs8_der())
            .map_err(|_rejected| broken("holds no RSA key of 2048 to 4096 bits"))?;
        Ok(Self {
            email: wire.client_email,
            id: wire.private_key_id,
            token_uri: Url::parse(&wire.token_uri)
                .ok()
                .filter(is_guarded)
                .ok_or_else(|| broken("has a `token_uri` that is no https URL"))?,
            pair,
        })
    }

    /// RS256 (RFC 7518, 3.3).
    fn sign(&self, message: &[u8]) -> Result<Vec<u8>, FetchError> {
        let mut signature = vec![0; self.pair.public().modulus_len()];
        self.pair
            .sign(
                &RSA_PKCS1_SHA256,
                &SystemRandom::new(),
                message,
                &mut signature,
            )
            .map_err(|_unspecified| FetchError::Request("its assertion cannot be signed"))?;
        Ok(signature)
    }
}

fn broken(how: &str) -> FetchError {
    FetchError::Secret(format!("the key file {how}"))
}
