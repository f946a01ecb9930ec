//! A public key that somebody else publishes (RFC 7517, RFC 7518, 6, RFC 8037, 2).

use base64::{Engine as _, engine::general_purpose::URL_SAFE_NO_PAD};
use ring::signature::{
    self, ED25519, EcdsaVerificationAlgorithm, RsaParameters, RsaPublicKeyComponents,
    UnparsedPublicKey,
};
use serde_json::{Map, Value};

use crate::algorithm::{Algorithm, Family};

/// A key that may verify signatures.
#[derive(Clone, Debug)]
pub(crate) struct Key {
    kid: Option<String>,
    /// The only algorithm that it is for, where it says so.
    algorithm: Option<Algorithm>,
    material: Material,
}

#[derive(Clone, Debug)]
enum Material {
    Ed25519(Vec<u8>),
    P256(Vec<u8>),
    P384(Vec<u8>),
    Rsa { n: Vec<u8>, e: Vec<u8> },
}

impl Key {
    /// The key that this JWK is, unless it is none that verifies signatures here: a symmetric or
    /// an encryption key, one on another curve, or a broken one.
    pub(crate) fn read(jwk: &Map<String, Value>) -> Option<Self> {
        let text = |name: &str| jwk.get(name).and_then(Value::as_str);
        if jwk.contains_key("use") && text("use") != Some("sig") {
            return None;
        }
        if let Some(operations) = jwk.get("key_ops") {
            let mut operations = operations.as_array()?.iter();
            operations.find(|operation| *operation == "verify")?;
        }
        let part = |name| URL_SAFE_NO_PAD.decode(text(name)?).ok();
        let point = |length: usize| -> Option<Vec<u8>> {
            let (x, y) = (part("x")?, part("y")?);
            // 4: both coordinates follow, each of full length (SEC 1, 2.3.3).
            (x.len() == length && y.len() == length).then(|| [&[4], &*x, &*y].concat())
        };
        let material = match (text("kty")?, text("crv")) {
            ("RSA", _) => Material::Rsa {
                n: unsigned(part("n")?)?,
                e: unsigned(part("e")?)?,
            },
            ("EC", Some("P-256")) => Material::P256(point(32)?),
            ("EC", Some("P-384")) => Material::P384(point(48)?),
            ("OKP", Some("Ed25519")) => Material::Ed25519(part("x").filter(|x| x.len() == 32)?),
            _ => return None,
        };
        let algorithm = match jwk.get("alg") {
            Some(name) => Some(Algorithm::parse(name.as_str()?)?),
            None => None,
        };
        let key = Self {
            kid: match jwk.get("kid") {
                Some(kid) => Some(kid.as_str()?.to_owned()),
                None => None,
            },
            algorithm,
            material,
        };
        algorithm
            .is_none_or(|algorithm| key.family() == algorithm.family())
            .then_some(key)
    }

    pub(crate) fn kid(&self) -> Option<&str> {
        self.kid.as_deref()
    }

    /// Whether it could have made a signature of this algorithm.
    pub(crate) fn fits(&self, algorithm: Algorithm) -> bool {
        self.family() == algorithm.family() && self.algorithm.is_none_or(|only| only == algorithm)
    }

    /// Whether the signature is its own over exactly this message, by this algorithm.
    pub(crate) fn verifies(&self, algorithm: Algorithm, message: &[u8], signature: &[u8]) -> bool {
        if !self.fits(algorithm) {
            return false;
        }
        let verified = match &self.material {
            Material::Ed25519(public) => {
                UnparsedPublicKey::new(&ED25519, public).verify(message, signature)
            }
            Material::P256(public) => {
                let how: &'static EcdsaVerificationAlgorithm = &signature::ECDSA_P256_SHA256_FIXED;
                UnparsedPublicKey::new(how, public).verify(message, signature)
            }
            Material::P384(public) => {
                let how: &'static EcdsaVerificationAlgorithm = &signature::ECDSA_P384_SHA384_FIXED;
                UnparsedPublicKey::new(how, public).verify(message, signature)
            }
            Material::Rsa { n, e } => {
                let Some(how) = rsa(algorithm) else {
                    return false;
                };
                RsaPublicKeyComponents { n, e }.verify(how, message, signature)
            }
        };
        verified.is_ok()
    }

