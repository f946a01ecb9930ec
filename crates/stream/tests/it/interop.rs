//! Against rustls' own buffered streams, in both roles.

use rustls::version::TLS13;
use tokio::io::{AsyncRead, AsyncReadExt as _, AsyncWrite, AsyncWriteExt as _, duplex};
use tokio_rustls::{TlsAcceptor, TlsConnector};
use tollbridge_stream::{accept, connect};

use crate::{
    keys::{BOTH_VERSIONS, Keys, localhost},
    sample, tcp,
};

/// Says something, hears it come back, ends, and hears the end.
async fn ask(mut stream: impl AsyncRead + AsyncWrite + Unpin, words: &[u8]) {
    let mut heard = vec![0; words.len()];
    let (mut reader, mut writer) = tokio::io::split(&mut stream);
    let speak = async {
        writer.write_all(words).await.unwrap();
        writer.flush().await.unwrap();
    };
    let ((), read) = tokio::join!(speak, reader.read_exact(&mut heard));
    read.unwrap();
    assert!(heard == words);
    stream.shutdown().await.unwrap();
    assert_eq!(stream.read(&mut heard).await.unwrap(), 0);
}

async fn echo(mut stream: impl AsyncRead + AsyncWrite + Unpin) {
    let mut room = vec![0; 70_000];
    loop {
        match stream.read(&mut room).await.unwrap() {
            0 => break,
            count => stream.write_all(&room[..count]).await.unwrap(),
        }
        stream.flush().await.unwrap();
    }
    stream.shutdown().await.unwrap();
}

#[tokio::test]
async fn a_server_of_ours_serves_tokio_rustls() {
    for version in BOTH_VERSIONS {
        let keys = Keys::new(version);
        for size in [1, 3200, 300_000] {
            let (near, far) = tcp().await;
            let words = sample(size);
            let connector = TlsConnector::from(keys.client.clone());
            let client =
                async { ask(connector.connect(localhost(), near).await.unwrap(), &words).await };
            let server = async { echo(accept(far, keys.server.clone()).await.unwrap()).await };
            tokio::join!(client, server);
        }
    }
}

#[tokio::test]
async fn a_client_of_ours_asks_tokio_rustls() {
    for version in BOTH_VERSIONS {
        let keys = Keys::new(version);
        for size in [1, 3200, 300_000] {
            let (near, far) = tcp().await;
            let words = sample(size);
            let acceptor = TlsAcceptor::from(keys.server.clone());
            let client = async {
                let client = connect(near, keys.client.clone(), localhost());
                ask(client.await.unwrap(), &words).await;
            };
            let server = async { echo(acceptor.accept(far).await.unwrap()).await };
            tokio::join!(client, server);
        }
    }
}

/// RFC 8446, 4.6.3: the peer changes its keys, and asks us to change ours.
#[tokio::test]
async fn keys_change_in_midstream() {
    let keys = Keys::new(&TLS13);
    let (near, far) = tcp().await;
    let acceptor = TlsAcceptor::from(keys.server.clone());
    let client = async {
        let client = connect(near, keys.client.clone(), localhost());
        echo(client.await.unwrap()).await;
    };
    let server = async {
        let mut server = acceptor.accept(far).await.unwrap();
        for round in 0..20_u8 {
            server.get_mut().1.refresh_traffic_keys().unwrap();
            let said = [round; 100];
            server.write_all(&said).await.unwrap();
            server.flush().await.unwrap();
            let mut heard = [0; 100];
            server.read_exact(&mut heard).await.unwrap();
            assert_eq!(heard, said);
        }
        server.shutdown().await.unwrap();
        assert_eq!(server.read(&mut [0; 1]).await.unwrap(), 0);
    };
    tokio::join!(client, server);
}

/// Whatever it is and however long (RFC 8446, 6.1).
#[tokio::test]
async fn what_follows_a_farewell_is_ignored() {
    let keys = Keys::new(&TLS13);
    let (near, far) = duplex(1 << 20);
    let connector = TlsConnector::from(keys.client.clone());
    let (client, server) = tokio::join!(
        connector.connect(localhost(), near),
        accept(far, keys.server.clone())
    );
    let (mut client, mut server) = (client.unwrap(), server.unwrap());
    let (io, connection) = client.get_mut();
    connection.send_close_notify();
    let mut last = Vec::new();
    connection.write_tls(&mut last).unwrap();
    last.extend(sample(150_000));
    io.write_all(&last).await.unwrap();
    let mut heard = vec![0; 256 * 1024];
    assert_eq!(server.read(&mut heard).await.unwrap(), 0);
}
