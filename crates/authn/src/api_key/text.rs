//! The text of a key: `tbk_` id `_` secret `_` checksum.
//!
//! | part | characters | from |
//! |---|---|---|
//! | id | 12 of base 62 | random; public, `ak_` and these in lists and in `client_id` |
//! | secret | 43 of base 62 | 256 random bits |
//! | checksum | 6 of base 62 | CRC-32 of everything before its underscore |
//!
//! Only letters, digits and underscores, so that a double click selects all of it; a fixed prefix
//! and a checksum, so that secret scanners can tell it from chance and that a typing error costs
//! no look-up. The checksum keeps nobody out: that is what the hash of the whole text is for.

use std::fmt;

use ring::digest::{SHA256, digest};
use tollbridge_domain::{Entropy, Secret};

use crate::Rejection;

/// A key's text from outside: of the right form, of unknown worth, unprintable.
pub struct RawApiKey {
    text: Secret<String>,
}

impl RawApiKey {
    /// Parses what a request carries. Looks at no more than a key's length of it.
    ///
    /// # Errors
    /// [`Rejection::Malformed`].
    pub fn parse(text: &[u8]) -> Result<Self, Rejection> {
        if text.len() != LENGTH {
            return Err(Rejection::Malformed);
        }
        let text = str::from_utf8(text).map_err(|_not_ours| Rejection::Malformed)?;
        if !is_well_formed(text) {
            return Err(Rejection::Malformed);
        }
        let text = Secret::new(text.to_owned());
        Ok(Self { text })
    }

    /// A new one, from 328 random bits.
    pub(super) fn random(entropy: &dyn Entropy) -> Self {
        // Reserved whole, so that growing leaves no copy of the secret behind.
        let mut text = String::with_capacity(LENGTH);
        text.push_str(PREFIX);
        push_base62(&mut text, random::<9>(entropy), ID);
        text.push('_');
        push_base62(&mut text, random::<32>(entropy), SECRET);
        let checksum = crc32(text.as_bytes());
        text.push('_');
        push_base62(&mut text, checksum.to_be_bytes(), CHECKSUM);
        let text = Secret::new(text);
        Self { text }
    }

    /// `ak_` and 12 characters.
    #[must_use]
    pub fn id(&self) -> String {
        let id = self.text.reveal().get(PREFIX.len()..PREFIX.len() + ID);
        format!("ak_{}", id.unwrap_or_default())
    }

    /// SHA-256 of the text, as it is stored. A slow hash would add nothing: there are 256 random
    /// bits to guess.
    pub(super) fn hash(&self) -> [u8; 32] {
        let mut hash = [0; 32];
        hash.copy_from_slice(digest(&SHA256, self.text.reveal().as_bytes()).as_ref());
        hash
    }

    pub(super) fn into_text(self) -> Secret<String> {
        self.text
    }
}

impl fmt::Debug for RawApiKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("[redacted]")
    }
}

fn is_well_formed(text: &str) -> bool {
    let Some((body, checksum)) = text.rsplit_once('_') else {
        return false;
    };
    let Some((id, secret)) = body
        .strip_prefix(PREFIX)
        .and_then(|rest| rest.split_once('_'))
    else {
        return false;
    };
    let mut expected = String::with_capacity(CHECKSUM);
    push_base62(
        &mut expected,
        crc32(body.as_bytes()).to_be_bytes(),
        CHECKSUM,
    );
    is_base62(id, ID) && is_base62(secret, SECRET) && checksum == expected
}

fn is_base62(text: &str, length: usize) -> bool {
    text.len() == length && text.bytes().all(|byte| byte.is_ascii_alphanumeric())
}

/// Appends the lowest `digits` digits of a big-endian number. Where they hold all of it, nothing
/// of the number is left in memory: what remains is the zero that the division ends with.
fn push_base62<const N: usize>(text: &mut String, mut number: [u8; N], digits: usize) {
    let start = text.len();
    for _ in 0..digits {
        let mut remainder = 0_u16;
        for byte in &mut number {
            let dividend = (remainder << 8) | u16::from(*byte);
            let [_, quotient] = (dividend / 62).to_be_bytes();
            *byte = quotient;
            remainder = dividend % 62;
        }
        let digit = BASE62.get(usize::from(remainder)).copied();
        text.insert(start, char::from(digit.unwrap_or_default()));
    }
}

fn random<const N: usize>(entropy: &dyn Entropy) -> [u8; N] {
    let mut bytes = [0; N];
    entropy.fill(&mut bytes);
    bytes
}

/// CRC-32/ISO-HDLC, bit by bit: sixty bytes a request are not worth a table.
fn crc32(bytes: &[u8]) -> u32 {
    let shift = |crc: u32, _| (crc >> 1) ^ (0xEDB8_8320 & (crc & 1).wrapping_neg());
    let byte = |crc: u32, byte: &u8| (0..8).fold(crc ^ u32::from(*byte), shift);
    !bytes.iter().fold(u32::MAX, byte)
}

/// How every key begins.
pub(super) const PREFIX: &str = "tbk_";

const ID: usize = 12;

/// The fewest digits that hold 256 bits: 62^43 is above 2^256, 62^42 is not.
const SECRET: usize = 43;

