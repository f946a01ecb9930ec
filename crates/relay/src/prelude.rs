//! Reading one side's first message before the relay begins: the only message whose payload the
//! bridge ever sees, and only on routes that say so.

use bytes::{BufMut as _, BytesMut};
use tokio::{
    io::{AsyncReadExt as _, AsyncWriteExt as _},
    time::{Instant, timeout_at},
};
use tollbridge_domain::Slug;

use crate::{
    Leg,
    head::{Opcode, read_length},
};

/// A first message, whole.
pub struct First {
    /// Whether it came as text.
    pub text: bool,
    /// Unmasked.
    pub payload: Vec<u8>,
    /// What came with it and is still to be read: control frames between its parts, then whatever
    /// lies behind it.
    pub rest: BytesMut,
}

/// What a peer begins with.
pub enum Opening {
    /// A message.
    Message(First),
    /// It closes instead: its close frame, and what else came that is still to be read. No `Debug`: the
    /// reason is a peer's text.
    Close(BytesMut),
}

/// Why there is neither.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum NoFirst {
    /// The peer ended the stream.
    Gone,
    /// It did not come in time.
    Late,
    /// The peer broke a rule.
    Broke(Slug),
}

/// Reads until a whole data message of at most `max` bytes is there, or a close frame. A message's
/// length is judged when a header is read, before a byte of the payload is kept.
///
/// # Errors
/// Where none comes in time, or what comes is not one.
///
/// # Cancellation
/// What was read is lost.
pub async fn first_message<L: Leg>(
    leg: &mut L,
    masked: bool,
    max: usize,
    until: Instant,
) -> Result<Opening, NoFirst> {
    let mut ear = Ear {
        masked,
        max,
        unread: BytesMut::new(),
        between: BytesMut::new(),
        message: None,
        fragments: 0,
    };
    loop {
        if let Some(opening) = ear.hear().map_err(NoFirst::Broke)? {
            return Ok(opening);
        }
        let read = timeout_at(until, leg.read_buf(&mut ear.unread)).await;
        match read.map_err(|_elapsed| NoFirst::Late)? {
            Ok(0) | Err(_) => return Err(NoFirst::Gone),
            Ok(_) => {}
        }
    }
}

/// Sends a text message of the bridge's own, in one frame.
///
/// # Errors
/// Where the peer does not take it in time.
pub async fn say<L: Leg>(leg: &mut L, text: &str, until: Instant) -> Result<(), NoFirst> {
    let frame = message_frame(true, text.as_bytes(), None);
    let sent = timeout_at(until, async {
        leg.write_all(&frame).await?;
        leg.flush().await
    });
    match sent.await {
        Ok(Ok(())) => Ok(()),
        Ok(Err(_)) => Err(NoFirst::Gone),
        Err(_elapsed) => Err(NoFirst::Late),
    }
}

/// One frame with a whole message, masked where it is to look like a client's (RFC 6455, 5.2).
#[must_use]
pub fn message_frame(text: bool, payload: &[u8], mask: Option<[u8; 4]>) -> BytesMut {
    let mut frame = BytesMut::with_capacity(payload.len() + 14);
    let bit = if mask.is_some() { 0x80 } else { 0 };
    frame.put_u8(if text { 0x81 } else { 0x82 });
    match (u8::try_from(payload.len()), u16::try_from(payload.len())) {
        (Ok(short @ ..=125), _) => frame.put_u8(bit | short),
        (_, Ok(medium)) => {
            frame.put_u8(bit | 126);
            frame.put_u16(medium);
        }
        _ => {
            frame.put_u8(bit | 127);
            frame.put_u64(payload.len() as u64);
        }
    }
    match mask {
        Some(key) => {
            frame.put_slice(&key);
            frame.extend(payload.iter().zip(key.iter().cycle()).map(|(a, b)| a ^ b));
        }
        None => frame.put_slice(payload),
    }
    frame
}

struct Ear {
    masked: bool,
    max: usize,
    unread: BytesMut,
    /// Control frames as they came.
    between: BytesMut,
    /// Whether it is text, and what of it is there.
    message: Option<(bool, Vec<u8>)>,
    fragments: u32,
}

