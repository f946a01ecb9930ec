//! The bridge's own reasons to end a session.

use std::{sync::Arc, time::Duration};

use tokio::{
    io::duplex,
    task::coop,
    time::{Instant, sleep, timeout},
};
use tollbridge_domain::Slug;
use tollbridge_relay::{Ending, Meter, Reins, Side, relay};

use crate::{
    frames::{BINARY, PING, TEXT, header, masked, plain},
    stage::{Counting, Stage, terms_with},
};

#[tokio::test(start_paused = true)]
async fn a_session_ends_at_its_age_however_busy_it_is() {
    let stage = Stage::with(terms_with(|limits| limits.max_session = secs(60)));
    let start = Instant::now();
    let (mut client, mut upstream) = (stage.client, stage.upstream);
    for _ in 0..59 {
        sleep(secs(1)).await;
        client.send(&masked(TEXT, b"busy")).await;
        upstream.expect(&masked(TEXT, b"busy")).await;
    }
    assert_eq!(client.close().await, told(4408, "max_session"));
    assert_eq!(start.elapsed().as_secs(), 60);
    assert_eq!(upstream.close().await.0, Some(1000));
}

/// A clock that is asked by a task which has had its share wakes nobody.
#[tokio::test(start_paused = true)]
async fn a_session_that_begins_without_a_budget_is_ended_by_its_clock_all_the_same() {
    let (_client, client_leg) = duplex(64);
    let (_upstream, upstream_leg) = duplex(64);
    let (_reins, orders) = Reins::new();
    let (meter, entropy) = (Arc::new(Meter::default()), Arc::new(Counting::default()));
    let terms = terms_with(|limits| limits.max_session = secs(60));
    let session = relay(client_leg, upstream_leg, terms, orders, meter, entropy);
    while coop::has_budget_remaining() {
        coop::consume_budget().await;
    }
    let ending = timeout(secs(3600), session).await.unwrap();
    assert_eq!(ending.slug, Some(Slug::MaxSession));
}

#[tokio::test(start_paused = true)]
async fn silence_ends_a_session_and_control_frames_do_not_break_it() {
    let mut stage = Stage::with(terms_with(|limits| limits.idle_timeout = secs(60)));
    let start = Instant::now();
    sleep(secs(30)).await;
    stage.upstream.send(&plain(TEXT, b"a word")).await;
    stage.client.expect(&plain(TEXT, b"a word")).await;
    sleep(secs(30)).await;
    stage.client.send(&masked(PING, b"still here")).await;
    stage.upstream.expect(&masked(PING, b"still here")).await;
    assert_eq!(stage.client.close().await, told(4408, "idle_timeout"));
    assert_eq!(start.elapsed().as_secs(), 90);
    let expected = Ending {
        side: Side::Bridge,
        slug: Some(Slug::IdleTimeout),
        code: Some(4408),
        reason_len: 21,
        clean: false,
    };
    assert_eq!(stage.upstream.close().await.0, Some(1000));
    assert_eq!(stage.ending().await, expected);
}

/// R11: one byte of a header, then nothing.
#[tokio::test(start_paused = true)]
async fn a_header_that_never_ends_is_silence() {
    let mut stage = Stage::with(terms_with(|limits| limits.idle_timeout = secs(60)));
    let start = Instant::now();
    sleep(secs(10)).await;
    stage.client.send(&[BINARY]).await;
    assert_eq!(stage.client.close().await, told(4408, "idle_timeout"));
    assert_eq!(start.elapsed().as_secs(), 60);
}

/// R11: a payload at a byte a second.
#[tokio::test(start_paused = true)]
async fn a_payload_that_trickles_is_silence() {
    let stage = Stage::with(terms_with(|limits| limits.idle_timeout = secs(60)));
    let (mut client, mut upstream) = (stage.client, stage.upstream);
    let start = Instant::now();
    client.send(&header(BINARY, true, 1000)).await;
    upstream.expect(&header(BINARY, true, 1000)).await;
    let trickle = async {
        for _ in 0..59 {
            sleep(secs(1)).await;
            client.send(&[0]).await;
        }
        client.close().await
    };
    assert_eq!(trickle.await, told(4408, "idle_timeout"));
    assert_eq!(start.elapsed().as_secs(), 60);
}

