//! The packets of Doubao's speech recognition, as its documentation 6561/1354869 has them.

use serde_json::json;

const REQUEST: u8 = 0b0001;
const AUDIO: u8 = 0b0010;

/// How a client writes its packets.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Form {
    pub(crate) gzip: bool,
    pub(crate) sequence: bool,
}

impl Form {
    pub(crate) fn all() -> impl Iterator<Item = Self> {
        [(false, false), (false, true), (true, false), (true, true)]
            .map(|(gzip, sequence)| Self { gzip, sequence })
            .into_iter()
    }

    /// The request, two packets of sound, and the last.
    pub(crate) fn conversation(self) -> Vec<Vec<u8>> {
        let request = json!({
            "user": {"uid": "u"},
            "audio": {"format": "pcm", "rate": 16_000, "bits": 16, "channel": 1},
            "request": {"model_name": "bigmodel", "enable_punc": true},
        });
        // Every byte there is, so that none of it is UTF-8.
        let sound: Vec<u8> = (0..6_400_u16).map(|at| at.to_le_bytes()[0]).rev().collect();
        vec![
            self.packet(REQUEST, 1, false, request.to_string().as_bytes()),
            self.packet(AUDIO, 2, false, &sound),
            self.packet(AUDIO, 3, false, &sound[..3_201]),
            self.packet(AUDIO, 4, true, &[0xff, 0xfe, 0xc0, 0x80]),
        ]
    }

    fn packet(self, kind: u8, sequence: i32, last: bool, payload: &[u8]) -> Vec<u8> {
        let flags = u8::from(self.sequence) | if last { 0b10 } else { 0 };
        let form = if kind == REQUEST { 0x10 } else { 0x00 } | u8::from(self.gzip);
        let mut packet = vec![0x11, kind << 4 | flags, form, 0];
        if self.sequence {
            let sequence = if last { -sequence } else { sequence };
            packet.extend(sequence.to_be_bytes());
        }
        let payload = match self.gzip {
            true => gzip(payload),
            false => payload.to_vec(),
        };
        packet.extend(u32::try_from(payload.len()).unwrap().to_be_bytes());
        packet.extend(payload);
        packet
    }
}

/// RFC 1952 around one block that is stored as it is (RFC 1951, 3.2.4).
fn gzip(bytes: &[u8]) -> Vec<u8> {
    let length = u16::try_from(bytes.len()).unwrap();
    let mut out = vec![0x1f, 0x8b, 8, 0, 0, 0, 0, 0, 0, 255, 1];
    out.extend(length.to_le_bytes());
    out.extend((!length).to_le_bytes());
    out.extend(bytes);
    out.extend(crc32(bytes).to_le_bytes());
    out.extend(u32::from(length).to_le_bytes());
    out
}

fn crc32(bytes: &[u8]) -> u32 {
    let step = |sum: u32, byte: &u8| {
        let start = sum ^ u32::from(*byte);
        (0..8).fold(start, |sum, _| match sum & 1 {
            1 => (sum >> 1) ^ 0xedb8_8320,
            _ => sum >> 1,
        })
    };
    !bytes.iter().fold(!0, step)
}
