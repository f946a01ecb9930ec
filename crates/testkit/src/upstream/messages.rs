//! Whole messages, for upstreams that understand what is said.

use std::io;

use super::link::Link;
use crate::frame::{CLOSE, CONTINUATION, Event, Frame, PING};

/// The payload of the next data message, put together; `None` at the end. Pings are answered
/// where `pongs`, a close always.
pub(super) async fn next(link: &mut Link, pongs: bool) -> io::Result<Option<Vec<u8>>> {
    let mut message = Vec::new();
    let mut begun = false;
    loop {
        let Event::Frame(frame) = link.read().await else {
            return Ok(None);
        };
        match frame.opcode {
            CLOSE => {
                link.send(frame).await?;
                return Ok(None);
            }
            PING if pongs => link.send(Frame::pong(&frame.payload)).await?,
            _ if frame.is_control() => {}
            opcode if begun != (opcode == CONTINUATION) => {
                return Err(io::Error::other("a fragment out of order"));
            }
            _ => {
                begun = true;
                message.extend_from_slice(&frame.payload);
                if frame.fin {
                    return Ok(Some(message));
                }
            }
        }
    }
}
