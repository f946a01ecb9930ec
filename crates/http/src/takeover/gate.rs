//! One request after the other on a connection, and none after an answer that ends it.
//!
//! actix reads ahead: what stands behind a request in the same segment is decoded, handled and
//! answered even where the first answer says `Connection: close` (RFC 9112, 9.6 forbids it). Behind
//! a refused upgrade that can be anything a stranger made a browser or a proxy send. So a connection
//! is read head by head, and not at all while a request without a body is answered.

use std::{
    cell::{Cell, RefCell},
    io,
    pin::Pin,
    rc::Rc,
    task::{Context, Poll, Waker, ready},
    time::Duration,
};

use bytes::{Buf as _, BytesMut};
use memchr::memchr;
use tokio::{
    io::{AsyncRead, AsyncWrite, ReadBuf},
    time::{Sleep, sleep},
};
use tollbridge_stream::Line;

use super::{LINGER, patience::Patience};

/// What the request layer and the connection below it tell each other.
#[derive(Default)]
pub(crate) struct Gate {
    answering: Cell<bool>,
    busy: Cell<bool>,
    ended: Cell<bool>,
    requests: Cell<u64>,
    waiting: RefCell<Option<Waker>>,
}

/// A request that is being answered. Without a verdict the connection goes on.
pub(crate) struct Answering(Rc<Gate>);

impl Gate {
    /// A request has come. One with a body must be read on for it.
    pub(crate) fn answering(self: &Rc<Self>, has_body: bool) -> Answering {
        self.answering.set(!has_body);
        self.busy.set(true);
        self.requests.set(self.requests.get() + 1);
        Answering(Rc::clone(self))
    }

    /// Whether a request is being answered, with or without a body.
    pub(super) const fn is_busy(&self) -> bool {
        self.busy.get()
    }

    /// How many have come.
    pub(super) const fn requests(&self) -> u64 {
        self.requests.get()
    }
}

impl Answering {
    /// The answer ends the connection: nothing more is read from it.
    pub(crate) fn ends(&self) {
        self.0.ended.set(true);
    }
}

impl Drop for Answering {
    fn drop(&mut self) {
        self.0.answering.set(false);
        self.0.busy.set(false);
        if let Some(waker) = self.0.waiting.take() {
            waker.wake();
        }
    }
}

/// A socket behind its gate.
pub(crate) struct Gated {
    io: Line,
    gate: Rc<Gate>,
    held: BytesMut,
    line: HeadLine,
    /// Whether a head was just let through, so that it is handled before there is more.
    pause: bool,
    patience: Patience,
    /// Since the answer that ends the connection.
    lingering: Option<Pin<Box<Sleep>>>,
}

/// Where in a line the last byte stood that was let through.
#[derive(Clone, Copy)]
enum HeadLine {
    Begins,
    /// After a carriage return at its beginning.
    Returns,
    Goes,
}

impl HeadLine {
    /// Goes up to and with an empty line, which may be a head's end: how far that is, and whether
    /// there was one.
    fn walk(&mut self, bytes: &[u8]) -> (usize, bool) {
        let mut rest = bytes;
        while let Some(at) = memchr(b'\n', rest) {
            let (line, behind) = rest.split_at(at + 1);
            rest = behind;
            *self = match (*self, line) {
                (Self::Begins, b"\n" | b"\r\n") | (Self::Returns, b"\n") => {
                    *self = Self::Goes;
                    return (bytes.len() - rest.len(), true);
                }
                _ => Self::Begins,
            };
        }
        *self = match (*self, rest) {
            (line, []) => line,
            (Self::Begins, b"\r") => Self::Returns,
            _ => Self::Goes,
        };
        (bytes.len(), false)
    }
}

impl Gated {
    /// A head may take `longest`.
    pub(crate) fn new(io: Line, longest: Duration) -> Self {
        Self {
            io,
            gate: Rc::default(),
            held: BytesMut::new(),
            line: HeadLine::Goes,
            pause: false,
            patience: Patience::of(longest),
            lingering: None,
        }
    }

    pub(crate) fn gate(&self) -> Rc<Gate> {
        Rc::clone(&self.gate)
    }

    /// What it is read from.
    pub(super) const fn line(&self) -> &Line {
        &self.io
    }

    /// The socket, and what was read from it and not let through.
    pub(crate) fn into_parts(self) -> (Line, BytesMut) {
        (self.io, self.held)
    }

