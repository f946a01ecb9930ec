//! Secrets in other people's words: who is asked with a credential may repeat it.

use std::collections::HashSet;

use crate::Secret;

/// What must be found in no text. Parts count as well: who refuses a key likes to show its ends,
/// and may have got it with a scheme in front. So much of a secret in a row says too much of it:
/// eight characters, or all of one that is shorter.
pub struct Telltale<'a> {
    /// The longest first: one may be part of another.
    whole: Vec<&'a str>,
    parts: HashSet<&'a [u8]>,
}

impl<'a> Telltale<'a> {
    /// Looks for these.
    pub fn of(secrets: &'a [Secret<String>]) -> Self {
        let secrets = secrets.iter().map(|secret| secret.reveal().as_str());
        let mut whole: Vec<&str> = secrets.filter(|secret| !secret.is_empty()).collect();
        whole.sort_unstable_by_key(|secret| std::cmp::Reverse(secret.len()));
        let parts = whole
            .iter()
            .flat_map(|secret| secret.as_bytes().windows(TELLING))
            .collect();
        Self { whole, parts }
    }

    /// Whether a text tells any of them.
    #[must_use]
    pub fn is_in(&self, text: &str) -> bool {
        self.has_part(text) || self.whole.iter().any(|secret| text.contains(secret))
    }

    /// The text without them.
    #[must_use]
    pub fn redacted(&self, text: &str) -> String {
        let (long, short): (Vec<&str>, Vec<&str>) =
            self.whole.iter().partition(|it| it.len() >= TELLING);
        let without = |text: String, secret: &str| text.replace(secret, REDACTED);
        let text = long.into_iter().fold(text.to_owned(), without);
        let words = text.split_inclusive(|letter: char| !is_of_key(letter));
        let text = words.map(|word| self.without_parts(word)).collect();
        short.into_iter().fold(text, without)
    }

    fn without_parts(&self, word: &str) -> String {
        let bare = word.trim_end_matches(|letter: char| !is_of_key(letter));
        let rest = word.get(bare.len()..).unwrap_or_default();
        if self.has_part(bare) {
            format!("{REDACTED}{rest}")
        } else {
            word.to_owned()
        }
    }

    fn has_part(&self, text: &str) -> bool {
        let mut parts = text.as_bytes().windows(TELLING);
        parts.any(|part| self.parts.contains(part))
    }
}

/// Characters of keys, and the stars that stand for what is not shown of one.
const fn is_of_key(letter: char) -> bool {
    letter.is_ascii_alphanumeric()
        || matches!(letter, '-' | '_' | '.' | '+' | '/' | '=' | '*' | '~')
}

const TELLING: usize = 8;
const REDACTED: &str = "[redacted]";

#[cfg(test)]
mod tests {
    use super::*;

    fn secrets(texts: &[&str]) -> Vec<Secret<String>> {
        let texts = texts.iter().map(|&text| Secret::new(text.to_owned()));
        texts.collect()
    }

    #[test]
    fn a_repeated_credential_is_not_printed() {
        let secrets = secrets(&["Bearer sk-0123456789abcdef", "abc", ""]);
        let redacted = |text: &str| Telltale::of(&secrets).redacted(text);
        assert_eq!(
            redacted("{\"message\": \"Incorrect key: sk-0123****cdef.\"}"),
            "{\"message\": \"Incorrect key: sk-0123****cdef.\"}"
        );
        assert_eq!(
            redacted("bad key sk-0123456789abcdef, try another"),
            "bad key [redacted], try another"
        );
        assert_eq!(redacted("x=abc;y"), "x=[redacted];y");
        assert_eq!(redacted("nothing here"), "nothing here");
    }

    #[test]
    fn a_credential_may_hold_any_character() {
        let secrets = secrets(&["p@ss!w0rd#2024", "user:hunt3r:2"]);
        let telltale = Telltale::of(&secrets);
        for (text, told) in [
            ("key p@ss!w0rd#2024.", "key [redacted]."),
            ("for user:hunt3r:2", "for [redacted]"),
        ] {
            assert!(telltale.is_in(text));
            assert_eq!(telltale.redacted(text), told);
        }
    }

    #[test]
    fn a_part_tells_as_much() {
        let secrets = secrets(&["Token dg-0123456789", "s3cr3t"]);
        let telltale = Telltale::of(&secrets);
        for text in ["invalid key dg-0123456789", "dg-01234…", "s3cr3t!"] {
            assert!(telltale.is_in(text), "{text}");
        }
        for text in ["", "dg-0123", "secret", "Token"] {
            assert!(!telltale.is_in(text), "{text}");
        }
    }
}
