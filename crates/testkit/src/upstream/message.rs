//! Messages, put together from frames (RFC 6455, 5.4).

use serde_json::Value;

use crate::frame::{BINARY, CONTINUATION, Frame, TEXT};

/// More than any vendor takes: OpenAI's 15 MiB of audio are 20 MiB of base64.
const LARGEST: usize = 32 * 1024 * 1024;

/// A whole message.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Message {
    /// Whether it came as binary and not as text.
    pub binary: bool,
    /// Its payload.
    pub payload: Vec<u8>,
}

impl Message {
    /// The JSON that it is, if it is.
    #[must_use]
    pub fn json(&self) -> Option<Value> {
        serde_json::from_slice(&self.payload).ok()
    }
}

/// A message in the making.
#[derive(Debug, Default)]
pub(super) struct Assembly(Option<Message>);

impl Assembly {
    /// Adds a data frame; the message, where that was its last. An error is the code and reason
    /// of the close that is due.
    pub(super) fn take(&mut self, frame: Frame) -> Result<Option<Message>, (u16, &'static str)> {
        if frame.mask.is_none() {
            return Err((1002, "a client's frames are masked"));
        }
        if frame.rsv != 0 {
            return Err((1002, "no extension was agreed"));
        }
        let mut message = match (frame.opcode, self.0.take()) {
            (CONTINUATION, Some(begun)) => begun,
            (TEXT | BINARY, None) => Message {
                binary: frame.opcode == BINARY,
                payload: Vec::new(),
            },
            _ => return Err((1002, "a fragment out of order")),
        };
        message.payload.extend_from_slice(&frame.payload);
        if message.payload.len() > LARGEST {
            return Err((1009, "a message too large"));
        }
        if frame.fin {
            return Ok(Some(message));
        }
        self.0 = Some(message);
        Ok(None)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const KEY: [u8; 4] = [1, 2, 3, 4];

    #[test]
    fn fragments_become_one_message() {
        let mut assembly = Assembly::default();
        let first = Frame::text("ab").more().masked(KEY);
        assert_eq!(assembly.take(first), Ok(None));
        let message = assembly.take(Frame::continuation("c").masked(KEY));
        let (binary, payload) = (false, b"abc".to_vec());
        assert_eq!(message, Ok(Some(Message { binary, payload })));
    }

    #[test]
    fn what_the_protocol_forbids_is_not_taken() {
        for frame in [
            Frame::text("bare"),
            Frame::text("extended").rsv(4).masked(KEY),
            Frame::continuation("of nothing").masked(KEY),
            Frame::new(3, "unknown").masked(KEY),
        ] {
            assert_eq!(Assembly::default().take(frame).unwrap_err().0, 1002);
        }
    }
}
