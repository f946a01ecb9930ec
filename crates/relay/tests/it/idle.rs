//! Silence: of both peers, of one, and what breaks it.

use std::time::Duration;

use tokio::time::{Instant, sleep};
use tollbridge_domain::Slug;
use tollbridge_relay::{IdleCounts, Pings, Side};

use crate::{
    frames::{BINARY, PING, PONG, TEXT, header, masked, plain},
    stage::{Stage, terms_with},
};

#[tokio::test(start_paused = true)]
async fn a_client_that_says_nothing_is_ended_however_much_it_hears() {
    let mut stage = Stage::with(terms_with(|limits| {
        limits.client_idle_timeout = Some(secs(60));
    }));
    let start = Instant::now();
    sleep(secs(10)).await;
    stage.client.send(&masked(TEXT, b"a word")).await;
    stage.upstream.expect(&masked(TEXT, b"a word")).await;
    for _ in 0..59 {
        sleep(secs(1)).await;
        stage.upstream.send(&plain(TEXT, b"news")).await;
        stage.client.expect(&plain(TEXT, b"news")).await;
    }
    assert_eq!(stage.client.close().await, told());
    assert_eq!(start.elapsed().as_secs(), 70);
    assert_eq!(stage.upstream.close().await.0, Some(1000));
    let ending = stage.ending().await;
    assert_eq!(ending.side, Side::Client);
    assert_eq!(ending.slug, Some(Slug::IdleTimeout));
}

#[tokio::test(start_paused = true)]
async fn an_upstream_that_says_nothing_is_ended_however_much_it_hears() {
    let mut stage = Stage::with(terms_with(|limits| {
        limits.upstream_idle_timeout = Some(secs(60));
    }));
    let start = Instant::now();
    for _ in 0..59 {
        sleep(secs(1)).await;
        stage.client.send(&masked(TEXT, b"hello?")).await;
        stage.upstream.expect(&masked(TEXT, b"hello?")).await;
    }
    assert_eq!(stage.client.close().await, told());
    assert_eq!(start.elapsed().as_secs(), 60);
    let ending = stage.ending().await;
    assert_eq!(ending.side, Side::Upstream);
    assert_eq!(ending.slug, Some(Slug::IdleTimeout));
}

/// The client has said much that nobody took: that is not its silence. Once it is taken the clock
/// of its silence runs from its last byte.
#[tokio::test(start_paused = true)]
async fn a_client_is_not_idle_while_its_upstream_does_not_take() {
    let limits = |limits: &mut tollbridge_relay::Limits| {
        limits.client_idle_timeout = Some(secs(10));
        limits.write_timeout = secs(60);
    };
    let mut stage = Stage::sized(terms_with(limits), 4096);
    let flood = [header(BINARY, true, 1 << 20), vec![1; 8000]].concat();
    stage.client.send(&flood).await;
    sleep(secs(50)).await;
    let more = vec![1; 64 * 1024];
    let (mut client, mut upstream) = (stage.client, stage.upstream);
    let all = [flood.as_slice(), &more].concat();
    tokio::join!(client.send(&more), upstream.expect(&all));
    let start = Instant::now();
    assert_eq!(client.close().await, told());
    assert_eq!(start.elapsed().as_secs(), 10);
}

#[tokio::test(start_paused = true)]
async fn the_peers_own_pings_and_pongs_break_the_silence_where_control_counts() {
    for (first, counts, lasts) in [
        (PING, IdleCounts::Data, 60),
        (PONG, IdleCounts::Data, 60),
        (PING, IdleCounts::Control, 110),
        (PONG, IdleCounts::Control, 110),
    ] {
        let mut stage = Stage::with(terms_with(|limits| {
            limits.idle_timeout = secs(60);
            limits.idle_counts = counts;
        }));
        let start = Instant::now();
        sleep(secs(25)).await;
        stage.client.send(&masked(first, b"up")).await;
        stage.upstream.expect(&masked(first, b"up")).await;
        sleep(secs(25)).await;
        stage.upstream.send(&plain(first, b"down")).await;
        stage.client.expect(&plain(first, b"down")).await;
        assert_eq!(stage.client.close().await, told());
        assert_eq!(start.elapsed().as_secs(), lasts, "{first:x} {counts:?}");
    }
}

#[tokio::test(start_paused = true)]
async fn a_sides_control_frames_break_that_sides_silence_only() {
    let mut stage = Stage::with(terms_with(|limits| {
        limits.client_idle_timeout = Some(secs(60));
        limits.idle_counts = IdleCounts::Control;
    }));
    let start = Instant::now();
    sleep(secs(30)).await;
    stage.client.send(&masked(PING, b"here")).await;
    stage.upstream.expect(&masked(PING, b"here")).await;
    sleep(secs(30)).await;
    stage.upstream.send(&plain(PONG, b"here")).await;
    stage.client.expect(&plain(PONG, b"here")).await;
    assert_eq!(stage.client.close().await, told());
    assert_eq!(start.elapsed().as_secs(), 90);
}

/// The bridge must not keep a session awake by itself.
#[tokio::test(start_paused = true)]
async fn the_bridges_own_pings_and_their_pongs_break_no_silence() {
    let pings = Pings {
        interval: secs(25),
        pong_timeout: secs(25),
    };
    let stage = Stage::with(terms_with(|limits| {
        limits.idle_timeout = secs(60);
        limits.idle_counts = IdleCounts::Control;
        limits.client_pings = Some(pings);
        limits.upstream_pings = Some(pings);
    }));
    let (mut client, mut upstream) = (stage.client, stage.upstream);
    let start = Instant::now();
    for _ in 0..2 {
        let ping = client.frame().await;
        client.send(&masked(PONG, &ping.payload)).await;
        let ping = upstream.frame().await;
        upstream.send(&plain(PONG, &ping.payload)).await;
    }
    assert_eq!(client.close().await, told());
    assert_eq!(start.elapsed().as_secs(), 60);
}

fn told() -> (Option<u16>, String) {
    (Some(4408), "tb:idle_timeout;id=s1".to_owned())
}

const fn secs(seconds: u64) -> Duration {
    Duration::from_secs(seconds)
}
