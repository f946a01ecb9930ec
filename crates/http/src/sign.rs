//! Addresses that carry their credential as a signature, made anew for each dial.

use std::{fmt, sync::Arc, time::Duration};

use tollbridge_credential::{hmac_url, sigv4};
use tollbridge_domain::{Moment, Secret};
use url::Url;

/// Reads a secret where it is kept; its error says what could not be read.
pub type Read = Arc<dyn Fn() -> Result<Secret<String>, String> + Send + Sync>;

/// How a route's address is signed.
#[derive(Clone)]
pub enum Sign {
    /// HMAC-SHA256 over host, date and request line, as iFlytek wants it.
    HmacUrl {
        /// `APIKey`
        key: Read,
        /// `APISecret`
        secret: Read,
    },
    /// A presigned URL of AWS.
    SigV4 {
        /// E.g. `eu-central-1`.
        region: String,
        /// E.g. `transcribe`.
        service: String,
        /// Who signs.
        access_key_id: Read,
        /// What it is signed with.
        secret_access_key: Read,
        /// What temporary keys come with.
        session_token: Option<Read>,
        /// How long the address is good.
        expires: Duration,
    },
}

/// Why an address could not be signed.
#[derive(Debug, thiserror::Error)]
pub(crate) enum SignFault {
    #[error("{0}")]
    Secret(String),
    #[error(transparent)]
    Address(#[from] sigv4::SignError),
}

impl Sign {
    /// Signs, and adds what it was signed with to `secrets`.
    pub(crate) fn sign(
        &self,
        url: &Url,
        now: Moment,
        secrets: &mut Vec<Secret<String>>,
    ) -> Result<Url, SignFault> {
        match self {
            Self::HmacUrl { key, secret } => {
                let (key, secret) = (read(key)?, read(secret)?);
                let mut url = url.clone();
                hmac_url::sign(&mut url, &key, &secret, now);
                secrets.extend([key, secret]);
                Ok(url)
            }
            Self::SigV4 {
                region,
                service,
                access_key_id,
                secret_access_key,
                session_token,
                expires,
            } => {
                let (id, key) = (read(access_key_id)?, read(secret_access_key)?);
                let token = session_token.as_ref().map(read).transpose()?;
                let signer = sigv4::Signer {
                    access_key_id: &id,
                    secret_access_key: &key,
                    session_token: token.as_ref(),
                    region,
                    service,
                    expires_in: *expires,
                };
                let url = sigv4::presign(url, &signer, now)?;
                secrets.extend([id, key].into_iter().chain(token));
                Ok(url)
            }
        }
    }
}

fn read(reader: &Read) -> Result<Secret<String>, SignFault> {
    reader().map_err(SignFault::Secret)
}

impl fmt::Debug for Sign {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::HmacUrl { .. } => "HmacUrl",
            Self::SigV4 { .. } => "SigV4",
        })
    }
}
