//! A stream that begins with bytes which were read before it was made.

use std::{
    fmt,
    io::{self, IoSlice},
    pin::Pin,
    task::{Context, Poll},
};

use bytes::Bytes;
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};

/// A stream and what came in one piece with the handshake before it, which is read first.
pub struct Early<S> {
    front: Bytes,
    io: S,
}

impl<S> Early<S> {
    /// Puts `front` in front of `io`.
    pub fn new(front: impl Into<Bytes>, io: S) -> Self {
        let mut early = Self {
            front: front.into(),
            io,
        };
        early.forget_if_drained();
        early
    }

    /// The stream behind the bytes.
    #[must_use]
    pub const fn get_ref(&self) -> &S {
        &self.io
    }

    pub(crate) const fn get_mut(&mut self) -> &mut S {
        &mut self.io
    }

    pub(crate) fn is_drained(&self) -> bool {
        self.front.is_empty()
    }

    /// An empty view keeps the whole buffer that it was cut from. Nobody should hold a handshake's
    /// buffer for the length of a session.
    fn forget_if_drained(&mut self) {
        if self.front.is_empty() {
            self.front = Bytes::new();
        }
    }
}

impl<S: AsyncRead + Unpin> AsyncRead for Early<S> {
    fn poll_read(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buf: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        if self.front.is_empty() {
            return Pin::new(&mut self.io).poll_read(cx, buf);
        }
        let fits = self.front.len().min(buf.remaining());
        buf.put_slice(&self.front.split_to(fits));
        self.forget_if_drained();
        Poll::Ready(Ok(()))
    }
}

impl<S: AsyncWrite + Unpin> AsyncWrite for Early<S> {
    fn poll_write(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<io::Result<usize>> {
        Pin::new(&mut self.io).poll_write(cx, bytes)
    }

    fn poll_write_vectored(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        slices: &[IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        Pin::new(&mut self.io).poll_write_vectored(cx, slices)
    }

    fn is_write_vectored(&self) -> bool {
        self.io.is_write_vectored()
    }

    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.io).poll_flush(cx)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.io).poll_shutdown(cx)
    }
}

/// Says how many bytes wait, and never which.
impl<S: fmt::Debug> fmt::Debug for Early<S> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Early")
            .field("waiting", &self.front.len())
            .field("io", &self.io)
            .finish()
    }
}

#[cfg(test)]
mod tests {
    use bytes::BytesMut;
    use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _, duplex};

    use super::*;

    #[tokio::test]
    async fn what_came_early_is_read_first() {
        let (near, mut far) = duplex(64);
        let mut early = Early::new(Bytes::from_static(b"hello "), near);
        far.write_all(b"world").await.unwrap();
        let mut read = [0; 11];
        let (first, rest) = read.split_at_mut(4);
        early.read_exact(first).await.unwrap();
        assert!(!early.front.is_empty());
        early.read_exact(rest).await.unwrap();
        assert!(early.front.is_empty());
        assert_eq!(&read, b"hello world");
        early.write_all(b"!").await.unwrap();
        assert_eq!(far.read_u8().await.unwrap(), b'!');
    }

    /// `is_unique` is true of a buffer that nobody else holds; the static empty one is never.
    #[tokio::test]
    async fn a_drained_front_holds_no_buffer() {
        let (near, _far) = duplex(64);
        let mut front = BytesMut::with_capacity(8192);
        front.extend_from_slice(b"x");
        let mut early = Early::new(front.freeze(), near);
        assert!(early.front.is_unique());
        early.read_u8().await.unwrap();
        assert!(!early.front.is_unique());
    }

    #[test]
    fn an_empty_front_holds_no_buffer() {
        let early = Early::new(BytesMut::with_capacity(8192), ());
        assert!(!early.front.is_unique());
    }

    #[test]
    fn debug_output_does_not_quote() {
        let early = Early::new(Bytes::from_static(b"secret"), ());
        assert_eq!(format!("{early:?}"), "Early { waiting: 6, io: () }");
    }
}