    /// Returns when the client has ended or broken its stream; never while bytes of it wait to be
    /// read, since what is behind them cannot be seen. Under TLS a client that says goodbye before
    /// it goes is one of those.
    pub(super) async fn gone(&self) -> io::Error {
        let mut one = [0; 1];
        match self.io.tcp().peek(&mut one).await {
            Ok(0) => io::ErrorKind::UnexpectedEof.into(),
            Ok(_) => std::future::pending().await,
            Err(error) => error,
        }
    }

    /// How many of these bytes may pass.
    fn passable(&mut self, bytes: &[u8]) -> usize {
        let (size, at_end) = self.line.walk(bytes);
        self.pause |= at_end;
        size
    }

    /// Reads and forgets for a moment, so that no reset overtakes the last answer; then the stream
    /// has ended, whatever the client still sends.
    fn poll_discard(&mut self, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        self.held.clear();
        let lingering = self
            .lingering
            .get_or_insert_with(|| Box::pin(sleep(LINGER)));
        if lingering.as_mut().poll(cx).is_ready() {
            return Poll::Ready(Ok(()));
        }
        let mut scratch = [0; 4096];
        loop {
            let mut room = ReadBuf::new(&mut scratch);
            ready!(Pin::new(&mut self.io).poll_read(cx, &mut room))?;
            if room.filled().is_empty() {
                return Poll::Ready(Ok(()));
            }
        }
    }

    fn poll_more(&mut self, cx: &mut Context<'_>, buf: &mut ReadBuf<'_>) -> Poll<io::Result<()>> {
        if !self.held.is_empty() {
            let held = std::mem::take(&mut self.held);
            let most = held.len().min(buf.remaining());
            let size = self.passable(held.get(..most).unwrap_or_default());
            buf.put_slice(held.get(..size).unwrap_or_default());
            self.held = held;
            self.held.advance(size);
            return Poll::Ready(Ok(()));
        }
        let before = buf.filled().len();
        ready!(Pin::new(&mut self.io).poll_read(cx, buf))?;
        let read = buf.filled().get(before..).unwrap_or_default();
        let size = self.passable(read);
        self.held
            .extend_from_slice(read.get(size..).unwrap_or_default());
        buf.set_filled(before + size);
        Poll::Ready(Ok(()))
    }
}

impl AsyncRead for Gated {
    fn poll_read(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buf: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        if self.gate.ended.get() {
            return self.poll_discard(cx);
        }
        if self.gate.answering.get() {
            self.gate.waiting.replace(Some(cx.waker().clone()));
            return Poll::Pending;
        }
        if self.pause {
            self.pause = false;
            cx.waker().wake_by_ref();
            return Poll::Pending;
        }
        let this = &mut *self;
        if this.patience.is_over(cx, &this.gate) {
            // As if the client had ended the stream.
            return Poll::Ready(Ok(()));
        }
        let before = buf.filled().len();
        let polled = this.poll_more(cx, buf);
        if buf.filled().len() > before {
            this.patience.note(&this.gate);
        }
        polled
    }
}

impl AsyncWrite for Gated {
    fn poll_write(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<io::Result<usize>> {
        Pin::new(&mut self.io).poll_write(cx, bytes)
    }

    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.io).poll_flush(cx)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.io).poll_shutdown(cx)
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    /// Byte by byte, and slowly: where each head ends.
    fn ends(bytes: &[u8]) -> Vec<usize> {
        let mut ends = Vec::new();
        let mut line: Option<Vec<u8>> = None;
        for (at, &byte) in bytes.iter().enumerate() {
            match (&mut line, byte) {
                (Some(so_far), b'\n') if matches!(so_far.as_slice(), b"" | b"\r") => {
                    ends.push(at + 1);
                    line = None;
                }
                (_, b'\n') => line = Some(Vec::new()),
                (Some(so_far), byte) => so_far.push(byte),
                (None, _) => {}
            }
        }
        ends
    }

    proptest! {
        #[test]
        fn a_head_ends_where_it_does_however_it_is_cut(
            pieces in proptest::collection::vec("[a\r\n]{0,6}", 0..8),
        ) {
            let whole = pieces.concat();
            let (mut line, mut found, mut at) = (HeadLine::Goes, Vec::new(), 0);
            for piece in &pieces {
                let mut rest = piece.as_bytes();
                while !rest.is_empty() {
                    let (size, is_end) = line.walk(rest);
                    prop_assert!(is_end || size == rest.len());
                    at += size;
                    found.extend(is_end.then_some(at));
                    rest = &rest[size..];
                }
            }
            prop_assert_eq!(found, ends(whole.as_bytes()));
        }
    }
}
