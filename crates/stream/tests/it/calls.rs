//! What a message costs in calls to the socket.

use std::{future::poll_fn, pin::Pin, task::Poll};

use rustls::version::TLS13;
use tokio::io::{AsyncRead as _, AsyncReadExt as _, AsyncWriteExt as _, ReadBuf, duplex};

use crate::{
    choppy::Choppy,
    keys::{Keys, localhost},
    sample,
};

/// More than a message of 64 KiB with its heads.
const ROOMY: usize = 256 * 1024;

#[tokio::test]
async fn a_message_is_one_read_and_one_write() {
    let (near, far) = duplex(ROOMY);
    let ((near, near_calls), (far, far_calls)) = (Choppy::counting(near), Choppy::counting(far));
    let (mut client, mut server) = Keys::new(&TLS13).join(near, far).await;
    // Session tickets are on their way with the first write.
    server.write_all(b"!").await.unwrap();
    client.read_u8().await.unwrap();
    for size in [64, 3200, 16 * 1024, 64 * 1024 + 14] {
        let message = sample(size);
        let mut room = vec![0; 80 * 1024];
        near_calls.take();
        far_calls.take();
        assert_eq!(client.write(&message).await.unwrap(), size);
        client.flush().await.unwrap();
        assert_eq!(server.read(&mut room).await.unwrap(), size);
        assert_eq!(near_calls.take(), (0, 1), "{size}");
        assert_eq!(far_calls.take(), (1, 0), "{size}");
        assert!(room[..size] == message);
    }
}

/// A handshake's last flight is not worth a packet of its own.
#[tokio::test]
async fn the_end_of_a_handshake_goes_with_the_first_words() {
    let keys = Keys::new(&TLS13);
    let (near, far) = duplex(ROOMY);
    let ((near, near_calls), (far, far_calls)) = (Choppy::counting(near), Choppy::counting(far));
    let client = async {
        let client = tollbridge_stream::connect(near, keys.client.clone(), localhost());
        let mut client = client.await.unwrap();
        client.write_all(b"?").await.unwrap();
        client.read_u8().await.unwrap();
        client
    };
    let server = async {
        let server = tollbridge_stream::accept(far, keys.server.clone());
        let mut server = server.await.unwrap();
        server.read_u8().await.unwrap();
        server.write_all(b"!").await.unwrap();
        server
    };
    let (_client, _server) = tokio::join!(client, server);
    // Hello and Finished with the question; hello and Finished, and the tickets with the answer.
    assert_eq!(near_calls.take(), (2, 2));
    assert_eq!(far_calls.take(), (2, 2));
}

/// Whoever sends a record byte by byte, or records that carry nothing, does not keep the others waiting.
#[tokio::test]
async fn a_reader_gives_way_after_some_reads_of_nothing() {
    let (near, far) = duplex(ROOMY);
    let (far, calls) = Choppy::counting(far);
    let (mut client, mut server) = Keys::new(&TLS13).join(near, far.by(1)).await;
    let message = sample(1000);
    client.write_all(&message).await.unwrap();
    calls.take();
    let mut room = vec![0; message.len()];
    let first = poll_fn(|cx| {
        let mut room = ReadBuf::new(&mut room);
        Poll::Ready(Pin::new(&mut server).poll_read(cx, &mut room))
    });
    assert!(first.await.is_pending());
    assert_eq!(calls.take(), (4, 0));
    server.read_exact(&mut room).await.unwrap();
    assert!(room == message);
}