impl Ear {
    /// Takes whole frames from what is unread. `Some` where that ends the listening.
    fn hear(&mut self) -> Result<Option<Opening>, Slug> {
        while let Some((head, length, size)) = self.head()? {
            let Some(frame) = self.unread.get(..size + length) else {
                return Ok(None);
            };
            match Opcode::read(head & 0x0f) {
                Some(Opcode::Control(crate::ControlKind::Close)) => {
                    return Ok(Some(Opening::Close(self.unread_yet())));
                }
                Some(Opcode::Control(_)) => {
                    self.between.extend_from_slice(frame);
                    if self.between.len() > MOST_BETWEEN {
                        return Err(Slug::ProtocolError);
                    }
                }
                _ => {
                    let payload = unmasked(frame, size, self.masked);
                    let (_, message) = self.message.get_or_insert_default();
                    message.extend(payload);
                }
            }
            drop(self.unread.split_to(size + length));
            let data = head & 0x08 == 0;
            if data
                && head & 0x80 != 0
                && let Some((text, payload)) = self.message.take()
            {
                return Ok(Some(Opening::Message(First {
                    text,
                    payload,
                    rest: self.unread_yet(),
                })));
            }
        }
        Ok(None)
    }

    /// Control frames that came between, and whatever has not been taken.
    fn unread_yet(&mut self) -> BytesMut {
        let mut rest = std::mem::take(&mut self.between);
        rest.unsplit(std::mem::take(&mut self.unread));
        rest
    }

    /// First byte, payload length and header size of the frame in front, once its header is there
    /// and is one that may come here.
    fn head(&mut self) -> Result<Option<(u8, usize, usize)>, Slug> {
        let [first, second, ..] = *self.unread else {
            return Ok(None);
        };
        let opcode = Opcode::read(first & 0x0f).ok_or(Slug::ProtocolError)?;
        if first & 0x70 != 0 || (second & 0x80 != 0) != self.masked {
            return Err(Slug::ProtocolError);
        }
        let Some((length, extension)) = read_length(second & 0x7f, &self.unread)? else {
            return Ok(None);
        };
        let have = self.message.as_ref().map_or(0, |(_, bytes)| bytes.len());
        let length = usize::try_from(length).unwrap_or(usize::MAX);
        match (opcode, &self.message) {
            (Opcode::Control(_), _) if first & 0x80 == 0 || length > 125 => {
                return Err(Slug::ProtocolError);
            }
            (Opcode::Control(_), _) => {}
            (Opcode::Start, Some(_)) | (Opcode::Continuation, None) => {
                return Err(Slug::ProtocolError);
            }
            _ if length > self.max - have.min(self.max) => return Err(Slug::MessageTooBig),
            _ => {}
        }
        let size = 2 + extension + if self.masked { 4 } else { 0 };
        if self.unread.len() < size + length {
            self.unread.reserve(size + length - self.unread.len());
            return Ok(Some((first, length, size)));
        }
        if !matches!(opcode, Opcode::Control(_)) {
            self.fragments += 1;
            if self.fragments > MOST_FRAGMENTS {
                return Err(Slug::MessageTooBig);
            }
            if self.message.is_none() {
                self.message = Some((first & 0x0f == 1, Vec::new()));
            }
        }
        Ok(Some((first, length, size)))
    }
}

fn unmasked(frame: &[u8], size: usize, masked: bool) -> Vec<u8> {
    let payload = frame.get(size..).unwrap_or_default();
    let key = frame.get(size.saturating_sub(4)..size).unwrap_or_default();
    if !masked || key.len() < 4 {
        return payload.to_vec();
    }
    let pairs = payload.iter().zip(key.iter().cycle());
    pairs.map(|(byte, key)| byte ^ key).collect()
}

/// Control frames between the parts of one message.
const MOST_BETWEEN: usize = 4096;

