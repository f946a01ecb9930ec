//! The query string of a bridge request, read strictly and once.

use memchr::memchr2;

/// Longest query that is looked at, in bytes: a 4 KiB token and room for parameters.
const LONGEST: usize = 8192;

/// Most parameters that are looked at.
const MOST: usize = 64;

/// Why a query is refused. Never holds a part of it.
#[derive(Clone, Copy, Debug, Eq, PartialEq, thiserror::Error)]
pub enum QueryError {
    /// A percent sign without two hexadecimal digits.
    #[error("a percent escape is broken")]
    Escape,
    /// More than 64 parameters.
    #[error("there are too many parameters")]
    TooMany,
    /// More than 8192 bytes.
    #[error("the query is too long")]
    TooLong,
    /// Bytes that are not UTF-8 after decoding.
    #[error("a parameter is not UTF-8")]
    Utf8,
}

/// Decoded parameters in their order, duplicates kept: who looks one up must say what a duplicate
/// means.
#[derive(Default)]
pub struct Query(Vec<(String, String)>);

/// How often a name occurs.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Occurrence<'a> {
    /// Not at all.
    Absent,
    /// Exactly once.
    Once(&'a str),
    /// More than once.
    Repeated,
}

impl Query {
    /// Decodes `application/x-www-form-urlencoded` text: `&` separates, `+` is a space, `;` is an
    /// ordinary character.
    ///
    /// # Errors
    /// Where the text is too long, has too many parameters, or does not decode.
    pub fn parse(text: &str) -> Result<Self, QueryError> {
        if text.len() > LONGEST {
            return Err(QueryError::TooLong);
        }
        Self::pairs(text)
    }

    /// The same of a body, whose length was bounded when it was read.
    ///
    /// # Errors
    /// As [`Query::parse`], but for the length.
    pub(crate) fn of_form(body: &[u8]) -> Result<Self, QueryError> {
        Self::pairs(str::from_utf8(body).or(Err(QueryError::Utf8))?)
    }

    fn pairs(text: &str) -> Result<Self, QueryError> {
        let mut pairs = Vec::new();
        for part in text.split('&').filter(|part| !part.is_empty()) {
            if pairs.len() == MOST {
                return Err(QueryError::TooMany);
            }
            let (name, value) = part.split_once('=').unwrap_or((part, ""));
            pairs.push((decode(name)?, decode(value)?));
        }
        Ok(Self(pairs))
    }

    /// Looks a name up, exactly as spelt.
    #[must_use]
    pub fn get(&self, name: &str) -> Occurrence<'_> {
        let mut values = self
            .0
            .iter()
            .filter(|(known, _)| known == name)
            .map(|(_, value)| value);
        match (values.next(), values.next()) {
            (None, _) => Occurrence::Absent,
            (Some(value), None) => Occurrence::Once(value),
            (Some(_), Some(_)) => Occurrence::Repeated,
        }
    }

    /// Whether nothing else than this name occurs.
    pub(crate) fn has_only(&self, name: &str) -> bool {
        self.0.iter().all(|(known, _)| known == name)
    }

    /// A name that occurs more than once, if there is one that is not on the list.
    pub(crate) fn repeated(&self, except: &[&str]) -> Option<&str> {
        let names = self.0.iter().map(|(name, _)| name.as_str());
        let mut names = names.filter(|name| !except.contains(name));
        names.find(|name| self.get(name) == Occurrence::Repeated)
    }

    /// The parameters whose names are on the list, in the order they came.
    ///
    /// # Errors
    /// `Err(())` where one of them occurs twice: two parsers would differ on which one counts.
    pub fn only(&self, names: &[String]) -> Result<Vec<(String, String)>, Repeated> {
        let mut kept: Vec<(String, String)> = Vec::new();
        for (name, value) in self.0.iter().filter(|(name, _)| names.contains(name)) {
            if kept.iter().any(|(known, _)| known == name) {
                return Err(Repeated);
            }
            kept.push((name.clone(), value.clone()));
        }
        Ok(kept)
    }
}

/// A parameter that may occur once occurs twice.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct Repeated;

fn decode(text: &str) -> Result<String, QueryError> {
    // A token is long and has neither.
    if memchr2(b'+', b'%', text.as_bytes()).is_none() {
        return Ok(text.to_owned());
    }
    let mut bytes = Vec::with_capacity(text.len());
    let mut rest = text.bytes();
    while let Some(byte) = rest.next() {
        bytes.push(match byte {
            b'+' => b' ',
            b'%' => {
                let high = rest.next().and_then(hex).ok_or(QueryError::Escape)?;
                let low = rest.next().and_then(hex).ok_or(QueryError::Escape)?;
                high << 4 | low
            }
            plain => plain,
        });
    }
    String::from_utf8(bytes).or(Err(QueryError::Utf8))
}

/// Percent-encodes what is not unreserved (RFC 3986, 2.3).
pub(crate) fn encode(text: &str) -> String {
    text.bytes()
        .map(|byte| {
            if byte.is_ascii_alphanumeric() || b"-._~".contains(&byte) {
                char::from(byte).to_string()
            } else {
                format!("%{byte:02X}")
            }
        })
        .collect()
}

const fn hex(digit: u8) -> Option<u8> {
    match digit {
        b'0'..=b'9' => Some(digit - b'0'),
        b'a'..=b'f' => Some(digit - b'a' + 10),
        b'A'..=b'F' => Some(digit - b'A' + 10),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn a_name_is_found_as_spelt_and_counted() {
        let query = Query::parse("token=a&TOKEN=b&x=1&x=2&%74oken2=c+d").unwrap();
        assert_eq!(query.get("token"), Occurrence::Once("a"));
        assert_eq!(query.get("x"), Occurrence::Repeated);
        assert_eq!(query.get("token2"), Occurrence::Once("c d"));
        assert_eq!(query.get("none"), Occurrence::Absent);
    }

    #[test]
    fn an_encoded_spelling_is_the_same_name() {
        let query = Query::parse("token=a&%74oken=b").unwrap();
        assert_eq!(query.get("token"), Occurrence::Repeated);
    }

    #[test]
    fn what_does_not_decode_is_refused() {
        assert_eq!(Query::parse("a=%zz").err(), Some(QueryError::Escape));
        assert_eq!(Query::parse("a=%f").err(), Some(QueryError::Escape));
        assert_eq!(Query::parse("a=%ff").err(), Some(QueryError::Utf8));
        assert_eq!(
            Query::parse(&"a&".repeat(65)).err(),
            Some(QueryError::TooMany)
        );
        assert_eq!(
            Query::parse(&"a".repeat(8193)).err(),
            Some(QueryError::TooLong)
        );
    }

    proptest! {
        #[test]
        fn any_text_is_judged_without_a_panic(text in ".*") {
            let _verdict = Query::parse(&text);
        }
    }
}
