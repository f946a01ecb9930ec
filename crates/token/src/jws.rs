//! The compact serialisation of RFC 7515, and only that.

use base64::{Engine as _, engine::general_purpose::URL_SAFE_NO_PAD};

use crate::InvalidReason;

/// The three parts of a compact JWS.
pub(crate) struct Compact<'a> {
    /// What is signed: the encoded header, a dot, the encoded claims.
    pub(crate) message: &'a str,
    /// The encoded signature.
    pub(crate) signature: &'a str,
    /// The header's JSON.
    pub(crate) header: Vec<u8>,
    /// The claims' JSON.
    pub(crate) claims: Vec<u8>,
}

impl<'a> Compact<'a> {
    /// Exactly three parts of base64url, unpadded, each in its one canonical spelling.
    pub(crate) fn split(text: &'a str) -> Result<Self, InvalidReason> {
        let (message, signature) = text.rsplit_once('.').ok_or(InvalidReason::NotCompact)?;
        let (header, claims) = message.split_once('.').ok_or(InvalidReason::NotCompact)?;
        if claims.contains('.') {
            return Err(InvalidReason::NotCompact);
        }
        decode(signature)?;
        Ok(Self {
            message,
            signature,
            header: decode(header)?,
            claims: decode(claims)?,
        })
    }
}

/// One part of a compact JWS.
pub(crate) fn encode(part: &[u8]) -> String {
    URL_SAFE_NO_PAD.encode(part)
}

/// Refuses padding, foreign characters, and a last character with stray bits.
fn decode(part: &str) -> Result<Vec<u8>, InvalidReason> {
    URL_SAFE_NO_PAD
        .decode(part)
        .ok()
        .ok_or(InvalidReason::Encoding)
}