/// Parts of one message.
const MOST_FRAGMENTS: u32 = 64;

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use tokio::io::duplex;

    use super::*;

    const KEY: [u8; 4] = [1, 2, 3, 4];

    async fn heard(bytes: &[u8], max: usize) -> Result<Opening, NoFirst> {
        let (mut peer, mut leg) = duplex(1 << 20);
        peer.write_all(bytes).await.unwrap();
        let until = Instant::now() + Duration::from_secs(5);
        first_message(&mut leg, true, max, until).await
    }

    fn part(first: u8, payload: &[u8]) -> Vec<u8> {
        let mut frame = message_frame(true, payload, Some(KEY)).to_vec();
        frame[0] = first;
        frame
    }

    #[tokio::test(start_paused = true)]
    async fn a_message_is_put_together_and_what_is_around_it_is_kept() {
        let ping = part(0x89, b"p");
        let bytes = [
            part(0x01, b"{\"a\""),
            ping.clone(),
            part(0x00, b":"),
            part(0x80, b"1}"),
            part(0x82, b"next"),
        ]
        .concat();
        let Ok(Opening::Message(first)) = heard(&bytes, 16).await else {
            panic!("no message");
        };
        assert!(first.text);
        assert_eq!(first.payload, b"{\"a\":1}");
        assert_eq!(first.rest, [ping, part(0x82, b"next")].concat());
    }

    #[tokio::test(start_paused = true)]
    async fn what_breaks_a_rule_is_no_first_message() {
        let broke = |slug| Some(NoFirst::Broke(slug));
        for (bytes, verdict) in [
            (part(0x81, &[b'x'; 17]), broke(Slug::MessageTooBig)),
            (
                [part(0x01, &[b'x'; 9]), part(0x80, &[b'x'; 9])].concat(),
                broke(Slug::MessageTooBig),
            ),
            // Judged by its header: the payload never comes.
            (
                vec![0x81, 0xff, 0, 0, 1, 0, 0, 0, 0, 0],
                broke(Slug::MessageTooBig),
            ),
            (part(0xc1, b"x"), broke(Slug::ProtocolError)),
            (part(0x80, b"x"), broke(Slug::ProtocolError)),
            (part(0x09, b"x"), broke(Slug::ProtocolError)),
            (part(0x83, b"x"), broke(Slug::ProtocolError)),
            (
                [part(0x01, b""), part(0x81, b"")].concat(),
                broke(Slug::ProtocolError),
            ),
            (
                message_frame(true, b"unmasked", None).to_vec(),
                broke(Slug::ProtocolError),
            ),
            (part(0x89, b"only a ping"), Some(NoFirst::Late)),
            (part(0x01, b"half"), Some(NoFirst::Late)),
        ] {
            assert_eq!(heard(&bytes, 16).await.err(), verdict, "{bytes:x?}");
        }
    }

    #[tokio::test(start_paused = true)]
    async fn a_close_frame_is_kept_as_it_came() {
        let ping = part(0x89, b"p");
        let close = [part(0x88, b"\x0f\xa1bad plan"), b"behind it".to_vec()].concat();
        let bytes = [part(0x01, b"half"), ping.clone(), close.clone()].concat();
        let Ok(Opening::Close(unread)) = heard(&bytes, 16).await else {
            panic!("no close frame");
        };
        assert_eq!(unread, [ping, close].concat());
    }

    #[tokio::test(start_paused = true)]
    async fn empty_fragments_come_to_an_end() {
        let bytes = [part(0x01, b""), part(0x00, b"").repeat(64)].concat();
        let verdict = heard(&bytes, 16).await.err();
        assert_eq!(verdict, Some(NoFirst::Broke(Slug::MessageTooBig)));
    }

    #[test]
    fn a_frame_has_the_shortest_length() {
        for (length, size) in [(0, 2), (125, 2), (126, 4), (65_535, 4), (65_536, 10)] {
            assert_eq!(
                message_frame(true, &vec![0; length], None).len(),
                length + size
            );
            assert_eq!(
                message_frame(true, &vec![0; length], Some(KEY)).len(),
                length + size + 4
            );
        }
    }
}