/// The fewest digits that hold 32 bits.
const CHECKSUM: usize = 6;

const LENGTH: usize = PREFIX.len() + ID + 1 + SECRET + 1 + CHECKSUM;

const BASE62: &[u8; 62] = b"0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz";

#[cfg(test)]
pub(super) mod tests {
    use proptest::prelude::*;

    use super::*;

    /// Every byte is this one.
    pub(crate) struct Same(pub(crate) u8);

    impl Entropy for Same {
        fn fill(&self, out: &mut [u8]) {
            out.fill(self.0);
        }
    }

    /// The text with one character replaced and its checksum made right again.
    pub(crate) fn altered(text: &str, position: usize) -> String {
        let other = if &text[position..=position] == "A" {
            "B"
        } else {
            "A"
        };
        let mut body = text[..LENGTH - CHECKSUM - 1].to_owned();
        body.replace_range(position..=position, other);
        let checksum = crc32(body.as_bytes());
        body.push('_');
        push_base62(&mut body, checksum.to_be_bytes(), CHECKSUM);
        body
    }

    /// Where the secret is in the text.
    pub(crate) const SECRET_AT: std::ops::Range<usize> =
        PREFIX.len() + ID + 1..PREFIX.len() + ID + 1 + SECRET;

    fn key(byte: u8) -> String {
        let text = RawApiKey::random(&Same(byte)).into_text();
        text.reveal().clone()
    }

    #[test]
    fn the_checksum_is_the_crc_that_everybody_has() {
        assert_eq!(crc32(b"123456789"), 0xCBF4_3926);
    }

    #[test]
    fn base_62_counts() {
        let digits = |number: u32, digits| {
            let mut text = "_".to_owned();
            push_base62(&mut text, number.to_be_bytes(), digits);
            text
        };
        assert_eq!(digits(0, 2), "_00");
        assert_eq!(digits(61, 2), "_0z");
        assert_eq!(digits(62, 2), "_10");
        assert_eq!(digits(u32::MAX, 6), "_4gfFC3");
    }

    #[test]
    fn a_new_key_has_the_documented_form() {
        for byte in [0, 7, 0xFF] {
            let text = key(byte);
            assert_eq!(text.len(), 67);
            assert!(
                text.bytes()
                    .all(|byte| byte.is_ascii_alphanumeric() || byte == b'_')
            );
            let parsed = RawApiKey::parse(text.as_bytes()).unwrap();
            assert_eq!(parsed.id(), format!("ak_{}", &text[4..16]));
        }
    }

    #[test]
    fn all_256_bits_reach_the_secret() {
        assert_eq!(key(0)[SECRET_AT], "0".repeat(43));
        assert_ne!(key(0xFF)[SECRET_AT], key(0xFE)[SECRET_AT]);
        let largest = &key(0xFF)[SECRET_AT];
        assert!(!largest.starts_with('0'), "43 digits are needed: {largest}");
    }

    #[test]
    fn any_one_character_wrong_is_a_typing_error() {
        let text = key(7);
        for position in 0..text.len() {
            let mut wrong = text.clone().into_bytes();
            wrong[position] = if wrong[position] == b'A' { b'B' } else { b'A' };
            let judged = RawApiKey::parse(&wrong);
            assert_eq!(
                judged.unwrap_err(),
                Rejection::Malformed,
                "position {position}"
            );
        }
    }

    /// M05: quotes, comments, NUL, a mebibyte, UTF-8 tricks.
    #[test]
    fn what_attackers_send_is_malformed() {
        let good = key(7);
        let mut bad: Vec<Vec<u8>> = [
            "",
            "tbk_",
            "tbk_' OR 1=1 --",
            "tbk_x'; select pg_sleep(5); --",
            "tbk_\0",
            "tbk_________________________________________________________________",
            "tbk_000000000000_000000000000000000000000000000000000000000é_000000",
            "tbk_000000000000_0000000000000000000000000000000000000000000_00000\u{ff10}",
        ]
        .iter()
        .map(|text| text.as_bytes().to_vec())
        .collect();
        bad.push([good.as_bytes(), &vec![b'A'; 1 << 20]].concat());
        bad.push([good.as_bytes(), b"\0"].concat());
        bad.push([b" ", good.as_bytes()].concat());
        bad.push(good.to_uppercase().into_bytes());
        bad.push(vec![0xFF; 67]);
        for text in bad {
            let judged = RawApiKey::parse(&text).map(|_| ());
            assert_eq!(judged, Err(Rejection::Malformed), "{} bytes", text.len());
        }
    }

    #[test]
    fn it_cannot_be_printed() {
        let raw = RawApiKey::random(&Same(7));
        assert_eq!(format!("{raw:?}"), "[redacted]");
    }

    proptest! {
        #[test]
        fn nothing_makes_the_parser_panic(bytes in prop::collection::vec(any::<u8>(), 0..140)) {
            prop_assert!(RawApiKey::parse(&bytes).is_err());
        }

        #[test]
        fn nothing_of_the_right_length_does_either(tail in "[ -~é]{62,63}") {
            let judged = RawApiKey::parse(format!("tbk_{tail}").as_bytes());
            prop_assert!(judged.is_err());
        }
    }
}
