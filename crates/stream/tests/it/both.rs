//! Our client and our server.

use rustls::{
    HandshakeKind, ProtocolVersion,
    version::{TLS12, TLS13},
};
use tokio::io::{AsyncRead, AsyncReadExt as _, AsyncWrite, AsyncWriteExt as _, duplex, split};

use crate::{
    keys::{BOTH_VERSIONS, Keys},
    sample, tcp,
};

#[tokio::test]
async fn what_is_said_is_heard() {
    for (version, name) in [
        (&TLS12, ProtocolVersion::TLSv1_2),
        (&TLS13, ProtocolVersion::TLSv1_3),
    ] {
        let (near, far) = tcp().await;
        let (mut client, mut server) = Keys::new(version).join(near, far).await;
        assert_eq!(client.protocol_version(), Some(name));
        assert_eq!(server.alpn(), Some(&b"http/1.1"[..]));
        assert!(client.get_ref().nodelay().unwrap());
        for message in [&b"hello"[..], &sample(70_000)] {
            client.write_all(message).await.unwrap();
            client.flush().await.unwrap();
            let mut heard = vec![0; message.len()];
            server.read_exact(&mut heard).await.unwrap();
            assert_eq!(heard, message);
        }
        assert!(!format!("{client:?}").contains("hello"));
    }
}

/// Writes all, ends its half, and reads to the end at the same time.
async fn talk<IO: AsyncRead + AsyncWrite>(stream: IO, words: &[u8]) -> Vec<u8> {
    let (mut reader, mut writer) = split(stream);
    let speak = async {
        writer.write_all(words).await.unwrap();
        writer.shutdown().await.unwrap();
    };
    let mut heard = Vec::new();
    let listen = reader.read_to_end(&mut heard);
    let ((), read) = tokio::join!(speak, listen);
    read.unwrap();
    heard
}

#[tokio::test]
async fn a_mebibyte_goes_each_way_at_once() {
    let down = sample(1 << 20);
    let up: Vec<u8> = down.iter().rev().copied().collect();
    for version in BOTH_VERSIONS {
        let (near, far) = tcp().await;
        let (client, server) = Keys::new(version).join(near, far).await;
        let both = tokio::join!(talk(client, &up), talk(server, &down));
        assert!(both == (down.clone(), up.clone()));
        let (near, far) = duplex(1000);
        let (client, server) = Keys::new(version).join(near, far).await;
        let both = tokio::join!(talk(client, &up), talk(server, &down));
        assert!(both == (down.clone(), up.clone()));
    }
}

#[tokio::test]
async fn one_half_ends_and_the_other_goes_on() {
    for version in BOTH_VERSIONS {
        let (near, far) = tcp().await;
        let (mut client, mut server) = Keys::new(version).join(near, far).await;
        client.write_all(b"last words").await.unwrap();
        client.shutdown().await.unwrap();
        assert!(client.write_all(b"more").await.is_err());
        let mut heard = Vec::new();
        server.read_to_end(&mut heard).await.unwrap();
        assert_eq!(heard, b"last words");
        let answer = sample(100_000);
        let (written, heard) = tokio::join!(
            async {
                server.write_all(&answer).await.unwrap();
                server.shutdown().await
            },
            async {
                let mut heard = Vec::new();
                client.read_to_end(&mut heard).await.unwrap();
                heard
            }
        );
        written.unwrap();
        assert!(heard == answer);
    }
}

/// As plain TCP would have it: a WebSocket has a close of its own.
#[tokio::test]
async fn a_connection_that_ends_without_a_word_has_ended() {
    for version in BOTH_VERSIONS {
        let (near, far) = tcp().await;
        let (mut client, mut server) = Keys::new(version).join(near, far).await;
        server.write_all(b"hello").await.unwrap();
        server.flush().await.unwrap();
        drop(server);
        let mut heard = Vec::new();
        client.read_to_end(&mut heard).await.unwrap();
        assert_eq!(heard, b"hello");
    }
}

#[tokio::test]
async fn a_second_connection_resumes_the_first() {
    for version in BOTH_VERSIONS {
        let keys = Keys::new(version);
        for kind in [HandshakeKind::Full, HandshakeKind::Resumed] {
            let (near, far) = tcp().await;
            let (mut client, mut server) = keys.join(near, far).await;
            assert_eq!(client.handshake_kind(), Some(kind));
            assert_eq!(server.handshake_kind(), Some(kind));
            // Tickets come with the first words of a server.
            server.write_all(b"!").await.unwrap();
            assert_eq!(client.read_u8().await.unwrap(), b'!');
        }
    }
}

/// The client's last message of the handshake waits for a write, or else for a read.
#[tokio::test]
async fn a_server_may_speak_first() {
    for version in BOTH_VERSIONS {
        let keys = Keys::new(version);
        let (near, far) = tcp().await;
        let client = async {
            let name = crate::keys::localhost();
            let config = keys.client.clone();
            let mut client = tollbridge_stream::connect(near, config, name)
                .await
                .unwrap();
            client.read_u8().await.unwrap()
        };
        let server = async {
            let mut server = tollbridge_stream::accept(far, keys.server.clone())
                .await
                .unwrap();
            server.write_all(b"!").await.unwrap();
            server
        };
        let (heard, _server) = tokio::join!(client, server);
        assert_eq!(heard, b'!');
    }
}