#[tokio::test(start_paused = true)]
async fn a_large_frame_that_moves_is_not_silence() {
    let stage = Stage::with(terms_with(|limits| limits.idle_timeout = secs(60)));
    let (mut client, mut upstream) = (stage.client, stage.upstream);
    client.send(&header(BINARY, true, 1024 * 1024)).await;
    upstream.expect(&header(BINARY, true, 1024 * 1024)).await;
    for _ in 0..16 {
        sleep(secs(50)).await;
        client.send(&[3; 64 * 1024]).await;
        upstream.expect(&[3; 64 * 1024]).await;
    }
    client.send(&masked(TEXT, b"next")).await;
    upstream.expect(&masked(TEXT, b"next")).await;
}

/// R10: a client that stops reading.
#[tokio::test(start_paused = true)]
async fn a_client_that_takes_nothing_is_cut() {
    let mut stage = Stage::sized(terms_with(|_| {}), 4096);
    let flood = [header(BINARY, false, 1 << 20), vec![1; 8000]].concat();
    stage.upstream.send(&flood).await;
    let start = Instant::now();
    assert_eq!(stage.upstream.close().await.0, Some(1000));
    assert_eq!(start.elapsed().as_secs(), 30);
    let ending = stage.ending().await;
    assert_eq!(ending.side, Side::Client);
    assert_eq!(ending.slug, Some(Slug::WriteTimeout));
    assert_eq!(ending.code, None);
}

#[tokio::test(start_paused = true)]
async fn an_upstream_that_takes_nothing_is_cut_and_the_client_told() {
    let mut stage = Stage::sized(terms_with(|_| {}), 4096);
    let flood = [header(BINARY, true, 1 << 20), vec![1; 8000]].concat();
    stage.client.send(&flood).await;
    assert_eq!(stage.client.close().await, told(4408, "write_timeout"));
    let ending = stage.ending().await;
    assert_eq!(ending.side, Side::Upstream);
    assert_eq!(ending.slug, Some(Slug::WriteTimeout));
}

#[tokio::test(start_paused = true)]
async fn a_reader_that_takes_a_little_now_and_then_is_kept() {
    let stage = Stage::sized(terms_with(|_| {}), 1000);
    let (mut client, mut upstream) = (stage.client, stage.upstream);
    let all = plain(BINARY, &[1; 20_000]);
    let read = async {
        for piece in all.chunks(1000) {
            sleep(secs(29)).await;
            client.expect(piece).await;
        }
    };
    tokio::join!(upstream.send(&all), read);
}

#[tokio::test(start_paused = true)]
async fn the_byte_quota_is_judged_at_the_header_for_both_directions_together() {
    let mut stage = Stage::with(terms_with(|limits| limits.bytes_per_session = Some(250)));
    let up = masked(BINARY, &[1; 100]);
    let down = plain(BINARY, &[1; 100]);
    stage.client.send(&up).await;
    stage.upstream.expect(&up).await;
    stage.upstream.send(&down).await;
    stage.client.expect(&down).await;
    let left = 250 - up.len() - down.len() - 6;
    stage
        .client
        .send(&header(BINARY, true, left as u64 + 1))
        .await;
    assert_eq!(stage.upstream.close().await.0, Some(1000));
    assert_eq!(stage.client.close().await, told(4429, "byte_quota"));
    let ending = stage.ending().await;
    assert_eq!(
        (ending.side, ending.slug),
        (Side::Bridge, Some(Slug::ByteQuota))
    );
}

fn told(code: u16, slug: &str) -> (Option<u16>, String) {
    (Some(code), format!("tb:{slug};id=s1"))
}

const fn secs(seconds: u64) -> Duration {
    Duration::from_secs(seconds)
}
