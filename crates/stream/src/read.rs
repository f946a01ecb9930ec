//! From the socket to the reader.

use std::{
    io,
    mem::take,
    pin::Pin,
    task::{Context, Poll, ready},
};

use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};

use crate::{
    Tls,
    engine::{Turn, failure},
    kept::Kept,
    scratch::{INCOMING, LONGEST_TORN, RECORD, RECORD_HEAD, RECORD_ON_WIRE, Scratch},
    tls::Courier,
};

impl<IO: AsyncRead + AsyncWrite + Unpin> AsyncRead for Tls<IO> {
    fn poll_read(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buf: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        let this = self.get_mut();
        let filled = buf.filled().len();
        this.yielded = false;
        this.send_what_anybody_may(cx);
        this.take_spilt(buf);
        let mut rounds = 0..ROUNDS;
        while buf.filled().len() == filled && buf.remaining() > 0 && !this.ended {
            if let Some(error) = &this.failed {
                return Poll::Ready(Err(failure(error.clone())));
            }
            if rounds.next().is_none() {
                this.yielded = true;
                cx.waker().wake_by_ref();
                return Poll::Pending;
            }
            // Once is enough where data came: to ask again until there is none would cost a call
            // more for each message. It goes round for half a record or a session ticket only.
            ready!(this.poll_pull(cx, buf))?;
            this.send_what_anybody_may(cx);
        }
        Poll::Ready(Ok(()))
    }
}

impl<IO: AsyncRead + AsyncWrite + Unpin> Tls<IO> {
    /// Reads once from the socket and decrypts what came.
    pub(crate) fn poll_pull(
        &mut self,
        cx: &mut Context<'_>,
        buf: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<Turn>> {
        let mut scratch = Scratch::incoming();
        let kept = self.torn.len();
        let limit = appetite(buf.remaining(), kept);
        let mut room = ReadBuf::new(scratch.bytes().get_mut(kept..limit).unwrap_or_default());
        ready!(Pin::new(&mut self.io).poll_read(cx, &mut room))?;
        let count = room.filled().len();
        if count == 0 {
            // What is torn stays: rustls may know a place in it.
            self.ended = true;
            return Poll::Ready(Ok(Turn::PeerClosed));
        }
        let bytes = scratch.bytes().get_mut(..kept + count).unwrap_or_default();
        bytes
            .get_mut(..kept)
            .unwrap_or_default()
            .copy_from_slice(&self.torn);
        self.torn = Vec::new();
        Poll::Ready(Ok(self.digest(bytes, buf)))
    }

    /// Works through ciphertext until there is nothing more to be made of it.
    pub(crate) fn digest(&mut self, bytes: &mut [u8], buf: &mut ReadBuf<'_>) -> Turn {
        let mut rest = bytes;
        let turn = loop {
            let spilt = &mut self.spilt;
            let plain = |plain: &[u8]| deliver(plain, buf, spilt);
            let (done, turn) = self.engine.step(rest, plain, &mut self.unsent);
            rest = take(&mut rest).get_mut(done..).unwrap_or_default();
            if !matches!(turn, Turn::Again) {
                break turn;
            }
        };
        let turn = match turn {
            Turn::Hungry | Turn::Open if rest.len() > LONGEST_TORN => {
                let endless = "a TLS handshake message that does not end".to_owned();
                Turn::Failed(rustls::Error::General(endless))
            }
            turn => turn,
        };
        match &turn {
            Turn::Again | Turn::Hungry | Turn::Open => self.torn = rest.to_vec(),
            Turn::PeerClosed => self.ended = true,
            Turn::Failed(error) => {
                self.failed = Some(error.clone());
                self.engine.alert(&mut self.unsent);
                if self.courier == Courier::NextWrite {
                    self.courier = Courier::Anybody;
                }
            }
        }
        turn
    }

    fn take_spilt(&mut self, buf: &mut ReadBuf<'_>) {
        if !self.spilt.is_empty() {
            let rest = self.spilt.rest();
            let fits = rest.len().min(buf.remaining());
            buf.put_slice(rest.get(..fits).unwrap_or_default());
            self.spilt.advance(fits);
        }
    }

    /// A reader may bring it to the socket where no writer waits for that.
    fn send_what_anybody_may(&mut self, cx: &mut Context<'_>) {
        if self.courier == Courier::Anybody
            && let Poll::Ready(Err(_)) = self.poll_send(cx)
        {
            // There may be more to read, and after that the socket says itself what is wrong.
            self.unsent.clear();
        }
    }
}

/// Reads in a row of which nothing came for the reader, such as new keys without end, before others get their turn.
const ROUNDS: usize = 4;

fn deliver(plain: &[u8], buf: &mut ReadBuf<'_>, spilt: &mut Kept) {
    let (now, later) = plain.split_at(plain.len().min(buf.remaining()));
    buf.put_slice(now);
    spilt.push(later);
}

/// How much ciphertext may be at hand for a reader with so much room: no more than makes that much
/// plaintext, so that none is left over; but a whole record, or nothing would ever come of it.
fn appetite(room: usize, kept: usize) -> usize {
    let records = room.div_ceil(RECORD) * RECORD_HEAD;
    let least = match kept {
        0..RECORD_ON_WIRE => RECORD_ON_WIRE,
        // A handshake message in several records.
        _ => kept + RECORD_ON_WIRE,
    };
    room.saturating_add(records).max(least).min(INCOMING)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_reader_is_never_given_more_than_it_has_room_for() {
        for room in [
            RECORD_ON_WIRE,
            32 * 1024,
            64 * 1024,
            64 * 1024 + 14,
            80 * 1024,
        ] {
            let wire = appetite(room, 0);
            let records = wire.div_ceil(RECORD + RECORD_HEAD);
            assert!(wire - records * RECORD_HEAD <= room, "{room}");
            assert!(
                wire - records * RECORD_HEAD + 2 * RECORD_HEAD > room,
                "{room}"
            );
        }
    }

    #[test]
    fn there_is_always_room_for_a_record_and_never_more_than_the_buffer() {
        assert_eq!(appetite(1, 0), RECORD_ON_WIRE);
        assert_eq!(appetite(1, RECORD_ON_WIRE - 1), RECORD_ON_WIRE);
        assert_eq!(appetite(1, RECORD_ON_WIRE), 2 * RECORD_ON_WIRE);
        assert_eq!(appetite(usize::MAX / 2, 0), INCOMING);
        let fullest = appetite(1, LONGEST_TORN);
        assert_eq!(fullest, LONGEST_TORN + RECORD_ON_WIRE);
        assert!(fullest < INCOMING, "there would be no room to read");
    }
}
