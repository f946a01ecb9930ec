//! The bridge's own pings to the client.

use std::time::Duration;

use tokio::time::{Instant, sleep};
use tollbridge_relay::{Pings, Side};

use crate::{
    frames::{BINARY, PING, PONG, TEXT, header, masked, plain},
    stage::{Stage, terms_with},
};

#[tokio::test(start_paused = true)]
async fn the_client_is_pinged_and_its_pong_swallowed() {
    let mut stage = beating();
    let start = Instant::now();
    let mut seen = Vec::new();
    for beat in 1..=3 {
        let ping = stage.client.frame().await;
        assert_eq!((ping.first, start.elapsed().as_secs()), (PING, beat * 25));
        assert!(!seen.contains(&ping.payload));
        stage.client.send(&masked(PONG, &ping.payload)).await;
        seen.push(ping.payload);
    }
    stage.upstream.expect_nothing().await;
}

#[tokio::test(start_paused = true)]
async fn the_peers_own_pings_and_pongs_pass() {
    let mut stage = beating();
    let ping = stage.client.frame().await;
    let bytes = [
        masked(PONG, b"unasked"),
        masked(PONG, &ping.payload),
        masked(PING, b"mine"),
        masked(TEXT, b"and data"),
    ];
    stage.client.send(&bytes.concat()).await;
    stage.upstream.expect(&bytes[0]).await;
    stage.upstream.expect(&bytes[2]).await;
    stage.upstream.expect(&bytes[3]).await;
}

/// All of them in one read: what is between is neither lost nor moved about.
#[tokio::test(start_paused = true)]
async fn however_often_a_ping_is_answered_what_is_between_passes() {
    let mut stage = beating();
    let ping = stage.client.frame().await;
    let own = masked(PONG, &ping.payload);
    let words: Vec<Vec<u8>> = (0..500)
        .map(|number| {
            masked(
                TEXT,
                format!("{number:0>width$}", width = number % 40).as_bytes(),
            )
        })
        .collect();
    let mut bytes = own.repeat(3);
    for (number, word) in words.iter().enumerate() {
        bytes.extend_from_slice(word);
        bytes.extend(own.repeat(number % 4));
    }
    stage.client.send(&bytes).await;
    stage.upstream.expect(&words.concat()).await;
    stage.upstream.expect_nothing().await;
}

#[tokio::test(start_paused = true)]
async fn a_ping_waits_for_the_end_of_a_frame() {
    let mut stage = beating();
    let frame = plain(BINARY, &[4; 100]);
    stage.upstream.send(&frame[..50]).await;
    stage.client.expect(&frame[..50]).await;
    sleep(Duration::from_secs(30)).await;
    stage.client.expect_nothing().await;
    stage.upstream.send(&frame[50..]).await;
    stage.client.expect(&frame[50..]).await;
    assert_eq!(stage.client.frame().await.first, PING);
}

/// It went at 30 s, on the back of a message: its answer is due 25 s after that.
#[tokio::test(start_paused = true)]
async fn a_ping_that_had_to_wait_is_waited_for_like_any_other() {
    let mut stage = beating();
    let start = Instant::now();
    let frame = plain(BINARY, &[4; 100]);
    stage.upstream.send(&frame[..50]).await;
    stage.client.expect(&frame[..50]).await;
    sleep(Duration::from_secs(30)).await;
    stage.upstream.send(&frame[50..]).await;
    stage.client.expect(&frame[50..]).await;
    assert_eq!(stage.client.frame().await.first, PING);
    assert_eq!(stage.upstream.close().await.0, Some(1001));
    assert_eq!(start.elapsed().as_secs(), 55);
}

/// R12: a vanished client is gone within two intervals of its last byte: here it is silent from
/// the tenth second on, pinged at 25 and given up at 50.
#[tokio::test(start_paused = true)]
async fn a_client_that_answers_no_ping_is_gone_within_two_intervals() {
    let mut stage = beating();
    sleep(Duration::from_secs(10)).await;
    let start = Instant::now();
    stage.client.send(&masked(TEXT, b"last word")).await;
    stage.upstream.expect(&masked(TEXT, b"last word")).await;
    assert_eq!(stage.upstream.close().await, (Some(1001), String::new()));
    assert_eq!(start.elapsed().as_secs(), 40);
    let ending = stage.ending().await;
    assert_eq!((ending.side, ending.slug), (Side::Client, None));
    assert!(!ending.clean);
}

#[tokio::test(start_paused = true)]
async fn a_pong_may_take_as_long_as_the_route_says() {
    let patient = |pong_timeout| Pings {
        pong_timeout: Duration::from_secs(pong_timeout),
        ..every(25)
    };
    for (pong_timeout, gone_at) in [(3, 28), (60, 85)] {
        let start = Instant::now();
        let mut stage = Stage::with(terms_with(|limits| {
            limits.client_pings = Some(patient(pong_timeout));
        }));
        assert_eq!(stage.upstream.close().await.0, Some(1001));
        assert_eq!(start.elapsed().as_secs(), gone_at);
    }
}

/// Not only the pong is an answer, and each ping is waited for anew.
#[tokio::test(start_paused = true)]
async fn a_late_byte_of_anything_answers_within_the_pong_timeout() {
    let start = Instant::now();
    let mut stage = Stage::with(terms_with(|limits| {
        limits.client_pings = Some(Pings {
            pong_timeout: Duration::from_secs(3),
            ..every(25)
        });
    }));
    for _ in 0..3 {
        assert_eq!(stage.client.frame().await.first, PING);
        sleep(Duration::from_secs(2)).await;
        stage.client.send(&masked(TEXT, b"")).await;
        stage.upstream.expect(&masked(TEXT, b"")).await;
    }
    assert_eq!(stage.upstream.close().await.0, Some(1001));
    assert_eq!(start.elapsed().as_secs(), 103);
}

#[tokio::test(start_paused = true)]
async fn any_byte_from_the_client_is_life() {
    let stage = beating();
    let (mut client, mut upstream) = (stage.client, stage.upstream);
    client.send(&header(BINARY, true, 1000)).await;
    upstream.expect(&header(BINARY, true, 1000)).await;
    for _ in 0..20 {
        sleep(Duration::from_secs(20)).await;
        client.send(&[1]).await;
        upstream.expect(&[1]).await;
    }
}

#[tokio::test(start_paused = true)]
async fn a_client_is_not_silent_while_its_upstream_does_not_take() {
    let mut stage = Stage::sized(
        terms_with(|limits| {
            limits.client_pings = Some(every(5));
            limits.write_timeout = Duration::from_secs(60);
        }),
        4096,
    );
    let flood = [header(BINARY, true, 1 << 20), vec![1; 8000]].concat();
    stage.client.send(&flood).await;
    sleep(Duration::from_secs(50)).await;
    let taken = flood[..8000].to_vec();
    stage.upstream.expect(&taken).await;
    stage.client.send(&[1; 100]).await;
    stage.upstream.expect(&flood[8000..]).await;
    stage.upstream.expect(&[1; 100]).await;
}

fn beating() -> Stage {
    Stage::with(terms_with(|limits| {
        limits.client_pings = Some(every(25));
    }))
}

const fn every(seconds: u64) -> Pings {
    Pings {
        interval: Duration::from_secs(seconds),
        pong_timeout: Duration::from_secs(seconds),
    }
}
