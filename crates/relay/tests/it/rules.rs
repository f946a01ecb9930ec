//! What RFC 6455 and the route forbid, from either side. Each is judged at the header.

use std::time::Duration;

use tokio::time::Instant;
use tollbridge_domain::Slug;
use tollbridge_relay::{Ending, Side};

use crate::{
    frames::{BINARY, CLOSE, KEY, PING, TEXT, closing, header, masked, plain},
    stage::{Stage, terms_with},
};

/// What a thread's buffer takes at once, in bytes.
const ONE_READ: u64 = 192 * 1024;

/// R03, R05, R07: what no client may send.
#[tokio::test(start_paused = true)]
async fn a_client_that_breaks_the_protocol_is_told_1002_and_so_is_the_upstream() {
    for (name, bytes) in broken(true) {
        let ending = client_breaks(Stage::new(), &bytes, (1002, "protocol_error"), 1002).await;
        assert_eq!(ending.side, Side::Client, "{name}");
        assert_eq!(ending.slug, Some(Slug::ProtocolError), "{name}");
    }
}

/// R03, R05, R07: the same from an upstream, a masked frame among it.
#[tokio::test(start_paused = true)]
async fn an_upstream_that_breaks_the_protocol_is_told_1002_and_so_is_the_client() {
    for (name, bytes) in broken(false) {
        let mut stage = Stage::new();
        stage.upstream.send(&bytes).await;
        let (code, reason) = stage.client.close().await;
        assert_eq!(code, Some(1002), "{name}");
        assert_eq!(reason, "tb:protocol_error;id=s1", "{name}");
        let told = stage.upstream.frame().await;
        assert!(told.is_masked, "{name}");
        assert_eq!(told.close(), (Some(1002), String::new()), "{name}");
        let ending = stage.ending().await;
        assert_eq!(ending.side, Side::Upstream, "{name}");
        assert_eq!(ending.slug, Some(Slug::ProtocolError), "{name}");
    }
}

/// R07: a close reason is the one text that is read.
#[tokio::test(start_paused = true)]
async fn a_close_reason_that_is_not_utf8_is_1007() {
    let bytes = [&[0x03, 0xe8], b"\xce\xba\xed\xa0\x80".as_slice()].concat();
    let ending = client_breaks(
        Stage::new(),
        &masked(CLOSE, &bytes),
        (1007, "bad_utf8"),
        1007,
    )
    .await;
    assert_eq!(ending.slug, Some(Slug::BadUtf8));
}

/// R04: each is answered though not one byte of payload came, and though much of it came.
#[tokio::test(start_paused = true)]
async fn a_declared_length_above_the_limit_is_1009_before_its_payload() {
    let limit = 1000;
    for length in [limit + 1, 1 << 32, 1 << 40, i64::MAX as u64] {
        for sent in [0, 300_000] {
            let stage = Stage::with(terms_with(|limits| limits.max_frame = limit));
            let head = header(BINARY, true, length);
            let unasked = [head.as_slice(), &vec![0; sent]].concat();
            let meter = stage.meter.clone();
            client_breaks(stage, &unasked, (1009, "message_too_big"), 1009).await;
            assert!(meter.snapshot().bytes_up <= ONE_READ, "{length}");
        }
    }
}

/// R04 from the far side.
#[tokio::test(start_paused = true)]
async fn an_upstreams_declared_length_is_judged_alike() {
    let mut stage = Stage::with(terms_with(|limits| limits.max_frame = 1000));
    stage.upstream.send(&header(BINARY, false, 1 << 40)).await;
    let (code, reason) = stage.client.close().await;
    assert_eq!(
        (code, reason.as_str()),
        (Some(1009), "tb:message_too_big;id=s1")
    );
    assert_eq!(stage.upstream.close().await.0, Some(1009));
    assert_eq!(stage.ending().await.side, Side::Upstream);
}

#[tokio::test(start_paused = true)]
async fn a_verdict_does_not_wait_for_the_mask() {
    let stage = Stage::with(terms_with(|limits| limits.max_frame = 1000));
    let head = header(BINARY, true, 5000);
    client_breaks(stage, &head[..4], (1009, "message_too_big"), 1009).await;
}

#[tokio::test(start_paused = true)]
async fn a_frame_of_exactly_the_limit_passes() {
    let mut stage = Stage::with(terms_with(|limits| limits.max_frame = 1000));
    let frame = masked(BINARY, &[1; 1000]);
    stage.client.send(&frame).await;
    stage.upstream.expect(&frame).await;
}

#[tokio::test(start_paused = true)]
async fn a_messages_fragments_are_added_up() {
    let mut stage = Stage::with(terms_with(|limits| limits.max_message = 1000));
    let fits = [masked(0x02, &[1; 600]), masked(0x80, &[1; 400])].concat();
    stage.client.send(&fits).await;
    stage.upstream.expect(&fits).await;
    let begun = masked(0x02, &[1; 600]);
    stage.client.send(&begun).await;
    stage.upstream.expect(&begun).await;
    let head = header(0x80, true, 401);
    client_breaks(stage, &head, (1009, "message_too_big"), 1009).await;
}

