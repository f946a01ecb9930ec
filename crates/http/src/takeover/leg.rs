//! The client's leg, whichever way its connection came to us.

use std::{
    io::{self, IoSlice},
    pin::Pin,
    task::{Context, Poll, ready},
};

use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tollbridge_stream::{Early, Leg, Line};

use crate::bridge::PayloadLeg;

/// The byte stream of a session's client. One type and no box: it is read and written for every
/// message.
pub(crate) enum ClientLeg {
    /// The socket itself, beginning with what came in one piece with the handshake.
    Socket(Early<Line>),
    /// Through actix-web's payload and body.
    Payload(PayloadLeg),
}

impl Leg for ClientLeg {
    fn poll_read_at_once(
        &mut self,
        cx: &mut Context<'_>,
        room: &mut [u8],
    ) -> Poll<io::Result<usize>> {
        match self {
            Self::Socket(io) => io.poll_read_at_once(cx, room),
            Self::Payload(io) => {
                let mut buf = ReadBuf::new(room);
                ready!(Pin::new(io).poll_read(cx, &mut buf))?;
                Poll::Ready(Ok(buf.filled().len()))
            }
        }
    }

    fn poll_readable(&mut self, cx: &mut Context<'_>) -> Poll<()> {
        match self {
            Self::Socket(io) => io.poll_readable(cx),
            // actix does not say.
            Self::Payload(_) => Poll::Ready(()),
        }
    }

    fn cut(&self) {
        match self {
            Self::Socket(io) => io.cut(),
            // actix owns the connection, and has no way to reset it.
            Self::Payload(_) => {}
        }
    }

    fn last(&self) {
        match self {
            Self::Socket(io) => io.last(),
            // actix writes when it sees fit.
            Self::Payload(_) => {}
        }
    }

    fn is_buffered(&self) -> bool {
        match self {
            Self::Socket(io) => io.is_buffered(),
            Self::Payload(_) => true,
        }
    }

    fn is_silent(&self) -> bool {
        match self {
            Self::Socket(io) => io.is_silent(),
            // actix does not say.
            Self::Payload(_) => false,
        }
    }
}

impl AsyncRead for ClientLeg {
    fn poll_read(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buf: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        match self.get_mut() {
            Self::Socket(io) => Pin::new(io).poll_read(cx, buf),
            Self::Payload(io) => Pin::new(io).poll_read(cx, buf),
        }
    }
}

impl AsyncWrite for ClientLeg {
    fn poll_write(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<io::Result<usize>> {
        match self.get_mut() {
            Self::Socket(io) => Pin::new(io).poll_write(cx, bytes),
            Self::Payload(io) => Pin::new(io).poll_write(cx, bytes),
        }
    }

    fn poll_write_vectored(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        slices: &[IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        match self.get_mut() {
            Self::Socket(io) => Pin::new(io).poll_write_vectored(cx, slices),
            Self::Payload(io) => Pin::new(io).poll_write_vectored(cx, slices),
        }
    }

    fn is_write_vectored(&self) -> bool {
        match self {
            Self::Socket(io) => io.is_write_vectored(),
            Self::Payload(io) => io.is_write_vectored(),
        }
    }

    fn poll_flush(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        match self.get_mut() {
            Self::Socket(io) => Pin::new(io).poll_flush(cx),
            Self::Payload(io) => Pin::new(io).poll_flush(cx),
        }
    }

    fn poll_shutdown(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        match self.get_mut() {
            Self::Socket(io) => Pin::new(io).poll_shutdown(cx),
            Self::Payload(io) => Pin::new(io).poll_shutdown(cx),
        }
    }
}
