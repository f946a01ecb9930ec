//! Handshakes that are none: refused before anybody looks at the token.

use tollbridge_testkit::Handshake;

use crate::stage::{echo, knock};

/// B02
#[tokio::test]
async fn a_handshake_is_clean_or_none() {
    let (stage, upstream) = echo().await;
    let token = stage.forge.token("voice");
    let knock = || knock("voice", &token);
    let (version, key) = ("Sec-WebSocket-Version", "Sec-WebSocket-Key");
    for (what, handshake, status) in [
        ("version 8", knock().instead(version, "8"), 426),
        ("version 14", knock().instead(version, "14"), 426),
        ("no version", knock().without(version), 426),
        ("two versions", knock().header(version, "8"), 426),
        ("version list", knock().instead(version, "13, 8"), 426),
        ("no upgrade", knock().without("Upgrade"), 426),
        ("short key", knock().instead(key, "AAAA"), 400),
        (
            "15 bytes",
            knock().instead(key, "dGhlIHNhbXBsZSBub25j"),
            400,
        ),
        (
            "17 bytes",
            knock().instead(key, "dGhlIHNhbXBsZSBub25jZQo="),
            400,
        ),
        (
            "no base64",
            knock().instead(key, "dGhlIHNhbXBsZSBub25jZ!=="),
            400,
        ),
        (
            "url alphabet",
            knock().instead(key, "dGhlIHNhbXBsZSBub2-jZQ=="),
            400,
        ),
        ("empty key", knock().instead(key, ""), 400),
        ("no key", knock().without(key), 400),
        (
            "two keys",
            knock().header(key, "dGhlIHNhbXBsZSBub25jZQ=="),
            400,
        ),
        ("no connection", knock().without("Connection"), 400),
        (
            "keep-alive",
            knock().instead("Connection", "keep-alive"),
            400,
        ),
        ("POST", knock().method("POST"), 405),
        ("PUT", knock().method("PUT"), 405),
        ("HEAD", knock().method("HEAD"), 405),
        ("OPTIONS", knock().method("OPTIONS"), 405),
        ("HTTP/1.0", knock().http_version("HTTP/1.0"), 400),
    ] {
        let answer = stage
            .until_closed(handshake.encode(stage.server.public()))
            .await;
        assert_eq!(status_of(&answer), Some(status), "{what}: {answer}");
        assert!(status != 426 || says_how(&answer), "{what}: {answer}");
        assert_eq!(answers(&answer), 1, "{what}: {answer}");
    }
    assert_eq!(upstream.connections(), 0);
    stage.redeem("voice", &token).await;
    stage.end().await;
}

/// What browsers and libraries send is not all alike, and all of it is clean.
#[tokio::test]
async fn case_and_company_do_not_make_a_handshake_unclean() {
    let (stage, _upstream) = echo().await;
    let forge = |it: fn(Handshake) -> Handshake| it(knock("voice", &stage.forge.token("voice")));
    for handshake in [
        forge(|it| it.instead("Upgrade", "WebSocket")),
        forge(|it| it.instead("Connection", "keep-alive, Upgrade")),
        forge(|it| it.instead("Connection", "upgrade")),
        forge(|it| it.header("Content-Length", "0")),
    ] {
        stage.open(handshake).await.close(1000).await;
    }
    stage.end().await;
}

/// B05
#[tokio::test]
async fn another_protocol_or_method_opens_nothing() {
    let (stage, upstream) = echo().await;
    let token = stage.forge.token("voice");
    let knock = || knock("voice", &token);
    let behind = b"GET /livez HTTP/1.1\r\nhost: a\r\n\r\n";
    for (what, handshake, status) in [
        ("h2c", knock().instead("Upgrade", "h2c"), 400),
        ("foo", knock().instead("Upgrade", "foo"), 400),
        ("list", knock().instead("Upgrade", "websocket, foo"), 400),
        ("two", knock().header("Upgrade", "foo"), 400),
        ("empty", knock().instead("Upgrade", ""), 400),
        ("TRACE", knock().method("TRACE"), 405),
        ("CONNECT", knock().method("CONNECT"), 405),
        ("GETS", knock().method("GETS"), 405),
        ("get", knock().method("get"), 405),
    ] {
        let request = handshake.early(behind).encode(stage.server.public());
        let answer = stage.until_closed(request).await;
        assert_eq!(status_of(&answer), Some(status), "{what}: {answer}");
        assert_eq!(answers(&answer), 1, "{what}: {answer}");
    }
    let tunnel =
        "CONNECT 127.0.0.1:443 HTTP/1.1\r\nhost: 127.0.0.1:443\r\nconnection: close\r\n\r\n";
    let answer = stage.until_closed(tunnel).await;
    assert!(answer.starts_with("HTTP/1.1 4"), "{answer}");
    assert_eq!(upstream.connections(), 0);
    stage.redeem("voice", &token).await;
    stage.end().await;
}

/// The status of the first answer.
pub(crate) fn status_of(answer: &str) -> Option<u16> {
    answer
        .split(' ')
        .nth(1)
        .and_then(|status| status.parse().ok())
}

/// How many answers there are.
pub(crate) fn answers(text: &str) -> usize {
    text.matches("HTTP/1.1 ").count() + text.matches("HTTP/1.0 ").count()
}

/// RFC 9110, 15.5.22; RFC 6455, 4.4.
fn says_how(answer: &str) -> bool {
    let answer = answer.to_ascii_lowercase();
    answer.contains("\r\nupgrade: websocket\r\n")
        && answer.contains("\r\nsec-websocket-version: 13\r\n")
}