/// R06: endless fragments of one byte, and of none.
#[tokio::test(start_paused = true)]
async fn one_fragment_too_many_is_1009() {
    for payload in [b"x".as_slice(), b""] {
        let mut stage = Stage::with(terms_with(|limits| limits.max_fragments = 100));
        let fits = [masked(0x01, payload), masked(0x00, payload).repeat(99)].concat();
        stage.client.send(&fits).await;
        stage.upstream.expect(&fits).await;
        let one_more = masked(0x00, payload);
        client_breaks(stage, &one_more, (1009, "message_too_big"), 1009).await;
    }
}

#[tokio::test(start_paused = true)]
async fn fragments_may_be_unlimited() {
    let stage = Stage::with(terms_with(|limits| limits.max_fragments = 0));
    let (mut client, mut upstream) = (stage.client, stage.upstream);
    let many = [masked(0x01, b""), masked(0x00, b"").repeat(100_000)].concat();
    tokio::join!(client.send(&many), upstream.expect(&many));
}

#[tokio::test(start_paused = true)]
async fn what_came_before_the_breach_is_passed_and_answered() {
    let mut stage = Stage::new();
    let good = masked(TEXT, b"hello");
    stage
        .client
        .send(&[good.as_slice(), &masked(0x83, b"")].concat())
        .await;
    stage.upstream.expect(&good).await;
    assert_eq!(stage.upstream.close().await.0, Some(1002));
    let answer = plain(TEXT, b"hello to you");
    stage.upstream.send(&answer).await;
    stage.upstream.send(&plain(CLOSE, &closing(1002, ""))).await;
    stage.client.expect(&answer).await;
    assert_eq!(stage.client.close().await.0, Some(1002));
}

/// Sends what breaks a rule; both sides are told within 100 ms of the test's clock, the upstream
/// in a masked frame although it does not answer.
async fn client_breaks(
    mut stage: Stage,
    bytes: &[u8],
    (code, slug): (u16, &str),
    upstream_code: u16,
) -> Ending {
    let start = Instant::now();
    stage.client.send(bytes).await;
    let told = stage.upstream.frame().await;
    assert!(told.is_masked);
    assert_eq!(told.close(), (Some(upstream_code), String::new()));
    let (told, reason) = stage.client.close().await;
    assert_eq!(told, Some(code));
    assert!(start.elapsed() <= Duration::from_millis(100));
    assert_eq!(reason, format!("tb:{slug};id=s1"));
    stage.client.expect_end().await;
    let ending = stage.ending().await;
    assert_eq!(ending.code, Some(code));
    ending
}

fn broken(by_client: bool) -> Vec<(&'static str, Vec<u8>)> {
    let frame = |first, payload: &[u8]| {
        if by_client {
            masked(first, payload)
        } else {
            plain(first, payload)
        }
    };
    let raw = |head: &[u8]| {
        let mut head = head.to_vec();
        head[1] |= if by_client { 0x80 } else { 0 };
        head.extend_from_slice(if by_client { &KEY } else { b"" });
        head
    };
    let mut cases = vec![
        (
            "wrong mask bit",
            if by_client {
                plain(TEXT, b"x")
            } else {
                masked(TEXT, b"x")
            },
        ),
        ("RSV1 not negotiated", frame(0xc1, b"x")),
        ("RSV2", frame(0xa1, b"x")),
        ("RSV3", frame(0x91, b"x")),
        ("RSV1 on a ping", frame(0xc9, b"x")),
        ("continuation of nothing", frame(0x80, b"x")),
        ("fragmented ping", frame(0x09, b"x")),
        ("fragmented close", frame(0x08, b"")),
        ("ping of 126 bytes", frame(PING, &[0; 126])),
        ("close of 126 bytes", frame(CLOSE, &[3; 126])),
        ("close of one byte", frame(CLOSE, &[3])),
        ("16-bit length of 125", raw(&[BINARY, 126, 0, 125])),
        (
            "64-bit length of 65535",
            raw(&[BINARY, 127, 0, 0, 0, 0, 0, 0, 255, 255]),
        ),
        (
            "64-bit length with its top bit",
            raw(&[BINARY, 127, 128, 0, 0, 0, 0, 0, 0, 0]),
        ),
    ];
    for reserved in [3, 4, 5, 6, 7, 11, 12, 13, 14, 15] {
        cases.push(("reserved opcode", frame(0x80 | reserved, b"")));
    }
    for code in [
        0, 999, 1004, 1005, 1006, 1015, 1016, 2000, 2999, 5000, 65535,
    ] {
        cases.push(("close code", frame(CLOSE, &closing(code, ""))));
    }
    cases
}

#[tokio::test(start_paused = true)]
async fn a_new_message_inside_a_message_is_1002() {
    let mut stage = Stage::new();
    let begun = masked(0x01, b"begun");
    stage.client.send(&begun).await;
    stage.upstream.expect(&begun).await;
    client_breaks(stage, &masked(TEXT, b"new"), (1002, "protocol_error"), 1002).await;
}

/// R09: negotiated or not, RSV1 belongs on the first frame of a data message.
#[tokio::test(start_paused = true)]
async fn rsv1_on_a_continuation_is_1002_even_with_compression() {
    let mut agreed = crate::stage::terms();
    agreed.rsv1 = true;
    let mut stage = Stage::with(agreed);
    let begun = masked(0x41, b"begun");
    stage.client.send(&begun).await;
    stage.upstream.expect(&begun).await;
    client_breaks(stage, &masked(0xc0, b"x"), (1002, "protocol_error"), 1002).await;
}
