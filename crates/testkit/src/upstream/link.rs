//! One connection of an upstream, with or without TLS.

use std::{
    io,
    pin::Pin,
    task::{Context, Poll},
};

use tokio::{
    io::{AsyncRead, AsyncWrite, AsyncWriteExt as _, ReadBuf},
    net::TcpStream,
};
use tokio_rustls::{TlsAcceptor, server::TlsStream};

use super::dial::Pen;
use crate::{
    Identity,
    frame::{Event, Frame},
};

/// The byte stream.
pub(super) enum Line {
    Plain(TcpStream),
    Tls(Box<TlsStream<TcpStream>>),
}

impl Line {
    pub(super) async fn accept(stream: TcpStream, identity: Option<&Identity>) -> io::Result<Self> {
        stream.set_nodelay(true)?;
        match identity {
            None => Ok(Self::Plain(stream)),
            Some(identity) => {
                let acceptor = TlsAcceptor::from(identity.config.clone());
                Ok(Self::Tls(Box::new(acceptor.accept(stream).await?)))
            }
        }
    }

    /// The peer sees a reset.
    pub(super) fn reset(self) {
        let stream = match &self {
            Self::Plain(stream) => stream,
            Self::Tls(stream) => stream.get_ref().0,
        };
        stream.set_zero_linger().expect("a socket with options");
    }

    fn stream(self: Pin<&mut Self>) -> Pin<&mut dyn Stream> {
        let stream: &mut dyn Stream = match self.get_mut() {
            Self::Plain(stream) => stream,
            Self::Tls(stream) => stream,
        };
        Pin::new(stream)
    }
}

trait Stream: AsyncRead + AsyncWrite + Unpin {}
impl<T: AsyncRead + AsyncWrite + Unpin> Stream for T {}

impl AsyncRead for Line {
    fn poll_read(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buf: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        self.stream().poll_read(cx, buf)
    }
}

impl AsyncWrite for Line {
    fn poll_write(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buf: &[u8],
    ) -> Poll<io::Result<usize>> {
        self.stream().poll_write(cx, buf)
    }

    fn poll_flush(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        self.stream().poll_flush(cx)
    }

    fn poll_shutdown(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        self.stream().poll_shutdown(cx)
    }
}

/// A connection on which frames flow and are written down.
pub(super) struct Link {
    pub(super) line: Line,
    pub(super) pen: Pen,
}

impl Link {
    pub(super) async fn read(&mut self) -> Event {
        let event = Event::of(Frame::read(&mut self.line).await);
        self.pen.received(&event);
        event
    }

    /// Sends a frame unmasked, as servers do.
    pub(super) async fn send(&mut self, mut frame: Frame) -> io::Result<()> {
        frame.mask = None;
        self.pen.sent(&frame);
        self.write(&frame.encode()).await
    }

    pub(super) async fn write(&mut self, bytes: &[u8]) -> io::Result<()> {
        self.line.write_all(bytes).await?;
        self.line.flush().await
    }

    /// Ends our half, then reads until the other side has ended too.
    pub(super) async fn finish(mut self) {
        // A peer that is gone already has ended as well.
        let _gone = self.line.shutdown().await;
        while matches!(self.read().await, Event::Frame(_)) {}
    }
}
