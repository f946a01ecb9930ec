//! Ends from outside.

use std::{
    future::Future as _,
    sync::Arc,
    task::{Context, Waker},
    time::Duration,
};

use tokio::{
    io::duplex,
    time::{Instant, timeout},
};
use tollbridge_domain::Slug;
use tollbridge_relay::{Reins, Side, relay};

use crate::{
    frames::{BINARY, CLOSE, closing, header, masked},
    stage::{Counting, Peer, Stage, terms},
};

#[tokio::test(start_paused = true)]
async fn an_order_reaches_both_sides() {
    let table = [
        (Slug::Draining, 1012, 1001),
        (Slug::Killed, 4410, 1000),
        (Slug::Revoked, 4410, 1000),
        (Slug::ConcurrencyLimit, 4429, 1000),
        (Slug::Internal, 1011, 1001),
    ];
    for (slug, code, upstream_code) in table {
        let mut stage = Stage::new();
        stage.reins.end(slug, Some(7));
        let (told, reason) = stage.client.close().await;
        assert_eq!(told, Some(code));
        assert_eq!(reason, format!("tb:{slug};ra=7;id=s1"));
        let upstream = stage.upstream.frame().await;
        assert!(upstream.is_masked);
        assert_eq!(upstream.close().0, Some(upstream_code));
        stage.client.send(&masked(CLOSE, &closing(code, ""))).await;
        stage.client.expect_end().await;
        let ending = stage.ending().await;
        assert_eq!((ending.side, ending.slug), (Side::Bridge, Some(slug)));
        assert!(ending.clean);
    }
}

/// Whoever polls a session last is the one to be woken.
#[tokio::test(start_paused = true)]
async fn an_order_reaches_a_session_that_another_task_took_over() {
    let (client, client_leg) = duplex(1024);
    let (_upstream, upstream_leg) = duplex(1024);
    let (reins, orders) = Reins::new();
    let (meter, entropy) = (Arc::default(), Arc::new(Counting::default()));
    let mut session = Box::pin(relay(
        client_leg,
        upstream_leg,
        terms(),
        orders,
        meter,
        entropy,
    ));
    let mut nobody = Context::from_waker(Waker::noop());
    assert!(session.as_mut().poll(&mut nobody).is_pending());
    tokio::spawn(session);
    tokio::task::yield_now().await;
    reins.end(Slug::Killed, None);
    let told = timeout(Duration::from_secs(1), async { Peer(client).close().await }).await;
    assert_eq!(told.expect("told at once").0, Some(4410));
}

#[tokio::test(start_paused = true)]
async fn the_first_order_wins() {
    let mut stage = Stage::new();
    stage.reins.end(Slug::Revoked, None);
    stage.reins.clone().end(Slug::Draining, Some(1));
    assert_eq!(stage.client.close().await.1, "tb:revoked;id=s1");
}

#[tokio::test(start_paused = true)]
async fn an_order_waits_for_the_end_of_a_frame() {
    let mut stage = Stage::new();
    let begun = header(BINARY, false, 4);
    stage.upstream.send(&begun).await;
    stage.client.expect(&begun).await;
    stage.reins.end(Slug::Killed, None);
    assert_eq!(stage.upstream.close().await.0, Some(1000));
    stage.upstream.send(b"rest").await;
    stage.client.expect(b"rest").await;
    assert_eq!(stage.client.close().await.0, Some(4410));
}

#[tokio::test(start_paused = true)]
async fn a_frame_that_does_not_end_within_a_second_is_cut() {
    let mut stage = Stage::new();
    let begun = header(BINARY, false, 4);
    stage.upstream.send(&begun).await;
    stage.client.expect(&begun).await;
    let start = Instant::now();
    stage.reins.end(Slug::Killed, None);
    stage.client.expect_end().await;
    assert_eq!(start.elapsed().as_secs(), 1);
    assert_eq!(stage.upstream.close().await.0, Some(1000));
    let ending = stage.ending().await;
    assert_eq!((ending.slug, ending.code), (Some(Slug::Killed), None));
}

#[tokio::test(start_paused = true)]
async fn what_follows_the_frame_does_not_pass() {
    let mut stage = Stage::new();
    let begun = header(BINARY, true, 4);
    stage.client.send(&begun).await;
    stage.upstream.expect(&begun).await;
    stage.reins.end(Slug::Killed, None);
    assert_eq!(stage.client.close().await.0, Some(4410));
    stage
        .client
        .send(&[b"rest".as_slice(), &masked(BINARY, b"more")].concat())
        .await;
    stage.upstream.expect(b"rest").await;
    assert_eq!(stage.upstream.close().await.0, Some(1000));
    stage.upstream.expect_end().await;
}

#[tokio::test(start_paused = true)]
async fn peers_that_ignore_an_order_are_gone_within_four_seconds() {
    let stage = Stage::sized(terms(), 16);
    let start = Instant::now();
    stage.reins.end(Slug::Killed, None);
    let ending = stage.ending().await;
    assert!(!ending.clean);
    assert!(start.elapsed() <= Duration::from_secs(4));
}

#[tokio::test(start_paused = true)]
async fn an_order_before_the_session_is_obeyed() {
    let (reins, orders) = Reins::new();
    reins.end(Slug::Revoked, None);
    let (client, leg) = duplex(1024);
    let (_upstream, far) = duplex(1024);
    let entropy = Arc::new(Counting::default());
    let session = tokio::spawn(relay(leg, far, terms(), orders, Arc::default(), entropy));
    let mut peer = Peer(client);
    assert_eq!(peer.close().await.0, Some(4410));
    assert_eq!(session.await.unwrap().slug, Some(Slug::Revoked));
}
