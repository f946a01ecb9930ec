//! Names of keys: RFC 7638 thumbprints.

use base64::{Engine as _, engine::general_purpose::URL_SAFE_NO_PAD};
use ring::digest::{SHA256, digest};
use tollbridge_domain::KeyId;
use tollbridge_store::Algorithm;

/// The public members of a JWK (RFC 7518, 6.2; RFC 8037, 2).
pub(crate) struct PublicMembers {
    pub(crate) kty: &'static str,
    pub(crate) crv: &'static str,
    pub(crate) x: String,
    pub(crate) y: Option<String>,
}

impl PublicMembers {
    /// From the raw public key; `None` where it has not the form the algorithm wants.
    pub(crate) fn of(algorithm: Algorithm, public: &[u8]) -> Option<Self> {
        let encode = |bytes: &[u8]| URL_SAFE_NO_PAD.encode(bytes);
        match algorithm {
            Algorithm::EdDSA => (public.len() == 32).then(|| Self {
                kty: "OKP",
                crv: "Ed25519",
                x: encode(public),
                y: None,
            }),
            Algorithm::ES256 => {
                let (&[UNCOMPRESSED], point) = public.split_first_chunk()? else {
                    return None;
                };
                let (x, y) = point.split_first_chunk::<32>()?;
                (y.len() == 32).then(|| Self {
                    kty: "EC",
                    crv: "P-256",
                    x: encode(x),
                    y: Some(encode(y)),
                })
            }
        }
    }

    /// SHA-256 over the required members in lexicographic order, without white space. Their
    /// values are base64url, so nothing needs escaping.
    #[expect(
        clippy::expect_used,
        reason = "43 characters of base64url are a key id"
    )]
    pub(crate) fn thumbprint(&self) -> KeyId {
        let Self { kty, crv, x, y } = self;
        let json = match y {
            None => format!(r#"{{"crv":"{crv}","kty":"{kty}","x":"{x}"}}"#),
            Some(y) => format!(r#"{{"crv":"{crv}","kty":"{kty}","x":"{x}","y":"{y}"}}"#),
        };
        let name = URL_SAFE_NO_PAD.encode(digest(&SHA256, json.as_bytes()));
        KeyId::parse(&name).expect("a thumbprint is a key id")
    }
}

/// The RFC 7638 thumbprint of a raw public key (32 bytes for Ed25519, the 65-byte uncompressed
/// point for P-256); `None` where the bytes have another form.
#[must_use]
pub fn thumbprint(algorithm: Algorithm, public: &[u8]) -> Option<KeyId> {
    PublicMembers::of(algorithm, public).map(|members| members.thumbprint())
}

/// First byte of an uncompressed point (SEC 1, 2.3.3).
const UNCOMPRESSED: u8 = 4;

#[cfg(test)]
mod tests {
    use super::*;

    /// RFC 8037, appendix A.3.
    #[test]
    fn the_thumbprint_of_rfc_8037_comes_out() {
        let public = URL_SAFE_NO_PAD
            .decode("11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo")
            .unwrap();
        assert_eq!(
            thumbprint(Algorithm::EdDSA, &public).unwrap().as_str(),
            "kPrK_qmxVWaYVA9wwBF6Iuo3vVzz7TxHCTwXBygrS4k"
        );
    }

    /// RFC 7638, 3.1 is an RSA key, which we never have: the hash step is checked with its text.
    #[test]
    fn the_hash_step_of_rfc_7638_comes_out() {
        let json = concat!(
            r#"{"e":"AQAB","kty":"RSA","n":"0vx7agoebGcQSuuPiLJXZptN9nndrQmbXEps2aiAFbWhM78LhWx"#,
            "4cbbfAAtVT86zwu1RK7aPFFxuhDR1L6tSoc_BJECPebWKRXjBZCiFV4n3oknjhMstn64tZ_2W",
            "-5JsGY4Hc5n9yBXArwl93lqt7_RN5w6Cf0h4QyQ5v-65YGjQR0_FDW2QvzqY368QQMicAtaSqz",
            "s8KJZgnYb9c7d0zgdAZHzu6qMQvRL5hajrn1n91CbOpbISD08qNLyrdkt-bFTWhAI4vMQFh6We",
            r#"Zu0fM4lFd2NcRwr3XPksINHaQ-G_xBniIqbw0Ls1jF44-csFCur-kEgU8awapJzKnqDKgw"}"#
        );
        assert_eq!(
            URL_SAFE_NO_PAD.encode(digest(&SHA256, json.as_bytes())),
            "NzbLsXh8uDCcd-6MNwXF4W_7noWXFZAfHkxZsRGC9Xs"
        );
    }

    #[test]
    fn a_public_key_of_another_form_has_no_name() {
        assert!(thumbprint(Algorithm::EdDSA, &[1; 31]).is_none());
        assert!(thumbprint(Algorithm::EdDSA, &[4; 65]).is_none());
        assert!(thumbprint(Algorithm::ES256, &[4; 64]).is_none());
        assert!(thumbprint(Algorithm::ES256, &[4; 66]).is_none());
        assert!(thumbprint(Algorithm::ES256, &[2; 65]).is_none());
        assert!(thumbprint(Algorithm::ES256, &[]).is_none());
    }
}
