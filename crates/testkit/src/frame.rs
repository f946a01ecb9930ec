//! WebSocket frames, right and wrong (RFC 6455, 5.2).

use std::io;

use tokio::io::{AsyncRead, AsyncReadExt as _};

/// The continuation of a message.
pub(crate) const CONTINUATION: u8 = 0;
/// A text message, or the start of one.
pub(crate) const TEXT: u8 = 1;
/// A binary message, or the start of one.
pub(crate) const BINARY: u8 = 2;
/// The end.
pub(crate) const CLOSE: u8 = 8;
/// Asks whether the peer is there.
pub(crate) const PING: u8 = 9;
/// Says so.
pub(crate) const PONG: u8 = 10;

/// More than any test sends, less than would hurt.
const LONGEST_PAYLOAD: u64 = 256 * 1024 * 1024;

/// One frame. What is sent is exactly what it says, however wrong.
#[derive(Clone, Eq, PartialEq)]
pub struct Frame {
    /// Whether it ends its message.
    pub fin: bool,
    /// The three reserved bits, RSV1 being 4.
    pub rsv: u8,
    /// 0 to 15.
    pub opcode: u8,
    /// The masking key, where the frame is masked.
    pub mask: Option<[u8; 4]>,
    /// Unmasked.
    pub payload: Vec<u8>,
}

/// How the length is written.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
pub enum LengthForm {
    /// As RFC 6455 wants it.
    #[default]
    Minimal,
    /// In two bytes, however small.
    Sixteen,
    /// In eight bytes, however small.
    SixtyFour,
}

/// What a peer did.
#[derive(Clone, Debug, Eq, PartialEq)]
pub enum Event {
    /// Sent a frame.
    Frame(Frame),
    /// Ended its half of the connection.
    Eof,
    /// Broke the connection, perhaps in the middle of a frame.
    Reset,
}

impl Frame {
    /// A whole text message.
    #[must_use]
    pub fn text(text: impl AsRef<[u8]>) -> Self {
        Self::new(TEXT, text)
    }

    /// A whole binary message.
    #[must_use]
    pub fn binary(bytes: impl AsRef<[u8]>) -> Self {
        Self::new(BINARY, bytes)
    }

    /// The last fragment of a message.
    #[must_use]
    pub fn continuation(bytes: impl AsRef<[u8]>) -> Self {
        Self::new(CONTINUATION, bytes)
    }

    /// A ping.
    #[must_use]
    pub fn ping(bytes: impl AsRef<[u8]>) -> Self {
        Self::new(PING, bytes)
    }

    /// A pong.
    #[must_use]
    pub fn pong(bytes: impl AsRef<[u8]>) -> Self {
        Self::new(PONG, bytes)
    }

    /// A close frame with code and reason.
    #[must_use]
    pub fn close(code: u16, reason: &str) -> Self {
        let mut payload = code.to_be_bytes().to_vec();
        payload.extend_from_slice(reason.as_bytes());
        Self::new(CLOSE, payload)
    }

    /// A final frame of any opcode.
    #[must_use]
    pub fn new(opcode: u8, payload: impl AsRef<[u8]>) -> Self {
        Self {
            fin: true,
            rsv: 0,
            opcode,
            mask: None,
            payload: payload.as_ref().to_vec(),
        }
    }

    /// The same with more to come.
    #[must_use]
    pub const fn more(mut self) -> Self {
        self.fin = false;
        self
    }

    /// The same with reserved bits.
    #[must_use]
    pub const fn rsv(mut self, bits: u8) -> Self {
        self.rsv = bits;
        self
    }

    /// The same masked with this key.
    #[must_use]
    pub const fn masked(mut self, key: [u8; 4]) -> Self {
        self.mask = Some(key);
        self
    }

    /// The code and reason of a close frame.
    #[must_use]
    pub fn close_parts(&self) -> Option<(u16, String)> {
        let (code, reason) = self.payload.split_first_chunk::<2>()?;
        (self.opcode == CLOSE).then(|| {
            let reason = String::from_utf8_lossy(reason).into_owned();
            (u16::from_be_bytes(*code), reason)
        })
    }

    /// The payload as text.
    ///
    /// # Panics
    /// Where it is not UTF-8.
    #[must_use]
    pub fn as_text(&self) -> &str {
        std::str::from_utf8(&self.payload).expect("a payload in UTF-8")
    }

    /// Bytes as they go on the wire.
    #[must_use]
    pub fn encode(&self) -> Vec<u8> {
        self.encode_as(None, LengthForm::Minimal)
    }

