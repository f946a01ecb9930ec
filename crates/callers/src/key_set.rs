//! The keys of one issuer, as it publishes them (RFC 7517, 5).

use serde_json::Value;

use crate::{algorithm::Algorithm, key::Key, members, trouble::Trouble};

/// The most keys that a set may hold. Providers publish two to ten.
const MOST: usize = 100;

/// The usable keys of one set. Never merged with those of another.
#[derive(Clone, Debug, Default)]
pub(crate) struct KeySet(Vec<Key>);

/// Which key it is that a token names.
#[derive(Debug)]
pub(crate) enum Choice<'a> {
    /// This one.
    One(&'a Key),
    /// None; a newer set may have it.
    None,
    /// More than one could be meant, and it is not for us to try which.
    Several,
}

impl KeySet {
    /// Reads a set. Keys in it that cannot be used are passed over.
    pub(crate) fn read(body: &[u8]) -> Result<Self, Trouble> {
        let members = members::parse(body).ok_or(Trouble::Answer("the key set is no JSON"))?;
        let keys = members.get("keys").and_then(Value::as_array);
        let keys = keys.ok_or(Trouble::Answer("the key set holds no keys"))?;
        if keys.len() > MOST {
            return Err(Trouble::Answer("the key set holds more than 100 keys"));
        }
        let keys = keys.iter().filter_map(|key| Key::read(key.as_object()?));
        Ok(Self(keys.collect()))
    }

    /// The key of a token with this header. Without a `kid` it is the only one that could be.
    pub(crate) fn choose(&self, kid: Option<&str>, algorithm: Algorithm) -> Choice<'_> {
        let mut fitting = self
            .0
            .iter()
            .filter(|key| key.fits(algorithm) && kid.is_none_or(|kid| key.kid() == Some(kid)));
        match (fitting.next(), fitting.next()) {
            (Some(key), None) => Choice::One(key),
            (None, _) => Choice::None,
            (Some(_), Some(_)) => Choice::Several,
        }
    }
}

#[cfg(test)]
mod tests {
    use base64::{Engine as _, engine::general_purpose::URL_SAFE_NO_PAD};
    use serde_json::json;

    use super::*;

    fn key(kid: Option<&str>) -> Value {
        let x = URL_SAFE_NO_PAD.encode([7; 32]);
        match kid {
            Some(kid) => json!({ "kty": "OKP", "crv": "Ed25519", "x": x, "kid": kid }),
            None => json!({ "kty": "OKP", "crv": "Ed25519", "x": x }),
        }
    }

    fn set(keys: &[Value]) -> KeySet {
        KeySet::read(json!({ "keys": keys }).to_string().as_bytes()).unwrap()
    }

    fn chosen(set: &KeySet, kid: Option<&str>) -> &'static str {
        match set.choose(kid, Algorithm::EdDSA) {
            Choice::One(_) => "one",
            Choice::None => "none",
            Choice::Several => "several",
        }
    }

    #[test]
    fn a_key_is_chosen_only_where_no_other_could_be_meant() {
        let two = set(&[key(Some("a")), key(Some("b")), json!("junk"), json!({})]);
        assert_eq!(chosen(&two, Some("a")), "one");
        assert_eq!(chosen(&two, Some("A")), "none");
        assert_eq!(chosen(&two, None), "several");
        let twins = set(&[key(Some("a")), key(Some("a"))]);
        assert_eq!(chosen(&twins, Some("a")), "several");
        let single = set(&[key(None)]);
        assert_eq!(chosen(&single, None), "one");
        assert_eq!(chosen(&single, Some("a")), "none");
        assert_eq!(chosen(&set(&[]), None), "none");
    }

    #[test]
    fn a_set_is_one_and_is_bounded() {
        let many = vec![key(Some("a")); MOST + 1];
        assert!(KeySet::read(json!({ "keys": many }).to_string().as_bytes()).is_err());
        for bad in ["", "{}", "[]", r#"{"keys":{}}"#, r#"{"keys":[],"keys":[]}"#] {
            assert!(KeySet::read(bad.as_bytes()).is_err(), "{bad}");
        }
    }
}
