//! Names and identifiers: parsed once, private inside.

use std::{borrow::Borrow, fmt};

use serde::{Deserialize, Serialize};
use smol_str::SmolStr;

/// Why a text is not the identifier it was taken for. Never holds the text itself.
#[derive(Clone, Copy, Debug, Eq, PartialEq, thiserror::Error)]
#[error("a {kind} is {rule}")]
pub struct IdError {
    /// What it should have been.
    pub kind: &'static str,
    /// The rule it breaks.
    pub rule: &'static str,
}

// What a session leaves behind for a while are ids. With an allocation each they would hold whole pages
// back (docs/adr/0010-allocator.md): up to 23 bytes lie in the value itself, longer ones are shared.
macro_rules! identifier {
    ($(#[$doc:meta])* $name:ident, $kind:literal, $rule:literal, $accepts:expr) => {
        $(#[$doc])*
        #[derive(Clone, Debug, Deserialize, Eq, Hash, Ord, PartialEq, PartialOrd, Serialize)]
        #[serde(try_from = "String", into = "String")]
        pub struct $name(SmolStr);

        impl $name {
            /// Parses the text.
            ///
            /// # Errors
            /// Names the rule that the text breaks.
            pub fn parse(text: &str) -> Result<Self, IdError> {
                let accepts: fn(&str) -> bool = $accepts;
                if accepts(text) {
                    Ok(Self(text.into()))
                } else {
                    Err(IdError { kind: $kind, rule: $rule })
                }
            }

            /// The text.
            #[must_use]
            pub fn as_str(&self) -> &str {
                &self.0
            }
        }

        impl Borrow<str> for $name {
            fn borrow(&self) -> &str {
                &self.0
            }
        }

        impl From<$name> for String {
            fn from(id: $name) -> Self {
                id.0.into()
            }
        }

        impl TryFrom<String> for $name {
            type Error = IdError;

            fn try_from(text: String) -> Result<Self, IdError> {
                Self::parse(&text)
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str(&self.0)
            }
        }
    };
}

identifier!(
    /// Name of a configured upstream.
    RouteName, "route name", "1 to 64 of a-z, 0-9, _ and -", is_name
);

identifier!(
    /// Name of a configured way to authenticate at the mint.
    CallerName, "caller name", "1 to 64 of a-z, 0-9, _ and -", is_name
);

identifier!(
    /// Key id: the RFC 7638 thumbprint of the public key, base64url.
    KeyId, "key id", "1 to 64 of A-Z, a-z, 0-9, _ and -", |text| is_base64url(text, 64)
);

identifier!(
    /// Token id (`jti`): 128 random bits, base64url. What a use is recorded under.
    TokenId, "token id", "1 to 64 of A-Z, a-z, 0-9, _ and -", |text| is_base64url(text, 64)
);

identifier!(
    /// Id of one bridged connection.
    SessionId, "session id", "1 to 64 of A-Z, a-z, 0-9, _ and -", |text| is_base64url(text, 64)
);

identifier!(
    /// Whom a token is for.
    Subject, "subject", "1 to 256 bytes without control or invisible characters", |text| is_text(text, 256)
);

identifier!(
    /// Who asked for a token: `caller` or `caller:key`, as in the `client_id` claim.
    ClientId, "client id", "1 to 160 of a-z, A-Z, 0-9, _, -, . and :", |text| {
        (1..=160).contains(&text.len())
            && text.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"_-.:".contains(&byte))
    }
);

fn is_name(text: &str) -> bool {
    (1..=64).contains(&text.len())
        && text
            .bytes()
            .all(|byte| byte.is_ascii_lowercase() || byte.is_ascii_digit() || b"_-".contains(&byte))
}

fn is_base64url(text: &str, longest: usize) -> bool {
    (1..=longest).contains(&text.len())
        && text
            .bytes()
            .all(|byte| byte.is_ascii_alphanumeric() || b"_-".contains(&byte))
}

fn is_text(text: &str, longest: usize) -> bool {
    (1..=longest).contains(&text.len())
        && !text
            .chars()
            .any(|one| one.is_control() || is_invisible(one))
}

/// Characters that change how their neighbours are shown (Unicode category Cf): in a table of
/// sessions they would let one subject look like another.
const fn is_invisible(one: char) -> bool {
    matches!(
        one,
        '\u{ad}'
            | '\u{61c}'
            | '\u{180e}'
            | '\u{200b}'..='\u{200f}'
            | '\u{202a}'..='\u{202e}'
            | '\u{2060}'..='\u{206f}'
            | '\u{feff}'
            | '\u{e0000}'..='\u{e007f}'
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_route_name_is_lower_case_and_bounded() {
        assert!(RouteName::parse("voice-2_a").is_ok());
        for bad in ["", "Voice", "a b", "a/b", "é", &"a".repeat(65)] {
            assert!(RouteName::parse(bad).is_err(), "{bad:?}");
        }
    }

    #[test]
    fn a_subject_has_no_control_characters() {
        assert!(Subject::parse("ümit@example.com").is_ok());
        for bad in [
            "",
            "a\r\nX-Evil: 1",
            "a\0",
            "\u{85}",
            "ada\u{202e}",
            &"a".repeat(257),
        ] {
            assert!(Subject::parse(bad).is_err(), "{bad:?}");
        }
    }

    #[test]
    fn an_identifier_parses_from_json_by_the_same_rule() {
        assert!(serde_json::from_str::<KeyId>("\"../../etc/passwd\"").is_err());
        assert!(
            serde_json::from_str::<KeyId>("\"kPrK_qmxVWaYVA9wwBF6Iuo3vVzz7TxHCTwXBygrS4k\"")
                .is_ok()
        );
    }
}
