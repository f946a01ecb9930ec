//! Answers that are not a 101, or not a right one.

use tollbridge_domain::Slug;
use tollbridge_testkit::{Behaviour, Upstream};
use tollbridge_upstream::DialError;

use crate::{PATIENT, call, dialer, failure};

async fn answered(answer: &str) -> DialError {
    let upstream = Upstream::behaving(Behaviour::Answer(answer.as_bytes().to_vec())).await;
    let mut call = call(&upstream.url());
    call.protocols = vec!["realtime".to_owned()];
    call.extensions = Some("permessage-deflate".to_owned());
    let error = failure(&dialer(PATIENT), call).await;
    assert!(!error.untouched());
    assert_eq!(upstream.connections(), 1, "one dial, whatever comes of it");
    error
}

/// U3: a redirect would carry the credential to another host.
#[actix_rt::test]
async fn a_status_other_than_101_is_named_and_never_followed() {
    for (status, slug) in [
        (200, Slug::UpstreamRefused),
        (302, Slug::UpstreamRefused),
        (401, Slug::UpstreamRefused),
        (403, Slug::UpstreamRefused),
        (429, Slug::UpstreamRateLimited),
        (500, Slug::UpstreamUnavailable),
        (503, Slug::UpstreamUnavailable),
    ] {
        let elsewhere = Upstream::behaving(Behaviour::Echo).await;
        let error = answered(&format!(
            "HTTP/1.1 {status} No\r\nLocation: {}/\r\nContent-Length: 5\r\n\r\nbody!",
            elsewhere.url()
        ))
        .await;
        assert_eq!(error.status(), Some(status));
        assert_eq!(error.slug(), slug, "{status}");
        assert_eq!(elsewhere.connections(), 0);
        assert!(!error.to_string().contains("body"), "{error}");
    }
}

const GOOD: [&str; 4] = [
    "HTTP/1.1 101 Switching Protocols",
    "Upgrade: websocket",
    "Connection: Upgrade",
    "Sec-WebSocket-Accept: {accept}",
];

/// U5: RFC 6455, 4.1.
#[actix_rt::test]
async fn a_101_that_breaks_the_handshakes_rules_is_refused() {
    let [start, upgrade, connection, accept] = GOOD;
    let wrong_accept = "Sec-WebSocket-Accept: s3pPLMBiTxaQ9kYGzzhZRbK+xOo=";
    let deflate = "Sec-WebSocket-Extensions: permessage-deflate";
    for lines in [
        vec![start, upgrade, connection],
        vec![start, upgrade, connection, wrong_accept],
        vec![start, connection, accept],
        vec![start, upgrade, accept],
        vec![start, "Upgrade: h2c", connection, accept],
        vec![start, "Upgrade: websocket, h2c", connection, accept],
        vec![start, upgrade, "Connection: close", accept],
        vec![
            "HTTP/1.0 101 Switching Protocols",
            upgrade,
            connection,
            accept,
        ],
        vec![
            start,
            upgrade,
            connection,
            accept,
            "Sec-WebSocket-Protocol: other",
        ],
        vec![
            start,
            upgrade,
            connection,
            accept,
            "Sec-WebSocket-Protocol: Realtime",
        ],
        vec![
            start,
            upgrade,
            connection,
            accept,
            "Sec-WebSocket-Protocol: realtime",
            "Sec-WebSocket-Protocol: realtime",
        ],
        vec![
            start,
            upgrade,
            connection,
            accept,
            "Sec-WebSocket-Extensions: x-foo",
        ],
        vec![start, upgrade, connection, accept, deflate, deflate],
    ] {
        let error = answered(&format!("{}\r\n\r\n", lines.join("\r\n"))).await;
        assert_eq!(error.slug(), Slug::UpstreamRefused, "{lines:?}: {error}");
        assert_eq!(error.status(), None);
    }
}

/// The same lines without a fault are fine: the test above tests what it says.
#[actix_rt::test]
async fn the_good_answer_is_good() {
    let answer = format!("{}\r\n\r\n", GOOD.join("\r\n")).into_bytes();
    let upstream = Upstream::behaving(Behaviour::Answer(answer)).await;
    assert!(dialer(PATIENT).dial(call(&upstream.url())).await.is_ok());
}

#[actix_rt::test]
async fn an_answer_that_is_not_http_is_refused() {
    let endless = format!("HTTP/1.1 101 x\r\nX: {}", "y".repeat(300_000));
    for answer in [
        "SSH-2.0-OpenSSH_9.2\r\n\r\n",
        "HTTP/1.1 abc\r\n\r\n",
        &endless,
    ] {
        let error = answered(answer).await;
        assert_eq!(error.slug(), Slug::UpstreamRefused, "{error}");
    }
}