    /// Bytes with another length declared than the payload has, or with the length written in
    /// more bytes than it needs.
    #[must_use]
    pub fn encode_as(&self, declared: Option<u64>, form: LengthForm) -> Vec<u8> {
        let length = declared.unwrap_or_else(|| u64::try_from(self.payload.len()).unwrap());
        let mut out = vec![(u8::from(self.fin) << 7) | (self.rsv << 4) | self.opcode];
        let mask_bit = u8::from(self.mask.is_some()) << 7;
        match (form, length) {
            (LengthForm::Minimal, 0..=125) => out.push(mask_bit | length as u8),
            (LengthForm::Minimal, 126..=0xffff) | (LengthForm::Sixteen, _) => {
                out.push(mask_bit | 126);
                out.extend_from_slice(&(length as u16).to_be_bytes());
            }
            _ => {
                out.push(mask_bit | 127);
                out.extend_from_slice(&length.to_be_bytes());
            }
        }
        let start = out.len();
        if let Some(key) = self.mask {
            out.extend_from_slice(&key);
        }
        out.extend_from_slice(&self.payload);
        if let Some(key) = self.mask {
            apply_mask(&mut out[start + 4..], key);
        }
        out
    }

    /// Reads one frame.
    ///
    /// # Errors
    /// Where the connection ends inside the frame or the frame is absurdly long; `None` where it
    /// ends before.
    pub async fn read<R: AsyncRead + Unpin>(from: &mut R) -> io::Result<Option<Self>> {
        let mut first = [0; 2];
        if from.read(&mut first[..1]).await? == 0 {
            return Ok(None);
        }
        from.read_exact(&mut first[1..]).await?;
        let length = match first[1] & 0x7f {
            126 => u64::from(from.read_u16().await?),
            127 => from.read_u64().await?,
            short => u64::from(short),
        };
        if length > LONGEST_PAYLOAD {
            return Err(io::Error::other("a frame longer than any test sends"));
        }
        let mask = match first[1] & 0x80 {
            0 => None,
            _ => Some(from.read_u32().await?.to_be_bytes()),
        };
        let mut payload = vec![0; usize::try_from(length).unwrap()];
        from.read_exact(&mut payload).await?;
        if let Some(key) = mask {
            apply_mask(&mut payload, key);
        }
        Ok(Some(Self {
            fin: first[0] & 0x80 != 0,
            rsv: (first[0] >> 4) & 7,
            opcode: first[0] & 0x0f,
            mask,
            payload,
        }))
    }

    pub(crate) const fn is_control(&self) -> bool {
        self.opcode >= CLOSE
    }
}

impl std::fmt::Debug for Frame {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let start = &self.payload[..self.payload.len().min(64)];
        write!(
            f,
            "Frame(opcode {}, fin {}, rsv {}, masked {}, {} bytes: {:?})",
            self.opcode,
            self.fin,
            self.rsv,
            self.mask.is_some(),
            self.payload.len(),
            String::from_utf8_lossy(start),
        )
    }
}

impl Event {
    /// From what reading a frame gave.
    pub(crate) fn of(read: io::Result<Option<Frame>>) -> Self {
        match read {
            Ok(Some(frame)) => Self::Frame(frame),
            Ok(None) => Self::Eof,
            Err(_) => Self::Reset,
        }
    }

    /// The frame.
    ///
    /// # Panics
    /// Where there is none.
    #[must_use]
    pub fn frame(self) -> Frame {
        match self {
            Self::Frame(frame) => frame,
            other => panic!("a frame was expected, not {other:?}"),
        }
    }
}

fn apply_mask(payload: &mut [u8], key: [u8; 4]) {
    for (byte, key) in payload.iter_mut().zip(key.iter().cycle()) {
        *byte ^= key;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn what_is_encoded_is_read_back() {
        for length in [0, 1, 125, 126, 65_535, 65_536] {
            let frame = Frame::binary(vec![7; length])
                .more()
                .rsv(4)
                .masked([1, 2, 3, 4]);
            let bytes = frame.encode();
            let read = Frame::read(&mut bytes.as_slice()).await.unwrap().unwrap();
            assert_eq!(read, frame, "{length}");
        }
    }

    #[test]
    fn a_length_can_be_a_lie() {
        let bytes = Frame::text("a").encode_as(Some(1 << 40), LengthForm::Minimal);
        assert_eq!(bytes[..2], [0x81, 127]);
        assert_eq!(bytes.len(), 2 + 8 + 1);
        let bytes = Frame::text("a").encode_as(None, LengthForm::Sixteen);
        assert_eq!(bytes, [0x81, 126, 0, 1, b'a']);
    }
}
