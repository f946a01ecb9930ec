//! Bodies that are no mint request.

use serde_json::json;
use tollbridge_testkit::{Response, http};

use crate::{
    cuts::resident_kib,
    stage::{Stage, by_target, echo},
};

/// A mint with these headers and this body, as they are.
async fn post(stage: &Stage, headers: &str, body: &[u8]) -> Response {
    http(stage.server.public(), request(stage, headers, body)).await
}

async fn post_json(stage: &Stage, body: &[u8]) -> Response {
    let headers = format!(
        "content-type: application/json\r\ncontent-length: {}\r\n",
        body.len()
    );
    post(stage, &headers, body).await
}

/// M06
#[tokio::test]
async fn a_body_that_is_not_json_is_400() {
    let (stage, _upstream) = echo().await;
    let deep = "[".repeat(10_000);
    let deep_inside = format!(
        r#"{{"route":"voice","metadata":{}1{}}}"#,
        "[".repeat(7_000),
        "]".repeat(7_000)
    );
    for body in [
        &b""[..],
        b"{",
        b"route=voice",
        b"{\"route\":\"voice\"",
        b"{\"route\":\"voice\"} {}",
        b"{'route':'voice'}",
        b"{\"route\":\"voice\",}",
        b"{\"route\":\"\xff\"}",
        b"{\"route\":\"\\ud800\"}",
        b"\xef\xbb\xbf{\"route\":\"voice\"}",
        b"{\"route\":\"voice\",\"uses\":1,\"uses\":1}",
        b"{\"route\":\"voice\",\"\\u0072oute\":\"other\"}",
        b"{\"route\":\"voice\",\"uses\":NaN}",
        deep.as_bytes(),
        deep_inside.as_bytes(),
    ] {
        let refused = post_json(&stage, body).await;
        let shown = String::from_utf8_lossy(&body[..body.len().min(80)]);
        assert_eq!(
            (refused.status, refused.code().as_str()),
            (400, "invalid_request"),
            "{shown}"
        );
    }
    assert!(by_target(&stage.end().await, "token.minted").is_empty());
}

/// M06
#[tokio::test]
async fn a_body_of_another_kind_is_415() {
    let (stage, _upstream) = echo().await;
    let body = br#"{"route":"voice"}"#;
    let length = format!("content-length: {}\r\n", body.len());
    for kind in [
        "",
        "content-type: text/plain\r\n",
        "content-type: application/x-www-form-urlencoded\r\n",
        "content-type: application/jsonp\r\n",
        "content-type: application/json\r\ncontent-encoding: gzip\r\n",
        "content-type: application/json\r\ncontent-encoding: br\r\n",
    ] {
        let refused = post(&stage, &format!("{kind}{length}"), body).await;
        assert_eq!(refused.status, 415, "{kind}");
        assert_eq!(refused.code(), "unsupported_media_type");
    }
    for kind in ["application/json; charset=utf-8", "Application/JSON"] {
        let headers = format!("content-type: {kind}\r\n{length}");
        assert_eq!(post(&stage, &headers, body).await.status, 201, "{kind}");
    }
    stage.end().await;
}

/// M06: neither a length that is announced nor one that is not costs memory.
#[tokio::test]
async fn a_body_above_16_kib_is_413_and_leaves_nothing_behind() {
    let (stage, _upstream) = echo().await;
    let just = format!("{{\"route\":\"voice\"{}}}", " ".repeat(16 * 1024 - 17));
    assert_eq!(just.len(), 16 * 1024);
    assert_eq!(post_json(&stage, just.as_bytes()).await.status, 201);
    assert_eq!(
        post_json(&stage, format!("{just} ").as_bytes())
            .await
            .status,
        413
    );
    let before = resident_kib(&stage);
    let huge = vec![b' '; 2 << 20];
    let chunk = [b"200000\r\n", &huge[..], b"\r\n0\r\n\r\n"].concat();
    let chunked = "content-type: application/json\r\ntransfer-encoding: chunked\r\n";
    for _ in 0..8 {
        for (headers, body) in [
            (
                format!(
                    "content-type: application/json\r\ncontent-length: {}\r\n",
                    huge.len()
                ),
                &huge,
            ),
            (chunked.to_owned(), &chunk),
        ] {
            let refused = stage.until_closed(request(&stage, &headers, body)).await;
            assert!(refused.starts_with("HTTP/1.1 413 "), "{refused}");
        }
    }
    let grown = resident_kib(&stage).saturating_sub(before);
    assert!(grown < 8 * 1024, "{grown} KiB more for 32 MiB of bodies");
    assert_eq!(stage.ask(&json!({"route": "voice"})).await.status, 201);
    stage.end().await;
}

fn request(stage: &Stage, headers: &str, body: &[u8]) -> Vec<u8> {
    let head = format!(
        "POST /v1/tokens HTTP/1.1\r\nhost: a\r\nauthorization: Bearer {}\r\n{headers}\r\n",
        stage.api_key
    );
    [head.as_bytes(), body].concat()
}
