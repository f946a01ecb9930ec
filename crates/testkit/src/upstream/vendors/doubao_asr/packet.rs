//! The binary frames of "sauc" v3: a header of four bytes, perhaps a sequence, a size, a payload.

use std::io::{Read as _, Write as _};

use flate2::{Compression, read::GzDecoder, write::GzEncoder};

use super::BAD_REQUEST;

/// The first message of a client.
pub(super) const REQUEST: u8 = 0b0001;
/// Audio.
pub(super) const AUDIO: u8 = 0b0010;
const RESPONSE: u8 = 0b1001;
const ERROR: u8 = 0b1111;

/// Version 1, header of one word.
const FIRST_BYTE: u8 = 0x11;
const HAS_SEQUENCE: u8 = 0b0001;
const IS_LAST: u8 = 0b0010;
const GZIP: u8 = 0b0001;

/// What a client said.
pub(super) struct Packet {
    pub(super) kind: u8,
    pub(super) last: bool,
    /// The third byte: serialization and compression.
    pub(super) form: u8,
    /// Decompressed.
    pub(super) payload: Vec<u8>,
}

impl Packet {
    /// Reads one, strictly: every byte must be accounted for.
    pub(super) fn parse(bytes: &[u8]) -> Result<Self, (u32, String)> {
        let wrong = |what: &str| (BAD_REQUEST, format!("a frame with {what}"));
        let (header, mut rest) = bytes
            .split_first_chunk::<4>()
            .ok_or_else(|| wrong("no header"))?;
        let [first, kind_and_flags, form, reserved] = *header;
        if first != FIRST_BYTE || reserved != 0 {
            return Err(wrong("another version or header size"));
        }
        let (kind, flags) = (kind_and_flags >> 4, kind_and_flags & 0x0f);
        if flags & !(HAS_SEQUENCE | IS_LAST) != 0 || form >> 4 > 1 || form & 0x0f > GZIP {
            return Err(wrong("unknown flags, serialization or compression"));
        }
        let last = flags & IS_LAST != 0;
        if flags & HAS_SEQUENCE != 0 {
            let sequence = take(&mut rest).map(i32::from_be_bytes);
            let sequence = sequence.ok_or_else(|| wrong("no sequence"))?;
            if (sequence < 0) != last {
                return Err(wrong("a sequence of the wrong sign"));
            }
        }
        let size = take(&mut rest).map(u32::from_be_bytes);
        if size.and_then(|size| usize::try_from(size).ok()) != Some(rest.len()) {
            return Err(wrong("a size that is not its payload's"));
        }
        let payload = match form & 0x0f {
            GZIP if !rest.is_empty() => gunzip(rest).ok_or_else(|| wrong("broken gzip"))?,
            _ => rest.to_vec(),
        };
        Ok(Self {
            kind,
            last,
            form,
            payload,
        })
    }
}

/// An answer in the client's own serialization and compression.
pub(super) fn response(form: u8, sequence: i32, last: bool, json: &str) -> Vec<u8> {
    let flags = HAS_SEQUENCE | if last { IS_LAST } else { 0 };
    let sequence = if last { -sequence } else { sequence };
    let payload = match form & 0x0f {
        GZIP => gzip(json.as_bytes()),
        _ => json.as_bytes().to_vec(),
    };
    let mut out = vec![FIRST_BYTE, (RESPONSE << 4) | flags, form, 0];
    out.extend_from_slice(&sequence.to_be_bytes());
    push_sized(&mut out, &payload);
    out
}

/// An error, uncompressed.
pub(super) fn error(code: u32, why: &str) -> Vec<u8> {
    let mut out = vec![FIRST_BYTE, ERROR << 4, 0x10, 0];
    out.extend_from_slice(&code.to_be_bytes());
    push_sized(
        &mut out,
        serde_json::json!({"error": why}).to_string().as_bytes(),
    );
    out
}

fn push_sized(out: &mut Vec<u8>, payload: &[u8]) {
    out.extend_from_slice(&u32::try_from(payload.len()).unwrap().to_be_bytes());
    out.extend_from_slice(payload);
}

fn take(rest: &mut &[u8]) -> Option<[u8; 4]> {
    let (word, tail) = rest.split_first_chunk::<4>()?;
    *rest = tail;
    Some(*word)
}

fn gunzip(bytes: &[u8]) -> Option<Vec<u8>> {
    /// Far above 200 ms of audio: a bomb is not audio.
    const LARGEST: u64 = 16 * 1024 * 1024;
    let mut out = Vec::new();
    GzDecoder::new(bytes)
        .take(LARGEST)
        .read_to_end(&mut out)
        .ok()?;
    Some(out)
}

fn gzip(bytes: &[u8]) -> Vec<u8> {
    let mut encoder = GzEncoder::new(Vec::new(), Compression::fast());
    encoder.write_all(bytes).unwrap();
    encoder.finish().unwrap()
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The worked bytes of the vendor's frames.
    #[test]
    fn the_worked_examples_are_understood() {
        let audio = Packet::parse(b"\x11\x20\x00\x00\x00\x00\x00\x04abcd").unwrap();
        assert_eq!(
            (audio.kind, audio.last, audio.payload),
            (AUDIO, false, b"abcd".to_vec())
        );
        let last = Packet::parse(b"\x11\x23\x00\x00\xff\xff\xff\xfb\0\0\0\0").unwrap();
        assert_eq!((last.kind, last.last), (AUDIO, true));
    }

    #[test]
    fn the_worked_examples_are_made() {
        let json = "x".repeat(24);
        let first = response(0x10, 1, false, &json);
        assert_eq!(first[..12], *b"\x11\x91\x10\0\0\0\0\x01\0\0\0\x18");
        let last = response(0x10, 3, true, &json);
        assert_eq!(last[..12], *b"\x11\x93\x10\0\xff\xff\xff\xfd\0\0\0\x18");
        assert_eq!(
            error(45_000_001, "abcd")[..12],
            *b"\x11\xf0\x10\0\x02\xae\xa5\x41\0\0\0\x10"
        );
    }

    #[test]
    fn every_byte_counts() {
        for wrong in [
            &b"\x11\x20\0"[..],
            b"\x21\x20\0\0\0\0\0\0",
            b"\x11\x20\0\x01\0\0\0\0",
            b"\x11\x20\0\0\0\0\0\x01",
            b"\x11\x20\0\0\0\0\0\0x",
            b"\x11\x23\0\0\0\0\0\x05\0\0\0\0",
            b"\x11\x20\x01\0\0\0\0\x01x",
        ] {
            assert!(Packet::parse(wrong).is_err(), "{wrong:?}");
        }
    }

    #[test]
    fn gzip_goes_both_ways() {
        assert_eq!(gunzip(&gzip(b"speech")).unwrap(), b"speech");
    }
}
