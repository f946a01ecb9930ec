//! What a session wants of a connection.

use std::{
    io,
    pin::Pin,
    task::{Context, Poll, ready},
};

use tokio::{
    io::{AsyncRead, AsyncWrite, DuplexStream, Interest, ReadBuf},
    net::TcpStream,
};

use crate::{Early, Tls, socket};

/// One side's byte stream after its handshake: a socket, a TLS stream, an upgraded payload.
///
/// `poll_shutdown` must let what was written arrive before the connection goes, and reading must
/// go on after it: this is how a close frame survives.
pub trait Leg: AsyncRead + AsyncWrite + Unpin {
    /// From now on dropping the stream resets the connection, where it has one of its own to reset:
    /// what the peer has not taken is thrown away. Without it the kernel keeps megabytes for minutes
    /// in the hope that a stalled peer reads on.
    fn cut(&self) {}

    /// What is written from now on is followed at once by the end of the stream: it may wait for that
    /// and leave with it. A close frame, the end of TLS and the end of TCP are one segment then instead of
    /// three, and wake the peer once.
    fn last(&self) {}

    /// Reads as `poll_read` does, without counting it against the task's
    /// [budget](tokio::task::coop) where there is a cheaper way that does not. Whoever goes on until nothing
    /// more is there must count for himself, or a peer that always has more keeps the thread.
    ///
    /// # Errors
    /// As `poll_read`.
    fn poll_read_at_once(
        &mut self,
        cx: &mut Context<'_>,
        room: &mut [u8],
    ) -> Poll<io::Result<usize>> {
        let mut buf = ReadBuf::new(room);
        ready!(Pin::new(self).poll_read(cx, &mut buf))?;
        Poll::Ready(Ok(buf.filled().len()))
    }

    /// Pending where a read would surely be, for less than the read would cost; whoever asks is woken then as a
    /// reader is. Ready where only a read can tell.
    fn poll_readable(&mut self, _cx: &mut Context<'_>) -> Poll<()> {
        Poll::Ready(())
    }

    /// Whether what was written may wait in here until it is flushed.
    fn is_buffered(&self) -> bool {
        true
    }

    /// Whether a read would surely be pending as the last one was, and who was told to wait then is
    /// still to be woken: to read again would only cost. False where that is not known.
    ///
    /// To be asked only after a read that was pending for the stream's sake, not for that of a
    /// [budget](tokio::task::coop). Who was pending only to let others have their turn, and woke his task himself,
    /// is not silent.
    fn is_silent(&self) -> bool {
        false
    }
}

impl Leg for TcpStream {
    fn poll_read_at_once(
        &mut self,
        cx: &mut Context<'_>,
        room: &mut [u8],
    ) -> Poll<io::Result<usize>> {
        socket::poll_read(self, cx, room)
    }

    fn poll_readable(&mut self, cx: &mut Context<'_>) -> Poll<()> {
        // What is wrong with it a read says.
        self.poll_read_ready(cx).map(|_| ())
    }

    fn cut(&self) {
        // Of a connection that is gone already there is nothing to reset.
        let _gone = self.set_zero_linger();
    }

    fn last(&self) {
        // Without it the same bytes travel in more segments.
        #[cfg(target_os = "linux")]
        let _in_pieces = socket2::SockRef::from(self).set_tcp_cork(true);
    }

    fn is_buffered(&self) -> bool {
        false
    }

    /// What wakes a reader marks the socket as readable first, and only a read takes the mark away.
    fn is_silent(&self) -> bool {
        self.try_io(Interest::READABLE, || Ok(())).is_err()
    }
}

impl Leg for DuplexStream {}

impl<L: Leg> Leg for Tls<L> {
    fn poll_readable(&mut self, cx: &mut Context<'_>) -> Poll<()> {
        let is_open = !self.ended && self.failed.is_none();
        if is_open && self.spilt.is_empty() && self.unsent.is_empty() {
            return self.io.poll_readable(cx);
        }
        Poll::Ready(())
    }

    fn cut(&self) {
        self.get_ref().cut();
    }

    fn last(&self) {
        self.get_ref().last();
    }

    fn is_silent(&self) -> bool {
        !self.yielded && self.unsent.is_empty() && self.get_ref().is_silent()
    }
}

impl<L: Leg> Leg for Early<L> {
    fn poll_read_at_once(
        &mut self,
        cx: &mut Context<'_>,
        room: &mut [u8],
    ) -> Poll<io::Result<usize>> {
        if self.is_drained() {
            return self.get_mut().poll_read_at_once(cx, room);
        }
        let mut buf = ReadBuf::new(room);
        ready!(Pin::new(self).poll_read(cx, &mut buf))?;
        Poll::Ready(Ok(buf.filled().len()))
    }

    fn poll_readable(&mut self, cx: &mut Context<'_>) -> Poll<()> {
        if self.is_drained() {
            return self.get_mut().poll_readable(cx);
        }
        Poll::Ready(())
    }

    fn cut(&self) {
        self.get_ref().cut();
    }

    fn last(&self) {
        self.get_ref().last();
    }

    fn is_buffered(&self) -> bool {
        self.get_ref().is_buffered()
    }

    fn is_silent(&self) -> bool {
        self.get_ref().is_silent()
    }
}

impl<L: Leg + ?Sized> Leg for Box<L> {
    fn poll_read_at_once(
        &mut self,
        cx: &mut Context<'_>,
        room: &mut [u8],
    ) -> Poll<io::Result<usize>> {
        self.as_mut().poll_read_at_once(cx, room)
    }

    fn poll_readable(&mut self, cx: &mut Context<'_>) -> Poll<()> {
        self.as_mut().poll_readable(cx)
    }

    fn cut(&self) {
        self.as_ref().cut();
    }

    fn last(&self) {
        self.as_ref().last();
    }

    fn is_buffered(&self) -> bool {
        self.as_ref().is_buffered()
    }

    fn is_silent(&self) -> bool {
        self.as_ref().is_silent()
    }
}

#[cfg(all(test, target_os = "linux"))]
mod tests {
    use tokio::{
        io::{AsyncReadExt as _, AsyncWriteExt as _},
        net::TcpListener,
    };

    use super::*;

    /// Held back, and not lost.
    #[tokio::test]
    async fn the_last_bytes_leave_with_the_end_of_the_stream() {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let mut near = TcpStream::connect(address).await.unwrap();
        let (mut far, _) = listener.accept().await.unwrap();
        near.set_nodelay(true).unwrap();
        near.last();
        near.write_all(b"goodbye").await.unwrap();
        let held_back = far.try_read(&mut [0; 8]).unwrap_err();
        assert_eq!(held_back.kind(), io::ErrorKind::WouldBlock);
        near.shutdown().await.unwrap();
        let mut read = Vec::new();
        far.read_to_end(&mut read).await.unwrap();
        assert_eq!(read, b"goodbye");
    }
}
