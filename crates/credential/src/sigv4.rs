//! Addresses signed as AWS wants them: Signature Version 4 in the query, "presigned".
//! <https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_sigv-create-signed-request.html>
//!
//! The signature binds path, query and host, so nothing may be added to the address afterwards.

use std::time::{Duration, SystemTime};

use aws_credential_types::Credentials;
use aws_sigv4::{
    http_request::{
        PercentEncodingMode, SignableBody, SignableRequest, SignatureLocation, SigningSettings,
        UriPathNormalizationMode, sign,
    },
    sign::v4::SigningParams,
};
use tollbridge_domain::{Moment, Secret};
use tracing::subscriber::{NoSubscriber, with_default};
use url::Url;

use crate::query::drop_parameters;

/// The longest that AWS takes: a week. Transcribe takes no more than 300 seconds.
const LONGEST: Duration = Duration::from_secs(7 * 24 * 60 * 60);

/// Who signs, and what for.
#[derive(Clone, Copy)]
pub struct Signer<'a> {
    /// Who signs. Not a secret to AWS, and yet nobody else's business.
    pub access_key_id: &'a Secret<String>,
    /// What it is signed with.
    pub secret_access_key: &'a Secret<String>,
    /// What temporary keys come with.
    pub session_token: Option<&'a Secret<String>>,
    /// E.g. `eu-central-1`.
    pub region: &'a str,
    /// E.g. `transcribe`.
    pub service: &'a str,
    /// How long the address is good: a second to a week.
    pub expires_in: Duration,
}

/// Why an address cannot be signed.
#[derive(Clone, Copy, Debug, Eq, PartialEq, thiserror::Error)]
#[non_exhaustive]
pub enum SignError {
    /// The address has no host, or names a user.
    #[error("the address cannot be signed")]
    Address,
    /// Not a second to a week.
    #[error("a signature is good for a second to a week")]
    Expiry,
}

/// Signs a GET without a body, as a WebSocket's handshake is one, with `host` as the only header.
/// Scheme, path and the other parameters stay as they are; any `X-Amz-…` of a signature that the
/// query has is replaced, in whatever case it is written.
///
/// # Errors
/// Where the address or the expiry cannot be AWS's.
pub fn presign(url: &Url, signer: &Signer<'_>, now: Moment) -> Result<Url, SignError> {
    if !(Duration::from_secs(1)..=LONGEST).contains(&signer.expires_in) {
        return Err(SignError::Expiry);
    }
    if !url.has_host() || !url.username().is_empty() || url.password().is_some() {
        return Err(SignError::Address);
    }
    let mut url = url.clone();
    url.set_fragment(None);
    drop_parameters(&mut url, is_of_a_signature);
    // At its finest level the library logs the query that it signs, with the session token in it.
    let silent = NoSubscriber::default();
    for (name, value) in with_default(silent, || parameters(&url, signer, now))? {
        url.query_pairs_mut().append_pair(&name, &value);
    }
    Ok(url)
}

/// What is to be added.
fn parameters(
    url: &Url,
    signer: &Signer<'_>,
    now: Moment,
) -> Result<Vec<(String, String)>, SignError> {
    let is_s3 = signer.service == "s3";
    let identity = Credentials::new(
        signer.access_key_id.reveal().as_str(),
        signer.secret_access_key.reveal().as_str(),
        signer.session_token.map(|token| token.reveal().clone()),
        None,
        "tollbridge",
    )
    .into();
    let params = SigningParams::builder()
        .identity(&identity)
        .region(signer.region)
        .name(signer.service)
        .time(time(now))
        .settings(settings(signer.expires_in, is_s3))
        .build()
        .map_err(|_missing| SignError::Address)?
        .into();
    // Only S3 signs without looking at the body.
    let body = if is_s3 {
        SignableBody::UnsignedPayload
    } else {
        SignableBody::Bytes(b"")
    };
    let request = SignableRequest::new("GET", url.as_str(), std::iter::empty(), body)
        .map_err(|_malformed| SignError::Address)?;
    let (instructions, _signature) = sign(request, &params)
        .map_err(|_malformed| SignError::Address)?
        .into_parts();
    let (_no_headers, parameters) = instructions.into_parts();
    Ok(parameters
        .into_iter()
        .map(|(name, value)| (name.to_owned(), value.into_owned()))
        .collect())
}

fn settings(expires_in: Duration, is_s3: bool) -> SigningSettings {
    let mut settings = SigningSettings::default();
    settings.signature_location = SignatureLocation::QueryParams;
    settings.expires_in = Some(expires_in);
    if is_s3 {
        settings.percent_encoding_mode = PercentEncodingMode::Single;
        settings.uri_path_normalization_mode = UriPathNormalizationMode::Disabled;
    }
    settings
}

fn time(now: Moment) -> SystemTime {
    let seconds = u64::try_from(now.seconds()).unwrap_or_default();
    SystemTime::UNIX_EPOCH + Duration::from_secs(seconds)
}

fn is_of_a_signature(name: &str) -> bool {
    const OURS: [&str; 7] = [
        "x-amz-algorithm",
        "x-amz-credential",
        "x-amz-date",
        "x-amz-expires",
        "x-amz-security-token",
        "x-amz-signature",
        "x-amz-signedheaders",
    ];
    OURS.iter().any(|ours| name.eq_ignore_ascii_case(ours))
}

#[cfg(test)]
mod tests;
