//! Whether there is anything to read, without reading.

use std::{
    future::poll_fn,
    io,
    pin::Pin,
    task::{Context, Poll, Waker},
};

use rustls::version::{TLS12, TLS13};
use tokio::{
    io::{
        AsyncRead, AsyncReadExt as _, AsyncWrite, AsyncWriteExt as _, DuplexStream, ReadBuf, duplex,
    },
    net::{TcpListener, TcpStream},
};
use tollbridge_stream::{Early, Leg};

use crate::keys::Keys;

fn is_readable(leg: &mut impl Leg) -> bool {
    let mut cx = Context::from_waker(Waker::noop());
    leg.poll_readable(&mut cx).is_ready()
}

async fn connection() -> (TcpStream, TcpStream) {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let near = TcpStream::connect(listener.local_addr().unwrap());
    let near = near.await.unwrap();
    (near, listener.accept().await.unwrap().0)
}

#[tokio::test]
async fn who_asks_is_woken_when_there_is_anything() {
    let (near, mut far) = connection().await;
    let mut near = Early::new(&b"early"[..], near);
    let mut room = [0; 8];
    assert!(
        is_readable(&mut near),
        "what came early is not the socket's"
    );
    near.read_exact(&mut room[..5]).await.unwrap();
    assert!(!is_readable(&mut near));
    let woken = poll_fn(|cx| near.poll_readable(cx));
    let (_woken, written) = tokio::join!(woken, far.write_all(b"late"));
    written.unwrap();
    let read = poll_fn(|cx| near.poll_read_at_once(cx, &mut room)).await;
    assert_eq!(read.unwrap(), 4);
    assert!(!is_readable(&mut near));
    drop(far);
    poll_fn(|cx| near.poll_readable(cx)).await;
    let read = poll_fn(|cx| near.poll_read_at_once(cx, &mut room)).await;
    assert_eq!(read.unwrap(), 0);
}

/// What was decrypted and found no room is no longer the socket's to tell of.
#[tokio::test]
async fn what_was_left_of_a_record_is_there_to_be_read() {
    for version in [&TLS12, &TLS13] {
        let (near, far) = connection().await;
        let (mut client, mut server) = Keys::new(version).join(near, far).await;
        // Session tickets are on their way with the first write.
        server.write_all(b"!").await.unwrap();
        client.read_u8().await.unwrap();
        assert!(!is_readable(&mut server));
        let woken = poll_fn(|cx| server.poll_readable(cx));
        let (_woken, written) = tokio::join!(woken, client.write_all(b"hello world"));
        written.unwrap();
        let mut room = [0; 5];
        server.read_exact(&mut room).await.unwrap();
        assert!(is_readable(&mut server));
        server.read_exact(&mut room).await.unwrap();
        assert!(is_readable(&mut server));
        assert_eq!(server.read_u8().await.unwrap(), b'd');
        assert!(!is_readable(&mut server));
        client.shutdown().await.unwrap();
        assert_eq!(server.read(&mut room).await.unwrap(), 0);
        assert!(is_readable(&mut server), "the end is there to be read");
    }
}

/// Gives byte by byte, and knows of no more than it has given: as a socket that a long record
/// comes to in many segments, each just in time for the next read.
struct Trickle(DuplexStream);

impl Leg for Trickle {
    fn is_silent(&self) -> bool {
        true
    }
}

impl AsyncRead for Trickle {
    fn poll_read(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buf: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        let mut one = [0; 1];
        let mut room = ReadBuf::new(&mut one);
        let polled = Pin::new(&mut self.0).poll_read(cx, &mut room);
        buf.put_slice(room.filled());
        polled
    }
}

impl AsyncWrite for Trickle {
    fn poll_write(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<io::Result<usize>> {
        Pin::new(&mut self.0).poll_write(cx, bytes)
    }

    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.0).poll_flush(cx)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.0).poll_shutdown(cx)
    }
}

/// A reader that stops in the middle of a record to let others have their turn is told to wait, and
/// no socket will wake it: who takes that for silence never reads on.
#[tokio::test]
async fn who_only_lets_others_have_their_turn_is_not_silent() {
    let (near, far) = duplex(4096);
    let (mut client, mut server) = Keys::new(&TLS13).join(near, Trickle(far)).await;
    server.write_all(b"!").await.unwrap();
    client.read_u8().await.unwrap();
    client.write_all(b"hello").await.unwrap();
    let mut room = [0; 5];
    let mut turns = 0;
    let mut cx = Context::from_waker(Waker::noop());
    let read = loop {
        match server.poll_read_at_once(&mut cx, &mut room) {
            Poll::Ready(read) => break read.unwrap(),
            Poll::Pending => assert!(!server.is_silent(), "turn {turns}"),
        }
        turns += 1;
    };
    assert_eq!(room[..read], *b"hello");
    assert!(turns > 1);
    assert!(server.poll_read_at_once(&mut cx, &mut room).is_pending());
    assert!(server.is_silent());
}
