//! A signed token, taken apart (RFC 7515, 7.1; RFC 7519, 7.2).

use base64::{Engine as _, engine::general_purpose::URL_SAFE_NO_PAD};
use serde_json::Value;
use tollbridge_authn::{Claims, Rejection};

use crate::{algorithm::Algorithm, key::Key, members};

/// The longest token that is looked at. Request heads are bounded as well.
const LONGEST: usize = 16 * 1024;

/// What a token may call itself: nothing, or one of these. Not our own tokens, and not what the
/// same issuer signs for other ends (`logout+jwt`, `dpop+jwt`, `secevent+jwt`): RFC 8725, 3.11.
const TYPES: &[&str] = &["jwt", "at+jwt"];

/// A token whose signature nobody has looked at.
pub(crate) struct Unverified<'a> {
    /// What is signed: header and claims as they are written.
    message: &'a str,
    signature: Vec<u8>,
    pub(crate) algorithm: Algorithm,
    pub(crate) kid: Option<String>,
    claims: Claims,
}

/// Whether this could be a signed token, and not an opaque one.
pub(crate) fn is_one(text: &[u8]) -> bool {
    let mut parts = text.split(|byte| *byte == b'.');
    let first = parts.next().unwrap_or_default();
    // Every header is a JSON object, and `{"` is `ey` in base64url.
    first.starts_with(b"ey") && parts.count() == 2
}

impl<'a> Unverified<'a> {
    /// Takes it apart. Of the header only `alg`, `kid`, `typ` and `crit` are read: keys, and
    /// addresses of keys, that a token brings with it (`jwk`, `jku`, `x5c`, `x5u`) are nothing to us.
    pub(crate) fn parse(text: &'a [u8], allowed: &[Algorithm]) -> Result<Self, Rejection> {
        let text = str::from_utf8(text).map_err(|_not_text| Rejection::Malformed)?;
        if text.len() > LONGEST {
            return Err(Rejection::Malformed);
        }
        let (message, signature) = text.rsplit_once('.').ok_or(Rejection::Malformed)?;
        let (header, claims) = message.split_once('.').ok_or(Rejection::Malformed)?;
        let decoded = |part: &str| URL_SAFE_NO_PAD.decode(part).ok();
        let object = |part: &str| members::parse(&decoded(part)?);
        let header = object(header).ok_or(Rejection::Malformed)?;
        if header.contains_key("crit") {
            return Err(Rejection::Malformed);
        }
        check_type(header.get("typ"))?;
        let algorithm = header.get("alg").and_then(Value::as_str);
        let algorithm = algorithm.and_then(Algorithm::parse);
        let algorithm = algorithm.filter(|algorithm| allowed.contains(algorithm));
        let kid = match header.get("kid") {
            None => None,
            Some(Value::String(kid)) => Some(kid.clone()),
            Some(_) => return Err(Rejection::Malformed),
        };
        Ok(Self {
            message,
            signature: decoded(signature).ok_or(Rejection::Malformed)?,
            algorithm: algorithm.ok_or(Rejection::Algorithm)?,
            kid,
            claims: Claims::new(object(claims).ok_or(Rejection::Malformed)?),
        })
    }

    /// Whom it says it is from. Good for finding out whom it concerns, and for nothing else.
    pub(crate) fn says_issuer(&self) -> Option<&str> {
        self.claims.get("iss").and_then(Value::as_str)
    }

    /// Its claims, if it is really the key's.
    pub(crate) fn verified(self, key: &Key) -> Result<Claims, Rejection> {
        let message = self.message.as_bytes();
        if key.verifies(self.algorithm, message, &self.signature) {
            Ok(self.claims)
        } else {
            Err(Rejection::Signature)
        }
    }
}

fn check_type(said: Option<&Value>) -> Result<(), Rejection> {
    let Some(said) = said else {
        return Ok(());
    };
    let said = said
        .as_str()
        .ok_or(Rejection::Malformed)?
        .to_ascii_lowercase();
    // RFC 7515, 4.1.9: the prefix may be left out.
    let said = said.strip_prefix("application/").unwrap_or(&said);
    if TYPES.contains(&said) {
        Ok(())
    } else {
        Err(Rejection::WrongType)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_opaque_token_is_not_ours_to_judge() {
        assert!(is_one(b"eyJhbGciOiJub25lIn0.e30."));
        for other in [
            "",
            "tbk_abc",
            "a.b.c",
            "ey",
            "ey.a",
            "ey.a.b.c",
            "ey.a.b.c.d",
        ] {
            assert!(!is_one(other.as_bytes()), "{other}");
        }
    }
}
