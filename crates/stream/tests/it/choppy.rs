//! A socket that takes and gives what it pleases.

use std::{
    io,
    pin::Pin,
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering::Relaxed},
    },
    task::{Context, Poll, ready},
};

use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};

/// Moves at most so many bytes a call, one size after the other; at 0 it makes the caller wait.
pub(crate) struct Choppy<IO> {
    io: IO,
    sizes: Vec<usize>,
    turn: usize,
    calls: Arc<Calls>,
}

/// Calls in which bytes moved.
#[derive(Default)]
pub(crate) struct Calls {
    reads: AtomicUsize,
    writes: AtomicUsize,
}

impl Calls {
    /// Reads and writes since the last time.
    pub(crate) fn take(&self) -> (usize, usize) {
        (self.reads.swap(0, Relaxed), self.writes.swap(0, Relaxed))
    }
}

impl<IO> Choppy<IO> {
    pub(crate) fn new(io: IO, sizes: Vec<usize>) -> Self {
        let calls = Arc::default();
        Self {
            io,
            sizes,
            turn: 0,
            calls,
        }
    }

    /// Moves what there is, and counts.
    pub(crate) fn counting(io: IO) -> (Self, Arc<Calls>) {
        let counting = Self::new(io, vec![usize::MAX]);
        let calls = counting.calls.clone();
        (counting, calls)
    }

    /// Moves at most so many bytes a call.
    pub(crate) fn by(self, size: usize) -> Self {
        let sizes = vec![size];
        Self { sizes, ..self }
    }

    fn poll_size(&mut self, cx: &mut Context<'_>) -> Poll<usize> {
        let size = self.sizes[self.turn % self.sizes.len()];
        self.turn += 1;
        if size == 0 {
            cx.waker().wake_by_ref();
            return Poll::Pending;
        }
        Poll::Ready(size)
    }
}

impl<IO: AsyncRead + Unpin> AsyncRead for Choppy<IO> {
    fn poll_read(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buf: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        let size = ready!(self.poll_size(cx)).min(buf.remaining());
        let mut room = vec![0; size];
        let mut room = ReadBuf::new(&mut room);
        ready!(Pin::new(&mut self.io).poll_read(cx, &mut room))?;
        self.calls.reads.fetch_add(1, Relaxed);
        buf.put_slice(room.filled());
        Poll::Ready(Ok(()))
    }
}

impl<IO: AsyncWrite + Unpin> AsyncWrite for Choppy<IO> {
    fn poll_write(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<io::Result<usize>> {
        let size = ready!(self.poll_size(cx)).min(bytes.len());
        let taken = ready!(Pin::new(&mut self.io).poll_write(cx, &bytes[..size]))?;
        self.calls.writes.fetch_add(1, Relaxed);
        Poll::Ready(Ok(taken))
    }

    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.io).poll_flush(cx)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.io).poll_shutdown(cx)
    }
}
