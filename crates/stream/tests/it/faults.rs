//! Peers that are wrong, gone or slow.

use std::{
    future::poll_fn,
    io::{self, ErrorKind},
    pin::Pin,
    task::Poll,
};

use rustls::version::{TLS12, TLS13};
use tokio::io::{AsyncReadExt as _, AsyncWrite, AsyncWriteExt as _, duplex};
use tollbridge_stream::{accept, connect};

use crate::{
    cut::Cut,
    keys::{BOTH_VERSIONS, Keys, localhost},
    sample, tcp,
};

fn cause(error: &io::Error) -> &rustls::Error {
    assert_eq!(error.kind(), ErrorKind::InvalidData);
    error.get_ref().unwrap().downcast_ref().unwrap()
}

#[tokio::test]
async fn a_stranger_is_refused_and_told() {
    for version in BOTH_VERSIONS {
        let (near, far) = tcp().await;
        let (ours, theirs) = (Keys::new(version), Keys::new(version));
        let client = connect(near, ours.client.clone(), localhost());
        let server = async {
            let mut server = accept(far, theirs.server.clone()).await?;
            server.read_u8().await
        };
        let (client, server) = tokio::join!(client, server);
        let client = client.err().unwrap();
        assert!(matches!(
            cause(&client),
            rustls::Error::InvalidCertificate(_)
        ));
        let server = server.err().unwrap();
        assert!(
            matches!(cause(&server), rustls::Error::AlertReceived(_)),
            "{server}"
        );
    }
}

#[tokio::test]
async fn garbage_is_no_handshake() {
    let garbage = sample(3000);
    for noise in [&b"GET / HTTP/1.1\r\nHost: localhost\r\n\r\n"[..], &garbage] {
        let keys = Keys::new(&TLS13);
        let (mut near, far) = tcp().await;
        near.write_all(noise).await.unwrap();
        cause(&accept(far, keys.server.clone()).await.err().unwrap());
        let (near, mut far) = tcp().await;
        far.write_all(noise).await.unwrap();
        cause(
            &connect(near, keys.client.clone(), localhost())
                .await
                .err()
                .unwrap(),
        );
    }
}

#[tokio::test]
async fn a_peer_that_leaves_in_the_handshake_has_left() {
    let keys = Keys::new(&TLS13);
    for said in [&b""[..], b"\x16\x03\x01\x02\x00\x01\x00"] {
        let (mut near, far) = tcp().await;
        near.write_all(said).await.unwrap();
        near.shutdown().await.unwrap();
        let error = accept(far, keys.server.clone()).await.err().unwrap();
        assert_eq!(error.kind(), ErrorKind::UnexpectedEof);
    }
}

/// One of 60 KiB, a byte in each record, most of whose heads rustls wants to see again each time.
#[tokio::test]
async fn a_handshake_message_that_does_not_end_is_refused() {
    let keys = Keys::new(&TLS13);
    let (mut near, far) = duplex(1 << 20);
    let hello = [1, 0, 60 * 4, 0].into_iter().chain([0; 60 * 1024 - 1]);
    let records: Vec<u8> = hello.flat_map(|byte| [22, 3, 1, 0, 1, byte]).collect();
    near.write_all(&records).await.unwrap();
    let error = accept(far, keys.server.clone()).await.err().unwrap();
    assert!(
        cause(&error).to_string().contains("does not end"),
        "{error}"
    );
}

/// Before there is anything of it to keep.
#[tokio::test]
async fn a_handshake_message_of_a_megabyte_is_refused_by_its_head() {
    let keys = Keys::new(&TLS13);
    let (mut near, far) = tcp().await;
    let head = [22, 3, 1, 0, 4, 1, 0x10, 0, 0];
    near.write_all(&head).await.unwrap();
    let error = accept(far, keys.server.clone()).await.err().unwrap();
    assert!(
        matches!(cause(&error), rustls::Error::InvalidMessage(_)),
        "{error}"
    );
}

