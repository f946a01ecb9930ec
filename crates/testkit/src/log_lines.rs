//! Looks for secrets where none may be.

use base64::{
    Engine as _,
    engine::general_purpose::{STANDARD_NO_PAD, URL_SAFE_NO_PAD},
};

/// The secrets of a test, by name.
#[derive(Clone, Default)]
pub struct Logs {
    secrets: Vec<(String, String)>,
}

impl Logs {
    /// Knows no secret yet.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// Learns one.
    ///
    /// # Panics
    /// Where it is so short that it would be found by accident.
    #[must_use]
    pub fn secret(mut self, name: &str, value: &str) -> Self {
        assert!(value.len() >= 6, "secret `{name}` is too short to look for");
        self.secrets.push((name.to_owned(), value.to_owned()));
        self
    }

    /// Fails where `text` holds one of them: as it is, percent-encoded, in base64 or escaped as
    /// in JSON. The failure names the secret and the place and shows neither.
    ///
    /// # Panics
    /// That is the failure.
    pub fn assert_absent(&self, what: &str, text: &str) {
        let found: Vec<String> = self
            .secrets
            .iter()
            .flat_map(|(name, value)| find(name, value, text))
            .collect();
        assert!(found.is_empty(), "in {what}: {}", found.join("; "));
    }

    /// Whether `text` holds one of them.
    #[must_use]
    pub fn present(&self, text: &str) -> bool {
        self.secrets
            .iter()
            .any(|(name, value)| find(name, value, text).next().is_some())
    }
}

fn find<'a>(name: &'a str, value: &str, text: &'a str) -> impl Iterator<Item = String> + 'a {
    spellings(value)
        .into_iter()
        .filter_map(move |(form, spelling)| {
            let at = text.find(&spelling)?;
            let before = &text[..at];
            let line = before.matches('\n').count() + 1;
            let column = before.len() - before.rfind('\n').map_or(0, |end| end + 1) + 1;
            Some(format!(
                "secret `{name}` {form} at line {line}, byte {column}"
            ))
        })
}

fn spellings(value: &str) -> Vec<(&'static str, String)> {
    let json = serde_json::Value::from(value).to_string();
    let mut spellings = vec![
        ("in the clear", value.to_owned()),
        ("percent-encoded", percent_encoded(value)),
        ("in base64", STANDARD_NO_PAD.encode(value)),
        ("in base64url", URL_SAFE_NO_PAD.encode(value)),
        ("as JSON", json.trim_matches('"').to_owned()),
    ];
    spellings.dedup_by(|one, other| one.1 == other.1);
    spellings
}

fn percent_encoded(value: &str) -> String {
    let plain = |byte: u8| byte.is_ascii_alphanumeric() || b"-._~".contains(&byte);
    value
        .bytes()
        .map(|byte| match plain(byte) {
            true => char::from(byte).to_string(),
            false => format!("%{byte:02X}"),
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn logs() -> Logs {
        Logs::new().secret("api key", "k/1+2=hunter2")
    }

    #[test]
    fn every_spelling_is_found() {
        for text in [
            "key k/1+2=hunter2",
            "?api-key=k%2F1%2B2%3Dhunter2&x",
            "ay8xKzI9aHVudGVyMg==",
        ] {
            assert!(logs().present(text), "{text}");
        }
        assert!(!logs().present("k/1+2=hunter"));
    }

    #[test]
    #[should_panic(expected = "in stderr: secret `api key` in the clear at line 2, byte 5")]
    fn the_failure_says_where_and_not_what() {
        logs().assert_absent("stderr", "one\ntwo k/1+2=hunter2\n");
    }
}
