//! Who gets through the handshake, who does not, and who must not be in the way.

use std::net::SocketAddr;

use tokio::{
    io::{AsyncReadExt as _, AsyncWriteExt as _},
    net::TcpStream,
    time::timeout,
};
use tollbridge_testkit::{TlsClient, get, http_unjudged};

use super::{NAME, Secured};
use crate::house::PATIENCE;

/// The head of a handshake record, and a piece of what it promises.
const HALF_A_HELLO: &[u8] = &[22, 3, 1, 2, 0, 1, 0, 1, 252, 3, 3];

async fn stalled(to: SocketAddr, said: &[u8]) -> TcpStream {
    let mut stream = TcpStream::connect(to).await.unwrap();
    stream.write_all(said).await.unwrap();
    stream
}

/// Reads until the server has ended the connection, one way or the other.
async fn until_ended(mut stream: TcpStream) -> Vec<u8> {
    let mut heard = Vec::new();
    let _reset = timeout(PATIENCE, stream.read_to_end(&mut heard))
        .await
        .expect("the server ends it");
    heard
}

#[tokio::test]
async fn names_and_versions_are_the_clients_choice() {
    let secured = Secured::new().await;
    let to = secured.house.server.public();
    let authority = secured.authority.pem();
    let nameless = secured
        .client
        .clone()
        .with(|config| config.enable_sni = false);
    let without_alpn = secured
        .client
        .clone()
        .with(|config| config.alpn_protocols.clear());
    let old = TlsClient::of_yesterday(&authority, NAME);
    for client in [nameless, without_alpn, old] {
        let tunnel = client.tunnel(to).await;
        assert_eq!(get(tunnel.address(), "/livez", &[]).await.status, 200);
    }
}

#[tokio::test]
async fn who_cannot_agree_is_refused_and_counted() {
    let secured = Secured::new().await;
    let to = secured.house.server.public();
    let authority = secured.authority.pem();
    let http2 = secured
        .client
        .clone()
        .with(|config| config.alpn_protocols = vec![b"h2".to_vec()]);
    assert!(http2.connect(to).await.is_err());
    let reason = |reason: &str, times: u32| {
        format!("tollbridge_tls_handshake_failures_total{{reason=\"{reason}\"}} {times}")
    };
    secured.measures(&reason("incompatible", 1)).await;
    // Another name than the certificate's: it is the client that says no.
    let elsewhere = TlsClient::trusting(&authority, "other.example.com");
    assert!(elsewhere.connect(to).await.is_err());
    secured.measures(&reason("refused_by_client", 1)).await;
    until_ended(stalled(to, &[22, 3, 1, 0, 4, 1, 2, 3, 4]).await).await;
    secured.measures(&reason("invalid", 1)).await;
    drop(stalled(to, HALF_A_HELLO).await);
    secured.measures(&reason("closed", 1)).await;
    secured.session().await.echo("nobody else noticed").await;
}

#[tokio::test]
async fn plain_http_is_told_so_at_once() {
    let secured = Secured::new().await;
    let to = secured.house.server.public();
    let answer = http_unjudged(
        to,
        "GET /v1/bridge/echo?token=abc HTTP/1.1\r\nHost: a\r\n\r\n",
    )
    .await;
    assert_eq!(answer.status, 400);
    assert!(answer.text().contains("https"), "{answer:?}");
    let heard = until_ended(stalled(to, b"\x00\x01\x02").await).await;
    assert_eq!(heard, b"", "whoever that is does not read HTTP");
    secured
        .measures("tollbridge_tls_handshake_failures_total{reason=\"not_tls\"} 2")
        .await;
}

/// Whoever says nothing, or half of it, is let go at the deadline.
#[tokio::test]
async fn a_handshake_has_a_deadline() {
    let timeout = ("TOLLBRIDGE__SERVER__HANDSHAKE_TIMEOUT", "1s");
    let secured = Secured::of(|builder| builder.env(timeout.0, timeout.1)).await;
    let to = secured.house.server.public();
    let (silent, half) = (stalled(to, b"").await, stalled(to, HALF_A_HELLO).await);
    until_ended(silent).await;
    until_ended(half).await;
    secured
        .measures("tollbridge_tls_handshake_failures_total{reason=\"timeout\"} 2")
        .await;
    // Behind the handshake the request's head has its own.
    let mut stream = secured.client.connect(to).await.unwrap();
    stream.write_all(b"GET /livez HT").await.unwrap();
    let mut heard = Vec::new();
    stream.read_to_end(&mut heard).await.unwrap();
    let heard = String::from_utf8_lossy(&heard);
    assert!(heard.starts_with("HTTP/1.1 408"), "{heard}");
}

/// More than there are slots, on the one worker that there is. None of them ends of itself before
/// the good one's deadline.
#[tokio::test]
async fn handshakes_that_stall_do_not_stop_a_good_one() {
    let timeout = ("TOLLBRIDGE__SERVER__HANDSHAKE_TIMEOUT", "60s");
    let secured = Secured::of(|builder| builder.env(timeout.0, timeout.1)).await;
    let to = secured.house.server.public();
    let mut open = Vec::new();
    for _ in 0..300 {
        open.push(stalled(to, HALF_A_HELLO).await);
    }
    let ended = tokio::time::timeout(PATIENCE, secured.session());
    ended.await.expect("a slot").close(1000).await;
}
