//! Making a key.

use std::fmt;

use tollbridge_domain::{CallerName, Clock, Entropy, Moment, RouteName, Secret};
use tollbridge_store::{ApiKeyRecord, Scope};

use super::{RawApiKey, text::PREFIX};

/// Makes a key: its text, which is shown once and kept nowhere, and the record to store.
///
/// `caller` is the `api_key` caller that a mint key belongs to; viewer and admin keys have none.
/// Without `routes` a mint key covers every route that lists its caller.
#[must_use]
pub fn create(
    name: &ApiKeyName,
    scope: Scope,
    caller: Option<CallerName>,
    routes: Vec<RouteName>,
    expires: Option<Moment>,
    clock: &dyn Clock,
    entropy: &dyn Entropy,
) -> (Secret<String>, ApiKeyRecord) {
    let raw = RawApiKey::random(entropy);
    let record = ApiKeyRecord {
        id: raw.id(),
        name: name.as_str().to_owned(),
        hash: raw.hash(),
        scope,
        caller,
        routes,
        created_at: clock.now(),
        expires_at: expires,
        revoked_at: None,
        last_used_at: None,
    };
    (raw.into_text(), record)
}

/// The name of a key: what lists show, and the subject of tokens that name none.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct ApiKeyName(Box<str>);

/// Why a text is not the name of a key.
#[derive(Clone, Copy, Debug, Eq, PartialEq, thiserror::Error)]
#[error(
    "a key's name is 1 to 64 bytes without control characters or outer spaces, \
     and begins neither with ak_ nor with tbk_"
)]
pub struct ApiKeyNameError;

impl ApiKeyName {
    /// Parses the text. A key's id would be mistaken for that key, and a key's text pasted as a
    /// name would be shown in every list.
    ///
    /// # Errors
    /// Names the rules.
    pub fn parse(text: &str) -> Result<Self, ApiKeyNameError> {
        let fits = (1..=64).contains(&text.len())
            && text.trim() == text
            && !text.chars().any(char::is_control)
            && !text.starts_with("ak_")
            && !text.starts_with(PREFIX);
        if fits {
            Ok(Self(text.into()))
        } else {
            Err(ApiKeyNameError)
        }
    }

    /// The text.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for ApiKeyName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

#[cfg(test)]
mod tests {
    use tollbridge_domain::Subject;

    use super::*;

    #[test]
    fn every_name_is_a_subject() {
        for name in [
            "ci",
            "Production backend",
            "ümit@example.com",
            &"é".repeat(32),
        ] {
            let name = ApiKeyName::parse(name).unwrap();
            assert!(Subject::parse(name.as_str()).is_ok());
        }
    }

    #[test]
    fn a_name_is_not_mistaken_for_an_id_or_a_key() {
        let long = "x".repeat(65);
        for name in ["", " ", " ci", "a\nb", "ak_000000000000", "tbk_oops", &long] {
            assert_eq!(ApiKeyName::parse(name), Err(ApiKeyNameError), "{name:?}");
        }
    }
}
