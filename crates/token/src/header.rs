//! The JOSE header, reduced to the three members we write.

use serde::{Deserialize, Serialize};
use tollbridge_domain::KeyId;
use tollbridge_store::Algorithm;

use crate::{InvalidReason, unique::is_object_with_unique_names};

/// Distinguishes our tokens from every other kind of JWT (RFC 8725, 3.11).
pub(crate) const TYP: &str = "tollbridge+jwt";

/// The header of a token. `jku`, `jwk`, `x5u`, `x5c`, `crit`, `b64`, `zip`, `cty` and anything
/// else have no place in it and are refused.
#[derive(Debug)]
pub(crate) struct Header {
    pub(crate) alg: Algorithm,
    pub(crate) typ: Option<String>,
    pub(crate) kid: Option<KeyId>,
}

/// As it is written.
#[derive(Deserialize, Serialize)]
#[serde(deny_unknown_fields)]
struct Wire {
    /// Text, not the enum: serde would read a variant from an object too.
    alg: String,
    #[serde(default, deserialize_with = "present")]
    typ: Option<String>,
    #[serde(default, deserialize_with = "present")]
    kid: Option<KeyId>,
}

impl Header {
    /// Reads the JSON: known members only, each once, each of its type, an algorithm we make
    /// keys for.
    pub(crate) fn parse(json: &[u8]) -> Result<Self, InvalidReason> {
        if !is_object_with_unique_names(json) {
            return Err(InvalidReason::Header);
        }
        let Wire { alg, typ, kid } = serde_json::from_slice(json)
            .ok()
            .ok_or(InvalidReason::Header)?;
        let alg = algorithm(&alg).ok_or(InvalidReason::Algorithm)?;
        Ok(Self { alg, typ, kid })
    }

    /// The JSON of a new token's header.
    #[expect(clippy::expect_used, reason = "three texts have a JSON form")]
    pub(crate) fn write(algorithm: Algorithm, kid: &KeyId) -> Vec<u8> {
        let wire = Wire {
            alg: name(algorithm).to_owned(),
            typ: Some(TYP.to_owned()),
            kid: Some(kid.clone()),
        };
        serde_json::to_vec(&wire).expect("a header serialises")
    }
}

/// A member that may be absent and may not be `null`.
pub(crate) fn present<'de, D, T>(deserializer: D) -> Result<Option<T>, D::Error>
where
    D: serde::Deserializer<'de>,
    T: Deserialize<'de>,
{
    T::deserialize(deserializer).map(Some)
}

fn algorithm(text: &str) -> Option<Algorithm> {
    [Algorithm::EdDSA, Algorithm::ES256]
        .into_iter()
        .find(|algorithm| name(*algorithm) == text)
}

const fn name(algorithm: Algorithm) -> &'static str {
    match algorithm {
        Algorithm::EdDSA => "EdDSA",
        Algorithm::ES256 => "ES256",
    }
}
