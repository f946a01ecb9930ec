//! B27, the half without a clock: requests larger than any that is meant.

use std::fmt::Write as _;

use tokio::{io::AsyncWriteExt as _, net::TcpStream};
use tollbridge_testkit::Handshake;

use crate::{
    clean::status_of,
    stage::{Stage, echo, knock},
};

/// The answer, if there still was one to be read: a server that has refused need not read on.
async fn is_one_of(stage: &Stage, what: &str, request: Vec<u8>, expected: &[u16]) {
    let answer = stage.until_closed(request).await;
    match status_of(&answer) {
        Some(status) => assert!(expected.contains(&status), "{what}: {answer}"),
        None => assert!(answer.is_empty(), "{what}: {answer}"),
    }
}

#[tokio::test]
async fn what_is_larger_than_any_request_is_refused() {
    let (stage, upstream) = echo().await;
    let token = stage.forge.token("voice");
    let to = stage.server.public();
    let knock = || knock("voice", &token);
    let many = (0..200).fold(knock(), |it, n| it.header(&format!("x-{n}"), "y"));
    let long_url = Handshake::to(&format!(
        "/v1/bridge/voice?token={token}&x={}",
        "y".repeat(64 << 10)
    ));
    let long_path = Handshake::to(&format!(
        "/v1/bridge/{}?token={token}",
        "y".repeat(64 << 10)
    ));
    let mut parameters = format!("/v1/bridge/voice?token={token}");
    (0..65).for_each(|n| write!(parameters, "&x{n}=y").unwrap());
    let names: Vec<String> = (0..1000).map(|n| format!("protocol-{n}")).collect();
    let names: Vec<&str> = names.iter().map(String::as_str).collect();
    for (what, handshake, expected) in [
        (
            "300 KB header",
            knock().header("x-a", &"y".repeat(300_000)),
            &[431][..],
        ),
        ("200 headers", many, &[431]),
        ("64 KiB URL", long_url, &[400, 414]),
        ("64 KiB path", long_path, &[400, 404, 414]),
        ("66 parameters", Handshake::to(&parameters), &[400]),
        ("1000 subprotocols", knock().protocols(&names), &[400]),
        (
            "64 KiB token",
            Handshake::to(&format!("/v1/bridge/voice?token={}", "y".repeat(64 << 10))),
            &[400, 401, 414],
        ),
    ] {
        is_one_of(&stage, what, handshake.encode(to), expected).await;
    }
    assert_eq!(upstream.connections(), 0);
    stage.redeem("voice", &token).await;
    stage.end().await;
}

/// B27: a slow network is no attack.
#[tokio::test]
async fn a_head_that_comes_byte_by_byte_is_read_like_any_other() {
    let (stage, _upstream) = echo().await;
    let request = Handshake::to("/v1/bridge/voice").encode(stage.server.public());
    let mut stream = TcpStream::connect(stage.server.public()).await.unwrap();
    stream.set_nodelay(true).unwrap();
    for byte in request {
        stream.write_all(&[byte]).await.unwrap();
    }
    let mut answer = [0; 12];
    tokio::io::AsyncReadExt::read_exact(&mut stream, &mut answer)
        .await
        .unwrap();
    assert_eq!(&answer, b"HTTP/1.1 401");
    stage.end().await;
}
