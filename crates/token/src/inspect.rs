//! What a token seems to say, for operators.

use serde::Serialize;
use serde_json::Value;

use crate::{Claims, InvalidReason, RawToken, header::Header, jws::Compact};

/// The parts of a token whose signature nobody has checked.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Inspected {
    /// Always `false`: whoever prints this says so.
    pub verified: bool,
    /// The header, as it is.
    pub header: Value,
    /// The claims, as they are.
    pub claims: Value,
}

/// Decodes without verifying: anyone may have written this.
///
/// # Errors
/// Where the text is not a compact JWS with two JSON objects.
pub fn inspect(raw: &RawToken) -> Result<Inspected, InvalidReason> {
    let token = Compact::split(raw.reveal_for_verification())?;
    Ok(Inspected {
        verified: false,
        header: object(&token.header).ok_or(InvalidReason::Header)?,
        claims: object(&token.claims).ok_or(InvalidReason::Claims)?,
    })
}

/// Whether the text has the form of a token, as far as that can be said without a key. This is
/// everything that parses what strangers send, and what is fuzzed.
#[must_use]
pub fn parses(text: &str) -> bool {
    let Ok(raw) = RawToken::parse(text) else {
        return false;
    };
    Compact::split(raw.reveal_for_verification()).is_ok_and(|token| {
        // Both, whatever the first says: a fuzzer should reach both.
        let (header, claims) = (Header::parse(&token.header), Claims::parse(&token.claims));
        header.is_ok() && claims.is_ok()
    })
}

fn object(json: &[u8]) -> Option<Value> {
    serde_json::from_slice(json).ok().filter(Value::is_object)
}
