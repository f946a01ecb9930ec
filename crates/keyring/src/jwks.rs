//! Public keys as a JWK set (RFC 7517), ready to be sent.

use std::sync::Arc;

use base64::{Engine as _, engine::general_purpose::URL_SAFE_NO_PAD};
use ring::digest::{SHA256, digest};
use serde::Serialize;
use tollbridge_store::Algorithm;

use crate::{Policy, VerifyingKey, thumbprint::PublicMembers};

/// The body of `/.well-known/jwks.json` and its entity tag.
#[derive(Clone, Debug)]
pub struct Jwks {
    /// `application/jwk-set+json`.
    pub body: Arc<[u8]>,
    /// Strong entity tag, quotes included.
    pub etag: String,
}

impl Jwks {
    /// The set of these keys, in their order.
    pub(crate) fn of<'a>(keys: impl Iterator<Item = &'a VerifyingKey>) -> Self {
        let set = Set {
            keys: keys.filter_map(Jwk::of).collect(),
        };
        #[expect(clippy::expect_used, reason = "text and vectors have a JSON form")]
        let body = serde_json::to_vec(&set).expect("a key set serialises");
        let hash = URL_SAFE_NO_PAD.encode(digest(&SHA256, &body));
        Self {
            body: body.into(),
            etag: format!("\"{hash}\""),
        }
    }
}

/// Seconds for which others may cache the key set: half the lead with which a key is published
/// before it signs, so that a cache in front of the verifier's cache is stale in time too, and
/// never more than five minutes. 0 where there is no lead.
#[must_use]
pub fn jwks_max_age(policy: &Policy) -> u32 {
    (policy.publish_before_use / 2).min(LONGEST_MAX_AGE)
}

#[derive(Serialize)]
struct Set {
    keys: Vec<Jwk>,
}

/// Exactly the members that a verifier needs, none of them private.
#[derive(Serialize)]
struct Jwk {
    kty: &'static str,
    crv: &'static str,
    x: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    y: Option<String>,
    kid: String,
    #[serde(rename = "use")]
    usage: &'static str,
    alg: &'static str,
}

impl Jwk {
    fn of(key: &VerifyingKey) -> Option<Self> {
        let PublicMembers { kty, crv, x, y } = PublicMembers::of(key.algorithm(), key.public())?;
        Some(Self {
            kty,
            crv,
            x,
            y,
            kid: key.kid().as_str().to_owned(),
            usage: "sig",
            alg: match key.algorithm() {
                Algorithm::EdDSA => "EdDSA",
                Algorithm::ES256 => "ES256",
            },
        })
    }
}

/// Five minutes: what an emergency costs those who verify elsewhere.
const LONGEST_MAX_AGE: u32 = 300;
