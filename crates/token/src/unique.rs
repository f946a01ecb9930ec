//! Member names occur once.
//!
//! JSON parsers differ in what a duplicated name means (RFC 8259, 4), and RFC 7515, 10.12 lets us
//! refuse. serde would refuse duplicates of our own members only, not those inside `meta`.

use std::{collections::BTreeSet, fmt};

use serde::de::{Deserialize, Deserializer, Error as _, MapAccess, SeqAccess, Visitor};

/// Whether the bytes are one JSON *object* in which no object, at any depth, has a name twice.
pub(crate) fn is_object_with_unique_names(json: &[u8]) -> bool {
    // Structs may be read from arrays too, as far as serde is concerned.
    json.first() == Some(&b'{') && serde_json::from_slice::<Unique>(json).is_ok()
}

/// Any JSON in which names are unique.
struct Unique;

impl<'de> Deserialize<'de> for Unique {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(Walk)
    }
}

struct Walk;

impl<'de> Visitor<'de> for Walk {
    type Value = Unique;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("JSON with unique member names")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Unique, A::Error> {
        let mut seen = BTreeSet::new();
        while let Some(name) = map.next_key::<String>()? {
            if !seen.insert(name) {
                return Err(A::Error::custom("a member name occurs twice"));
            }
            map.next_value::<Unique>()?;
        }
        Ok(Unique)
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut items: A) -> Result<Unique, A::Error> {
        while items.next_element::<Unique>()?.is_some() {}
        Ok(Unique)
    }

    fn visit_bool<E>(self, _: bool) -> Result<Unique, E> {
        Ok(Unique)
    }

    fn visit_i64<E>(self, _: i64) -> Result<Unique, E> {
        Ok(Unique)
    }

    fn visit_u64<E>(self, _: u64) -> Result<Unique, E> {
        Ok(Unique)
    }

    fn visit_f64<E>(self, _: f64) -> Result<Unique, E> {
        Ok(Unique)
    }

    fn visit_str<E>(self, _: &str) -> Result<Unique, E> {
        Ok(Unique)
    }

    fn visit_unit<E>(self) -> Result<Unique, E> {
        Ok(Unique)
    }
}

#[cfg(test)]
mod tests {
    use super::is_object_with_unique_names as unique;

    #[test]
    fn a_name_may_occur_once_in_each_object() {
        for good in [
            r"{}",
            r#"{"a":{"b":1},"c":{"b":null}}"#,
            r#"{"a":[{"b":1},{"b":2.5}]}"#,
        ] {
            assert!(unique(good.as_bytes()), "{good}");
        }
        for bad in [
            r#"{"a":1,"a":1}"#,
            r#"{"a":1,"\u0061":2}"#,
            r#"{"m":{"a":1,"a":2}}"#,
            r#"{"m":[[{"a":1,"b":2,"a":3}]]}"#,
        ] {
            assert!(!unique(bad.as_bytes()), "{bad}");
        }
    }

    #[test]
    fn only_one_whole_object_is_one() {
        for bad in [
            "",
            "[]",
            " {}",
            "{} {}",
            "{}x",
            "{",
            "null",
            "{\"a\":\"\u{1}\"}",
        ] {
            assert!(!unique(bad.as_bytes()), "{bad}");
        }
        assert!(!unique(b"{\"a\":\"\xff\"}"));
        assert!(!unique("{\"a\":".repeat(100_000).as_bytes()));
    }
}
