//! From the writer to the socket.

use std::{
    io,
    pin::Pin,
    task::{Context, Poll, ready},
};

use tokio::io::{AsyncRead, AsyncWrite};

use crate::{
    Tls,
    engine::failure,
    scratch::{LONGEST_WRITE, RIDERS, Scratch},
    tls::Courier,
};

impl<IO: AsyncRead + AsyncWrite + Unpin> AsyncWrite for Tls<IO> {
    fn poll_write(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<io::Result<usize>> {
        let this = self.get_mut();
        if let Some(error) = &this.failed {
            return Poll::Ready(Err(failure(error.clone())));
        }
        if this.closing {
            return Poll::Ready(Err(io::ErrorKind::BrokenPipe.into()));
        }
        if bytes.is_empty() {
            return Poll::Ready(Ok(0));
        }
        if this.courier == Courier::Writer || this.unsent.rest().len() > RIDERS {
            ready!(this.poll_send_as_writer(cx))?;
        }
        let bytes = bytes.get(..LONGEST_WRITE).unwrap_or(bytes);
        Poll::Ready(this.seal_and_send(cx, bytes).map(|()| bytes.len()))
    }

    fn poll_flush(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        let this = self.get_mut();
        ready!(this.poll_send_as_writer(cx))?;
        Pin::new(&mut this.io).poll_flush(cx)
    }

    fn poll_shutdown(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        let this = self.get_mut();
        if !this.closing && this.failed.is_none() {
            this.engine.say_goodbye(&mut this.torn, &mut this.unsent);
        }
        this.closing = true;
        ready!(this.poll_send_as_writer(cx))?;
        Pin::new(&mut this.io).poll_shutdown(cx)
    }
}

impl<IO: AsyncWrite + Unpin> Tls<IO> {
    /// Brings the unsent to the socket.
    pub(crate) fn poll_send(&mut self, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        while !self.unsent.is_empty() {
            match ready!(Pin::new(&mut self.io).poll_write(cx, self.unsent.rest()))? {
                0 => return Poll::Ready(Err(io::ErrorKind::WriteZero.into())),
                taken => self.unsent.advance(taken),
            }
        }
        self.courier = Courier::Anybody;
        Poll::Ready(Ok(()))
    }

    fn poll_send_as_writer(&mut self, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        let sent = self.poll_send(cx);
        if sent.is_pending() {
            self.courier = Courier::Writer;
        }
        sent
    }

    /// Encrypts behind what waits already, and offers all of it to the socket once.
    fn seal_and_send(&mut self, cx: &mut Context<'_>, bytes: &[u8]) -> io::Result<()> {
        let mut scratch = Scratch::outgoing();
        let riders = self.unsent.rest();
        let (front, room) = scratch.bytes().split_at_mut(riders.len());
        front.copy_from_slice(riders);
        let size = riders.len() + self.engine.seal(&mut self.torn, bytes, room)?;
        self.unsent.clear();
        let wire = scratch.bytes().get(..size).unwrap_or_default();
        let taken = match Pin::new(&mut self.io).poll_write(cx, wire)? {
            Poll::Ready(0) => return Err(io::ErrorKind::WriteZero.into()),
            Poll::Ready(taken) => taken,
            Poll::Pending => 0,
        };
        self.unsent.push(wire.get(taken..).unwrap_or_default());
        self.courier = if self.unsent.is_empty() {
            Courier::Anybody
        } else {
            Courier::Writer
        };
        Ok(())
    }
}
