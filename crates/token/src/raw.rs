//! A token as it comes from outside: bounded, and not to be printed.

use std::fmt;

use tollbridge_domain::Secret;

/// Why a text cannot be a token. Never holds the text.
#[derive(Clone, Copy, Debug, Eq, PartialEq, thiserror::Error)]
pub enum RawTokenError {
    /// A character that no token has.
    #[error("a token has only A-Z, a-z, 0-9 and . _ ~ -")]
    Character,
    /// Nothing at all.
    #[error("the token is empty")]
    Empty,
    /// Longer than any token.
    #[error("a token has at most {LONGEST} bytes")]
    TooLong,
}

/// Text that may be a token; nothing is known of it but its length and its characters.
pub struct RawToken(Secret<String>);

impl RawToken {
    /// Takes the text out of a carrier.
    ///
    /// # Errors
    /// Where no token could look like this.
    pub fn parse(text: &str) -> Result<Self, RawTokenError> {
        if text.is_empty() {
            return Err(RawTokenError::Empty);
        }
        if text.len() > LONGEST {
            return Err(RawTokenError::TooLong);
        }
        if !text.bytes().all(is_token_character) {
            return Err(RawTokenError::Character);
        }
        Ok(Self(Secret::new(text.to_owned())))
    }

    pub(crate) fn reveal_for_verification(&self) -> &str {
        self.0.reveal()
    }
}

impl fmt::Debug for RawToken {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("RawToken([redacted])")
    }
}

/// Whether two carriers of one request hold the same text.
impl PartialEq for RawToken {
    fn eq(&self, other: &Self) -> bool {
        self.0.reveal() == other.0.reveal()
    }
}

impl Eq for RawToken {}

const fn is_token_character(byte: u8) -> bool {
    TOKEN_CHARACTERS[byte as usize]
}

/// Looked up for each of some hundred characters, of every request.
static TOKEN_CHARACTERS: [bool; 256] = {
    let mut known = [false; 256];
    let mut byte = 0;
    while byte < known.len() {
        let character = byte as u8 as char;
        known[byte] =
            character.is_ascii_alphanumeric() || matches!(character, '.' | '_' | '~' | '-');
        byte += 1;
    }
    known
};

/// Twice what we mint: enough for any prefix, short enough to be judged at no cost.
const LONGEST: usize = 4096;