/// What was said before is still heard; the error is told as often as one asks, and to the peer.
#[tokio::test]
async fn a_forged_record_is_an_error_after_what_came_before() {
    for (version, head) in [(&TLS12, 5 + 8 + 16), (&TLS13, 5 + 1 + 16)] {
        let keys = Keys::with(version, |_client, server| server.send_tls13_tickets = 0);
        let (near, far) = tcp().await;
        let near = Cut::new(
            near,
            b"\x17\x03\x03\x00\x20aaaaaaaaaaaaaaaabbbbbbbbbbbbbbbb",
        );
        let (mut client, mut server) = keys.join(near, far).await;
        client.get_ref().after(head + 5);
        server.write_all(b"hello").await.unwrap();
        let mut heard = [0; 5];
        client.read_exact(&mut heard).await.unwrap();
        assert_eq!(&heard, b"hello");
        for _ in 0..2 {
            let error = client.read_u8().await.err().unwrap();
            assert_eq!(cause(&error), &rustls::Error::DecryptError);
        }
        assert!(client.write_all(b"x").await.is_err());
        let told = server.read_u8().await.err().unwrap();
        let rustls::Error::AlertReceived(_) = cause(&told) else {
            panic!("{told}");
        };
    }
}

/// A session ticket in many records, cut in the middle: rustls remembers a place in what it has
/// seen of it, and must be shown that again at the next write.
#[tokio::test]
async fn a_torn_handshake_message_does_not_hinder_a_write() {
    let keys = Keys::with(&TLS13, |_client, server| {
        server.max_fragment_size = Some(48);
    });
    let (near, far) = tcp().await;
    let (mut client, mut server) = keys.join(Cut::new(near, b""), far).await;
    client.get_ref().after(100);
    server.write_all(b"!").await.unwrap();
    let mut heard = Vec::new();
    client.read_to_end(&mut heard).await.unwrap();
    assert_eq!(heard, b"");
    client.write_all(b"still here").await.unwrap();
    client.shutdown().await.unwrap();
    server.read_to_end(&mut heard).await.unwrap();
    assert_eq!(heard, b"still here");
}

/// A peer that does not read makes us keep one write, not two.
#[tokio::test]
async fn a_socket_that_takes_nothing_makes_a_writer_wait() {
    let (near, far) = duplex(4096);
    let (mut client, mut server) = Keys::new(&TLS13).join(near, far).await;
    let words = sample(200_000);
    let taken = client.write(&words).await.unwrap();
    assert_eq!(taken, 192 * 1024);
    let again = poll_fn(|cx| Poll::Ready(Pin::new(&mut client).poll_write(cx, &words))).await;
    assert!(again.is_pending());
    assert!(client.held() < 200 * 1024, "{}", client.held());
    let rest = async {
        client.write_all(&words[taken..]).await.unwrap();
        client.shutdown().await.unwrap();
    };
    let mut heard = Vec::new();
    let ((), read) = tokio::join!(rest, server.read_to_end(&mut heard));
    read.unwrap();
    assert!(heard == words);
    assert_eq!(client.held(), 0);
}

/// However little is left over; and what is said behind a farewell is refused, not queued.
#[tokio::test]
async fn what_is_left_over_goes_first() {
    let (near, far) = duplex(4096);
    let (mut client, mut server) = Keys::new(&TLS13).join(near, far).await;
    let words = sample(5000);
    assert_eq!(client.write(&words).await.unwrap(), words.len());
    assert!(client.held() > 0);
    let more = poll_fn(|cx| Poll::Ready(Pin::new(&mut client).poll_write(cx, b"more"))).await;
    assert!(more.is_pending());
    let end = poll_fn(|cx| Poll::Ready(Pin::new(&mut client).poll_shutdown(cx))).await;
    assert!(end.is_pending());
    let late = poll_fn(|cx| Poll::Ready(Pin::new(&mut client).poll_write(cx, b"late"))).await;
    assert!(matches!(late, Poll::Ready(Err(error)) if error.kind() == ErrorKind::BrokenPipe));
    let mut heard = Vec::new();
    let (ended, read) = tokio::join!(client.shutdown(), server.read_to_end(&mut heard));
    ended.unwrap();
    read.unwrap();
    assert!(heard == words);
}
