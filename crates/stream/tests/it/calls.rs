//! What a message costs in calls to the socket.

use rustls::version::TLS13;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _, duplex};

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