    const fn family(&self) -> Family {
        match self.material {
            Material::Ed25519(_) => Family::Ed25519,
            Material::P256(_) => Family::P256,
            Material::P384(_) => Family::P384,
            Material::Rsa { .. } => Family::Rsa,
        }
    }
}

/// RSA keys of 2048 to 8192 bits: ring refuses any other.
const fn rsa(algorithm: Algorithm) -> Option<&'static RsaParameters> {
    Some(match algorithm {
        Algorithm::RS256 => &signature::RSA_PKCS1_2048_8192_SHA256,
        Algorithm::RS384 => &signature::RSA_PKCS1_2048_8192_SHA384,
        Algorithm::RS512 => &signature::RSA_PKCS1_2048_8192_SHA512,
        Algorithm::PS256 => &signature::RSA_PSS_2048_8192_SHA256,
        Algorithm::PS384 => &signature::RSA_PSS_2048_8192_SHA384,
        Algorithm::PS512 => &signature::RSA_PSS_2048_8192_SHA512,
        Algorithm::ES256 | Algorithm::ES384 | Algorithm::EdDSA => return None,
    })
}

/// RFC 7518, 2: no zeros in front. Some write one anyway, and ring would not take it.
fn unsigned(bytes: Vec<u8>) -> Option<Vec<u8>> {
    let start = bytes.iter().position(|byte| *byte != 0)?;
    bytes.get(start..).map(<[u8]>::to_vec)
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn read(jwk: &Value) -> Option<Key> {
        Key::read(jwk.as_object().unwrap())
    }

    #[test]
    fn only_what_verifies_signatures_is_a_key() {
        let x = URL_SAFE_NO_PAD.encode([7; 32]);
        let good = json!({ "kty": "OKP", "crv": "Ed25519", "x": x, "kid": "a" });
        assert_eq!(read(&good).unwrap().kid(), Some("a"));
        for (name, value) in [
            ("use", json!("enc")),
            ("use", json!(1)),
            ("key_ops", json!(["encrypt"])),
            ("key_ops", json!("verify")),
            ("kty", json!("oct")),
            ("crv", json!("X25519")),
            ("x", json!(URL_SAFE_NO_PAD.encode([7; 31]))),
            ("x", json!("not base64url!")),
            ("alg", json!("HS256")),
            ("alg", json!("RS256")),
            ("alg", json!("none")),
            ("kid", json!(7)),
        ] {
            let mut bad = good.clone();
            bad.as_object_mut()
                .unwrap()
                .insert(name.to_owned(), value.clone());
            assert!(read(&bad).is_none(), "{name}: {value}");
        }
        let symmetric = json!({ "kty": "oct", "k": x, "kid": "a", "alg": "HS256" });
        assert!(read(&symmetric).is_none());
    }

    #[test]
    fn a_key_for_one_algorithm_fits_no_other() {
        let part = URL_SAFE_NO_PAD.encode([7; 256]);
        let rsa = |alg: Value| {
            let mut jwk = json!({ "kty": "RSA", "n": part, "e": "AQAB" });
            if !alg.is_null() {
                jwk.as_object_mut().unwrap().insert("alg".to_owned(), alg);
            }
            read(&jwk).unwrap()
        };
        assert!(rsa(json!("RS256")).fits(Algorithm::RS256));
        assert!(!rsa(json!("RS256")).fits(Algorithm::PS256));
        assert!(rsa(Value::Null).fits(Algorithm::PS256));
        assert!(!rsa(Value::Null).fits(Algorithm::ES256));
    }
}
