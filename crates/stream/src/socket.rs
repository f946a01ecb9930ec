//! A TCP socket, with as little around the system call as there can be.
//!
//! Tokio's own way keeps the task's budget and goes through libc's calls, which are places where a
//! thread may be cancelled. Here a socket that is known to be ready is asked at once, and tokio's way
//! is for who must wait (`docs/adr/0027-a-ready-socket-is-asked-at-once.md`).
//!
//! So a loop that goes on until it must wait is not stopped by its budget: it has to count for itself.

use std::{
    io,
    pin::Pin,
    task::{Context, Poll, ready},
};

use rustix::net::{RecvFlags, SendFlags, recv, send};
use tokio::{
    io::{AsyncRead as _, AsyncWrite as _, Interest, ReadBuf},
    net::TcpStream,
};

/// Reads as the stream itself does; nothing at the end.
pub(crate) fn poll_read(
    stream: &mut TcpStream,
    cx: &mut Context<'_>,
    room: &mut [u8],
) -> Poll<io::Result<usize>> {
    let asked = ask(stream, Interest::READABLE, room.len(), || {
        recv(&*stream, &mut *room, RecvFlags::empty()).map(|(count, _)| count)
    });
    if let Some(read) = asked {
        return Poll::Ready(read);
    }
    let mut buf = ReadBuf::new(room);
    ready!(Pin::new(stream).poll_read(cx, &mut buf))?;
    Poll::Ready(Ok(buf.filled().len()))
}

/// Writes as the stream itself does.
pub(crate) fn poll_write(
    stream: &mut TcpStream,
    cx: &mut Context<'_>,
    bytes: &[u8],
) -> Poll<io::Result<usize>> {
    let asked = ask(stream, Interest::WRITABLE, bytes.len(), || {
        send(&*stream, bytes, QUIETLY)
    });
    match asked {
        Some(written) => Poll::Ready(written),
        None => Pin::new(stream).poll_write(cx, bytes),
    }
}

/// A peer that is gone is an error and no signal.
#[cfg(not(target_vendor = "apple"))]
const QUIETLY: SendFlags = SendFlags::NOSIGNAL;

/// mio has set `SO_NOSIGPIPE`.
#[cfg(target_vendor = "apple")]
const QUIETLY: SendFlags = SendFlags::empty();

/// Asks for `wanted` bytes to be moved, where the socket is known to be ready; `None` where it is not.
///
/// If fewer moved there are, or fit, no more: it is as good as asked in vain, and is not asked again
/// before the kernel has said something new. Tokio takes that for granted too, where the kernel tells each change
/// once, as with epoll (<https://github.com/tokio-rs/tokio/issues/5866>).
fn ask(
    stream: &TcpStream,
    ready: Interest,
    wanted: usize,
    call: impl FnOnce() -> rustix::io::Result<usize>,
) -> Option<io::Result<usize>> {
    let mut moved = 0;
    let asked = stream.try_io(ready, || {
        moved = call()?;
        if (1..wanted).contains(&moved) {
            return Err(io::ErrorKind::WouldBlock.into());
        }
        Ok(())
    });
    match asked {
        Ok(()) => Some(Ok(moved)),
        Err(_) if moved > 0 => Some(Ok(moved)),
        Err(error) if error.kind() == io::ErrorKind::WouldBlock => None,
        Err(error) => Some(Err(error)),
    }
}

#[cfg(test)]
mod tests {
    use std::{future::poll_fn, task::Waker};

    use tokio::{
        io::{AsyncReadExt as _, AsyncWriteExt as _},
        net::TcpListener,
    };

    use super::*;
    use crate::Leg as _;

    async fn connection() -> (TcpStream, TcpStream) {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let near = TcpStream::connect(address).await.unwrap();
        (near, listener.accept().await.unwrap().0)
    }

    async fn read(stream: &mut TcpStream, room: &mut [u8]) -> io::Result<usize> {
        poll_fn(|cx| poll_read(stream, cx, room)).await
    }

    /// Whether a read must wait.
    fn waits(stream: &mut TcpStream) -> bool {
        let mut cx = Context::from_waker(Waker::noop());
        poll_read(stream, &mut cx, &mut [0; 8]).is_pending()
    }

    #[tokio::test]
    async fn what_did_not_fill_the_room_was_all() {
        let (mut near, mut far) = connection().await;
        far.write_all(b"hello world").await.unwrap();
        near.readable().await.unwrap();
        let mut room = [0; 6];
        assert_eq!(read(&mut near, &mut room).await.unwrap(), 6);
        assert!(!near.is_silent(), "there may be more");
        assert_eq!(read(&mut near, &mut room).await.unwrap(), 5);
        assert_eq!(&room, b"world ");
        assert!(near.is_silent());
        assert!(waits(&mut near));
        far.write_all(b"!").await.unwrap();
        assert_eq!(read(&mut near, &mut room).await.unwrap(), 1);
        drop(far);
        assert_eq!(read(&mut near, &mut room).await.unwrap(), 0);
        assert_eq!(read(&mut near, &mut room).await.unwrap(), 0);
    }

    #[tokio::test]
    async fn a_reset_is_an_error_both_ways() {
        let (mut near, far) = connection().await;
        far.set_zero_linger().unwrap();
        drop(far);
        let error = read(&mut near, &mut [0; 8]).await.unwrap_err();
        assert_eq!(error.kind(), io::ErrorKind::ConnectionReset);
        let error = poll_fn(|cx| poll_write(&mut near, cx, b"hello")).await;
        assert_eq!(error.unwrap_err().kind(), io::ErrorKind::BrokenPipe);
    }

    /// More than any queue holds, to somebody who reads it piece by piece.
    #[tokio::test]
    async fn a_writer_waits_for_room_and_nothing_is_lost() {
        let (mut near, mut far) = connection().await;
        let sent: Vec<u8> = (0..32_u32 << 18).flat_map(u32::to_le_bytes).collect();
        let write = async {
            let mut rest = sent.as_slice();
            let mut waited = false;
            while !rest.is_empty() {
                let count = poll_fn(|cx| {
                    let polled = poll_write(&mut near, cx, rest);
                    waited |= polled.is_pending();
                    polled
                })
                .await
                .unwrap();
                rest = &rest[count..];
            }
            near.shutdown().await.unwrap();
            waited
        };
        let read = async {
            let mut heard = Vec::new();
            far.read_to_end(&mut heard).await.unwrap();
            heard
        };
        let (waited, heard) = tokio::join!(write, read);
        assert!(waited);
        assert!(heard == sent);
    }
}
