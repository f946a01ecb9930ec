//! B20: requests that two readers would end in different places.

use crate::{
    clean::{answers, status_of},
    stage::echo,
};

const SECOND: &str = "GET /livez HTTP/1.1\r\nhost: a\r\n\r\n";

#[tokio::test]
async fn a_request_of_doubtful_length_is_refused_and_ends_the_connection() {
    let (stage, upstream) = echo().await;
    let token = stage.forge.token("voice");
    let upgrade = "upgrade: websocket\r\nconnection: upgrade\r\nsec-websocket-version: 13\r\n\
                   sec-websocket-key: dGhlIHNhbXBsZSBub25jZQ==\r\n";
    let bridge = format!("GET /v1/bridge/voice?token={token} HTTP/1.1\r\nhost: a\r\n{upgrade}");
    let mint = format!(
        "POST /v1/tokens HTTP/1.1\r\nhost: a\r\ncontent-type: application/json\r\n\
         authorization: Bearer {}\r\n",
        stage.api_key
    );
    for (what, headers, body) in [
        (
            "CL and TE",
            "content-length: 4\r\ntransfer-encoding: chunked\r\n",
            "0\r\n\r\n",
        ),
        (
            "TE and CL",
            "transfer-encoding: chunked\r\ncontent-length: 4\r\n",
            "0\r\n\r\n",
        ),
        (
            "two CL",
            "content-length: 0\r\ncontent-length: 4\r\n",
            "abcd",
        ),
        ("CL list", "content-length: 0, 4\r\n", "abcd"),
        ("+CL", "content-length: +3\r\n", "abc"),
        ("-CL", "content-length: -3\r\n", "abc"),
        ("hex CL", "content-length: 0x3\r\n", "abc"),
        ("huge CL", "content-length: 99999999999999999999\r\n", "abc"),
        (
            "TE twice",
            "transfer-encoding: chunked\r\ntransfer-encoding: chunked\r\n",
            "0\r\n\r\n",
        ),
        (
            "identity",
            "transfer-encoding: chunked, identity\r\n",
            "0\r\n\r\n",
        ),
        ("xchunked", "transfer-encoding: xchunked\r\n", "0\r\n\r\n"),
        (
            "obs-fold",
            "transfer-encoding:\r\n chunked\r\n",
            "0\r\n\r\n",
        ),
        ("folded", "x-a: b\r\n c\r\n", ""),
        ("space before colon", "content-length : 4\r\n", "abcd"),
        ("bare CR", "x-a: b\rcontent-length: 4\r\n", "abcd"),
        ("NUL", "x-a: b\0\r\n", ""),
        ("empty name", ": x\r\n", ""),
        ("no colon", "content-length\r\n", ""),
        (
            "chunk 0x3",
            "transfer-encoding: chunked\r\n",
            "0x3\r\nabc\r\n0\r\n\r\n",
        ),
        (
            "chunk LF",
            "transfer-encoding: chunked\r\n",
            "3;a\nabc\r\n0\r\n\r\n",
        ),
        (
            "chunk minus",
            "transfer-encoding: chunked\r\n",
            "-3\r\nabc\r\n0\r\n\r\n",
        ),
    ] {
        for head in [&bridge, &mint] {
            let request = format!("{head}{headers}\r\n{body}{SECOND}");
            let answer = stage.until_closed(request).await;
            assert_eq!(status_of(&answer), Some(400), "{what}: {answer}");
            assert_eq!(answers(&answer), 1, "{what}: {answer}");
        }
    }
    for (what, headers, body) in [
        ("CL", "content-length: 4\r\n", "abcd"),
        ("TE", "transfer-encoding: chunked\r\n", "0\r\n\r\n"),
    ] {
        let answer = stage
            .until_closed(format!("{bridge}{headers}\r\n{body}{SECOND}"))
            .await;
        assert_eq!(
            (status_of(&answer), answers(&answer)),
            (Some(400), 1),
            "{what}: {answer}"
        );
    }
    assert_eq!(upstream.connections(), 0);
    stage.redeem("voice", &token).await;
    stage.end().await;
}

/// Without a second `Host`, and with one that is an authority.
#[tokio::test]
async fn a_request_names_its_host_once() {
    let (stage, upstream) = echo().await;
    for hosts in ["", "host: a\r\nhost: b\r\n"] {
        let request = format!("GET /v1/bridge/voice HTTP/1.1\r\n{hosts}\r\n{SECOND}");
        let answer = stage.until_closed(request).await;
        assert_eq!(
            (status_of(&answer), answers(&answer)),
            (Some(400), 1),
            "{answer}"
        );
    }
    assert_eq!(upstream.connections(), 0);
    stage.end().await;
}
