//! A leg for tests, which notes what is done to it.

use std::{
    cell::{Cell, RefCell},
    io,
    pin::Pin,
    task::{Context, Poll},
};

use tokio::io::{AsyncRead, AsyncWrite, DuplexStream, ReadBuf};

use crate::Leg;

pub(crate) struct Noted {
    io: DuplexStream,
    acts: RefCell<Vec<&'static str>>,
    /// What it says of itself.
    pub(crate) silent: Cell<bool>,
    pub(crate) readable: Cell<bool>,
    pub(crate) buffered: Cell<bool>,
}

impl Noted {
    pub(crate) fn new(io: DuplexStream) -> Self {
        Self {
            io,
            acts: RefCell::default(),
            silent: Cell::new(false),
            readable: Cell::new(true),
            buffered: Cell::new(false),
        }
    }

    /// What was done to it since this was asked last.
    pub(crate) fn acts(&self) -> Vec<&'static str> {
        self.acts.take()
    }

    fn note(&self, act: &'static str) {
        self.acts.borrow_mut().push(act);
    }
}

impl Leg for Noted {
    fn last(&self) {
        self.note("last");
    }

    fn poll_readable(&mut self, _cx: &mut Context<'_>) -> Poll<()> {
        if self.readable.get() {
            Poll::Ready(())
        } else {
            Poll::Pending
        }
    }

    fn is_buffered(&self) -> bool {
        self.buffered.get()
    }

    fn is_silent(&self) -> bool {
        self.silent.get()
    }
}

impl AsyncRead for Noted {
    fn poll_read(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buf: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        self.note("read");
        Pin::new(&mut self.io).poll_read(cx, buf)
    }
}

impl AsyncWrite for Noted {
    fn poll_write(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<io::Result<usize>> {
        self.note("write");
        Pin::new(&mut self.io).poll_write(cx, bytes)
    }

    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        self.note("flush");
        Pin::new(&mut self.io).poll_flush(cx)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        self.note("shutdown");
        Pin::new(&mut self.io).poll_shutdown(cx)
    }
}
