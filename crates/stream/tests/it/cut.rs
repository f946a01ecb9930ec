//! A socket that somebody cuts.

use std::{
    io,
    pin::Pin,
    sync::atomic::{AtomicUsize, Ordering::Relaxed},
    task::{Context, Poll, ready},
};

use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};

/// Gives what comes until it is cut; then something else, and the end.
pub(crate) struct Cut<IO> {
    io: IO,
    left: AtomicUsize,
    end: &'static [u8],
}

impl<IO> Cut<IO> {
    pub(crate) const fn new(io: IO, end: &'static [u8]) -> Self {
        let left = AtomicUsize::new(usize::MAX);
        Self { io, left, end }
    }

    /// Lets so many bytes more come.
    pub(crate) fn after(&self, bytes: usize) {
        self.left.store(bytes, Relaxed);
    }
}

impl<IO: AsyncRead + Unpin> AsyncRead for Cut<IO> {
    fn poll_read(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buf: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        let left = self.left.load(Relaxed);
        if left == 0 {
            let (now, later) = self.end.split_at(self.end.len().min(buf.remaining()));
            buf.put_slice(now);
            self.end = later;
            return Poll::Ready(Ok(()));
        }
        let mut room = vec![0; left.min(buf.remaining())];
        let mut room = ReadBuf::new(&mut room);
        ready!(Pin::new(&mut self.io).poll_read(cx, &mut room))?;
        buf.put_slice(room.filled());
        if left != usize::MAX {
            self.left.store(left - room.filled().len(), Relaxed);
        }
        Poll::Ready(Ok(()))
    }
}

impl<IO: AsyncWrite + Unpin> AsyncWrite for Cut<IO> {
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
