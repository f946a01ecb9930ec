//! The bridge's own pings to the upstream.

use std::time::Duration;

use tokio::time::{Instant, sleep};
use tollbridge_domain::Slug;
use tollbridge_relay::{Pings, Side};

use crate::{
    frames::{BINARY, PING, PONG, TEXT, header, masked, plain},
    stage::{Stage, terms_with},
};

#[tokio::test(start_paused = true)]
async fn the_upstream_is_pinged_masked_and_its_pong_swallowed() {
    let mut stage = beating();
    let start = Instant::now();
    let mut seen = Vec::new();
    for beat in 1..=3 {
        let ping = stage.upstream.frame().await;
        assert_eq!((ping.first, ping.is_masked), (PING, true));
        assert_eq!(start.elapsed().as_secs(), beat * 10);
        assert!(!seen.contains(&ping.payload));
        stage.upstream.send(&plain(PONG, &ping.payload)).await;
        seen.push(ping.payload);
    }
    stage.client.expect_nothing().await;
}

#[tokio::test(start_paused = true)]
async fn the_upstreams_own_pings_and_pongs_pass() {
    let mut stage = beating();
    let ping = stage.upstream.frame().await;
    let bytes = [
        plain(PONG, b"unasked"),
        plain(PONG, &ping.payload),
        plain(PING, b"mine"),
        plain(TEXT, b"and data"),
    ];
    stage.upstream.send(&bytes.concat()).await;
    stage.client.expect(&bytes[0]).await;
    stage.client.expect(&bytes[2]).await;
    stage.client.expect(&bytes[3]).await;
}

/// Both legs pinged at once: neither swallows the pong to the other's ping.
#[tokio::test(start_paused = true)]
async fn the_two_heartbeats_do_not_know_each_other() {
    let mut stage = Stage::with(terms_with(|limits| {
        limits.client_pings = Some(every(10));
        limits.upstream_pings = Some(every(10));
    }));
    let towards_client = stage.client.frame().await.payload;
    let towards_upstream = stage.upstream.frame().await.payload;
    let crossed = masked(PONG, &towards_upstream);
    stage.client.send(&crossed).await;
    stage.upstream.expect(&crossed).await;
    let crossed = plain(PONG, &towards_client);
    stage.upstream.send(&crossed).await;
    stage.client.expect(&crossed).await;
}

#[tokio::test(start_paused = true)]
async fn a_ping_to_the_upstream_waits_for_the_end_of_a_frame() {
    let mut stage = beating();
    let frame = masked(BINARY, &[4; 100]);
    stage.client.send(&frame[..50]).await;
    stage.upstream.expect(&frame[..50]).await;
    sleep(Duration::from_secs(15)).await;
    stage.upstream.expect_nothing().await;
    stage.client.send(&frame[50..]).await;
    stage.upstream.expect(&frame[50..]).await;
    assert_eq!(stage.upstream.frame().await.first, PING);
}

/// R12 from the far side.
#[tokio::test(start_paused = true)]
async fn an_upstream_that_answers_no_ping_is_lost() {
    let mut stage = Stage::with(terms_with(|limits| {
        limits.upstream_pings = Some(Pings {
            pong_timeout: Duration::from_secs(4),
            ..every(10)
        });
    }));
    let start = Instant::now();
    let told = stage.client.close().await;
    assert_eq!(told, (Some(1011), "tb:upstream_lost;id=s1".to_owned()));
    assert_eq!(start.elapsed().as_secs(), 14);
    let ending = stage.ending().await;
    assert_eq!(ending.side, Side::Upstream);
    assert_eq!(ending.slug, Some(Slug::UpstreamLost));
    assert!(!ending.clean);
}

#[tokio::test(start_paused = true)]
async fn an_upstream_that_only_sends_data_is_alive() {
    let mut stage = beating();
    for _ in 0..20 {
        assert_eq!(stage.upstream.frame().await.first, PING);
        stage.upstream.send(&plain(TEXT, b"busy")).await;
        stage.client.expect(&plain(TEXT, b"busy")).await;
    }
}

#[tokio::test(start_paused = true)]
async fn an_upstream_is_not_silent_while_its_client_does_not_take() {
    let mut stage = Stage::sized(
        terms_with(|limits| {
            limits.upstream_pings = Some(every(5));
            limits.write_timeout = Duration::from_secs(60);
        }),
        4096,
    );
    let flood = [header(BINARY, false, 1 << 20), vec![1; 8000]].concat();
    stage.upstream.send(&flood).await;
    sleep(Duration::from_secs(50)).await;
    stage.client.expect(&flood[..8000]).await;
    stage.upstream.send(&[1; 100]).await;
    stage.client.expect(&flood[8000..]).await;
    stage.client.expect(&[1; 100]).await;
}

/// Some upstreams never answer a ping: nobody asks them unless the route says so.
#[tokio::test(start_paused = true)]
async fn an_upstream_is_not_pinged_by_default() {
    let mut stage = Stage::with(terms_with(|limits| {
        limits.idle_timeout = Duration::from_secs(3600);
    }));
    sleep(Duration::from_secs(3000)).await;
    stage.upstream.expect_nothing().await;
}

fn beating() -> Stage {
    Stage::with(terms_with(|limits| {
        limits.upstream_pings = Some(every(10));
    }))
}

const fn every(seconds: u64) -> Pings {
    Pings {
        interval: Duration::from_secs(seconds),
        pong_timeout: Duration::from_secs(seconds),
    }
}
