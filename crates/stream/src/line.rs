//! A TCP connection, with or without TLS.

use std::{
    io::{self, IoSlice},
    pin::Pin,
    sync::Arc,
    task::{Context, Poll},
};

use actix_rt::net::{ActixStream, Ready};
use tokio::{
    io::{AsyncRead, AsyncWrite, ReadBuf},
    net::TcpStream,
};

use crate::{Leg, Proof, Tls, connect, socket};

/// What bytes travel on. One type and no box around the plain one: it is read and written for
/// every message.
#[derive(Debug)]
pub enum Line {
    /// The socket as it is.
    Plain(TcpStream),
    /// Under TLS.
    Secure(Box<Tls<TcpStream>>),
}

impl Line {
    /// On this connection, under TLS where something is to be proved: nothing is written before it
    /// has been.
    ///
    /// # Errors
    /// Where the connection breaks, or nothing is proved.
    pub async fn open(stream: TcpStream, proof: Option<&Proof>) -> io::Result<Self> {
        let Some(Proof { config, name }) = proof else {
            return Ok(Self::Plain(stream));
        };
        let secure = connect(stream, Arc::clone(config), name.clone()).await?;
        Ok(Self::Secure(Box::new(secure)))
    }

    /// The TCP connection, to look at: under TLS its bytes are not the session's.
    #[must_use]
    pub const fn tcp(&self) -> &TcpStream {
        match self {
            Self::Plain(stream) => stream,
            Self::Secure(stream) => stream.get_ref(),
        }
    }
}

impl Leg for Line {
    fn poll_read_at_once(
        &mut self,
        cx: &mut Context<'_>,
        room: &mut [u8],
    ) -> Poll<io::Result<usize>> {
        match self {
            Self::Plain(stream) => stream.poll_read_at_once(cx, room),
            Self::Secure(stream) => stream.poll_read_at_once(cx, room),
        }
    }

    fn poll_readable(&mut self, cx: &mut Context<'_>) -> Poll<()> {
        match self {
            Self::Plain(stream) => stream.poll_readable(cx),
            Self::Secure(stream) => stream.poll_readable(cx),
        }
    }

    fn cut(&self) {
        self.tcp().cut();
    }

    fn last(&self) {
        self.tcp().last();
    }

    fn is_buffered(&self) -> bool {
        matches!(self, Self::Secure(_))
    }

    fn is_silent(&self) -> bool {
        match self {
            Self::Plain(stream) => stream.is_silent(),
            Self::Secure(stream) => stream.is_silent(),
        }
    }
}

impl AsyncRead for Line {
    fn poll_read(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buf: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        match self.get_mut() {
            Self::Plain(stream) => Pin::new(stream).poll_read(cx, buf),
            Self::Secure(stream) => Pin::new(stream).poll_read(cx, buf),
        }
    }
}

impl AsyncWrite for Line {
    fn poll_write(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buf: &[u8],
    ) -> Poll<io::Result<usize>> {
        match self.get_mut() {
            Self::Plain(stream) => socket::poll_write(stream, cx, buf),
            Self::Secure(stream) => Pin::new(stream).poll_write(cx, buf),
        }
    }

    fn poll_write_vectored(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        bufs: &[IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        match self.get_mut() {
            Self::Plain(stream) => Pin::new(stream).poll_write_vectored(cx, bufs),
            Self::Secure(stream) => Pin::new(stream).poll_write_vectored(cx, bufs),
        }
    }

    fn is_write_vectored(&self) -> bool {
        match self {
            Self::Plain(stream) => stream.is_write_vectored(),
            Self::Secure(stream) => stream.is_write_vectored(),
        }
    }

    fn poll_flush(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        match self.get_mut() {
            Self::Plain(stream) => Pin::new(stream).poll_flush(cx),
            Self::Secure(stream) => Pin::new(stream).poll_flush(cx),
        }
    }

    fn poll_shutdown(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        match self.get_mut() {
            Self::Plain(stream) => Pin::new(stream).poll_shutdown(cx),
            Self::Secure(stream) => Pin::new(stream).poll_shutdown(cx),
        }
    }
}

/// awc, which is given lines that are TLS already, asks this of them.
impl ActixStream for Line {
    fn poll_read_ready(&self, cx: &mut Context<'_>) -> Poll<io::Result<Ready>> {
        ActixStream::poll_read_ready(self.tcp(), cx)
    }

    fn poll_write_ready(&self, cx: &mut Context<'_>) -> Poll<io::Result<Ready>> {
        ActixStream::poll_write_ready(self.tcp(), cx)
    }
}
