//! Every way in which the peers end a session.

use std::time::Duration;

use tokio::time::Instant;
use tollbridge_domain::Slug;
use tollbridge_relay::{Ending, Side};

use crate::{
    frames::{BINARY, CLOSE, TEXT, closing, header, masked, plain},
    stage::{Stage, terms_with},
};

#[tokio::test(start_paused = true)]
async fn a_clients_close_goes_up_and_the_answer_comes_down() {
    let mut stage = Stage::new();
    let close = masked(CLOSE, &closing(1000, "done"));
    stage.client.send(&close).await;
    stage.upstream.expect(&close).await;
    let last = plain(TEXT, b"one more thing");
    let answer = plain(CLOSE, &closing(1000, "bye"));
    stage
        .upstream
        .send(&[last.as_slice(), &answer].concat())
        .await;
    stage.client.expect(&last).await;
    stage.client.expect(&answer).await;
    stage.client.expect_end().await;
    let expected = Ending {
        side: Side::Client,
        slug: None,
        code: Some(1000),
        reason_len: 3,
        clean: true,
    };
    assert_eq!(stage.ending().await, expected);
}

/// R14: codes and reasons pass; an empty close stays empty.
#[tokio::test(start_paused = true)]
async fn an_upstreams_close_comes_down_and_the_answer_goes_up() {
    for payload in [
        closing(1000, ""),
        closing(1011, "internal"),
        closing(1014, ""),
        closing(3000, "registered"),
        closing(4000, ""),
        closing(4999, &"x".repeat(123)),
        Vec::new(),
    ] {
        let mut stage = Stage::new();
        let close = plain(CLOSE, &payload);
        stage.upstream.send(&close).await;
        stage.client.expect(&close).await;
        let answer = masked(CLOSE, &payload);
        stage.client.send(&answer).await;
        stage.upstream.expect(&answer).await;
        stage.client.expect_end().await;
        let ending = stage.ending().await;
        assert_eq!((ending.side, ending.slug), (Side::Upstream, None));
        assert_eq!(ending.code.is_some(), !payload.is_empty());
        assert!(ending.clean);
    }
}

#[tokio::test(start_paused = true)]
async fn an_upstreams_reason_that_tells_a_secret_is_dropped() {
    let mut stage = Stage::new();
    let close = plain(CLOSE, &closing(4001, "key sk-canary is unknown"));
    stage.upstream.send(&close).await;
    assert_eq!(stage.client.close().await, (Some(4001), String::new()));
}

/// R14: a reset or an end without a close frame.
#[tokio::test(start_paused = true)]
async fn an_upstream_that_vanishes_is_1011() {
    let mut stage = Stage::new();
    let last = plain(TEXT, b"last");
    stage.upstream.send(&last).await;
    drop(stage.upstream);
    stage.client.expect(&last).await;
    let told = stage.client.close().await;
    assert_eq!(told, (Some(1011), "tb:upstream_lost;id=s1".to_owned()));
    stage.client.send(&masked(CLOSE, &closing(1011, ""))).await;
    stage.client.expect_end().await;
}

#[tokio::test(start_paused = true)]
async fn an_upstream_that_vanishes_is_named_in_the_ending() {
    let mut stage = Stage::new();
    stage.upstream.hang_up().await;
    assert_eq!(stage.client.close().await.0, Some(1011));
    let ending = stage.ending().await;
    assert_eq!(ending.side, Side::Upstream);
    assert_eq!(ending.slug, Some(Slug::UpstreamLost));
    assert!(!ending.clean);
}

#[tokio::test(start_paused = true)]
async fn an_upstream_that_vanishes_inside_a_frame_leaves_no_place_for_a_close() {
    let mut stage = Stage::new();
    let begun = header(BINARY, false, 100);
    stage.upstream.send(&begun).await;
    stage.upstream.hang_up().await;
    stage.client.expect(&begun).await;
    stage.client.expect_end().await;
    let ending = stage.ending().await;
    assert_eq!((ending.slug, ending.code), (Some(Slug::UpstreamLost), None));
}

#[tokio::test(start_paused = true)]
async fn a_half_header_is_no_obstacle_to_a_close() {
    let mut stage = Stage::new();
    stage.upstream.send(&[BINARY]).await;
    stage.upstream.hang_up().await;
    assert_eq!(stage.client.close().await.0, Some(1011));
}

#[tokio::test(start_paused = true)]
async fn a_client_that_vanishes_sends_its_upstream_away() {
    let mut stage = Stage::new();
    let last = masked(TEXT, b"last");
    stage.client.send(&last).await;
    stage.client.hang_up().await;
    stage.upstream.expect(&last).await;
    let told = stage.upstream.frame().await;
    assert!(told.is_masked);
    assert_eq!(told.close(), (Some(1001), String::new()));
    let ending = stage.ending().await;
    assert_eq!((ending.side, ending.slug), (Side::Client, None));
    assert_eq!((ending.code, ending.clean), (None, false));
}

#[tokio::test(start_paused = true)]
async fn a_client_that_vanishes_inside_a_frame_cuts_its_upstream() {
    let mut stage = Stage::new();
    let begun = header(BINARY, true, 100);
    stage.client.send(&begun).await;
    stage.client.hang_up().await;
    stage.upstream.expect(&begun).await;
    stage.upstream.expect_end().await;
}

#[tokio::test(start_paused = true)]
async fn an_upstream_that_never_answers_a_close_is_answered_for_after_five_seconds() {
    let mut stage = Stage::new();
    let start = Instant::now();
    let close = masked(CLOSE, &closing(3001, "impatient"));
    stage.client.send(&close).await;
    stage.upstream.expect(&close).await;
    assert_eq!(stage.client.close().await, (Some(3001), String::new()));
    assert_eq!(start.elapsed().as_secs(), 5);
    let ending = stage.ending().await;
    assert_eq!((ending.side, ending.slug), (Side::Client, None));
    assert_eq!((ending.code, ending.clean), (Some(3001), false));
}

#[tokio::test(start_paused = true)]
async fn an_upstream_that_hangs_up_instead_of_answering_is_answered_for_at_once() {
    let mut stage = Stage::new();
    let start = Instant::now();
    stage.client.send(&masked(CLOSE, b"")).await;
    assert_eq!(stage.upstream.close().await.0, None);
    stage.upstream.hang_up().await;
    assert_eq!(stage.client.close().await.0, None);
    assert!(start.elapsed() < Duration::from_secs(1));
    assert!(!stage.ending().await.clean);
}

#[tokio::test(start_paused = true)]
async fn a_client_that_never_answers_a_close_holds_the_session_for_five_seconds() {
    let mut stage = Stage::new();
    let start = Instant::now();
    stage.upstream.send(&plain(CLOSE, &closing(1000, ""))).await;
    assert_eq!(stage.client.close().await.0, Some(1000));
    let ending = stage.ending().await;
    assert_eq!(start.elapsed().as_secs(), 5);
    assert_eq!((ending.side, ending.clean), (Side::Upstream, false));
}

#[tokio::test(start_paused = true)]
async fn nothing_passes_after_a_close() {
    let mut stage = Stage::new();
    let close = masked(CLOSE, &closing(1000, ""));
    let late = masked(TEXT, b"too late");
    stage.client.send(&[close.as_slice(), &late].concat()).await;
    stage.upstream.expect(&close).await;
    stage.upstream.expect_nothing().await;
    stage.upstream.send(&plain(CLOSE, &closing(1000, ""))).await;
    assert_eq!(stage.client.close().await.0, Some(1000));
    assert!(stage.ending().await.clean);
}

#[tokio::test(start_paused = true)]
async fn a_close_inside_a_fragmented_message_passes() {
    let mut stage = Stage::new();
    let begun = [masked(0x01, b"begun"), masked(CLOSE, &closing(1000, ""))].concat();
    stage.client.send(&begun).await;
    stage.upstream.expect(&begun).await;
    stage.upstream.send(&plain(CLOSE, &closing(1000, ""))).await;
    assert_eq!(stage.client.close().await.0, Some(1000));
    assert!(stage.ending().await.clean);
}

#[tokio::test(start_paused = true)]
async fn two_closes_that_cross_are_one_clean_end() {
    let mut stage = Stage::new();
    stage.client.send(&masked(CLOSE, &closing(1000, "c"))).await;
    stage
        .upstream
        .send(&plain(CLOSE, &closing(1001, "u")))
        .await;
    assert_eq!(stage.client.close().await, (Some(1001), "u".to_owned()));
    assert_eq!(stage.upstream.close().await, (Some(1000), "c".to_owned()));
    assert!(stage.ending().await.clean);
}

/// An upstream that fails a connection closes its socket while the client still sends: its close
/// frame lies unread behind a failing write.
#[tokio::test(start_paused = true)]
async fn a_close_behind_a_failed_write_is_heard() {
    let mut stage = Stage::new();
    stage
        .upstream
        .send(&plain(CLOSE, &closing(1007, "bad text")))
        .await;
    drop(stage.upstream);
    stage.client.send(&masked(TEXT, b"still talking")).await;
    assert_eq!(
        stage.client.close().await,
        (Some(1007), "bad text".to_owned())
    );
    stage.client.send(&masked(CLOSE, &closing(1007, ""))).await;
    stage.client.expect_end().await;
}

#[tokio::test(start_paused = true)]
async fn the_streams_end_only_after_what_waits_was_delivered() {
    let mut stage = Stage::sized(terms_with(|_| {}), 1000);
    let flood = plain(BINARY, &[1; 50_000]);
    let close = plain(CLOSE, &closing(1000, ""));
    let (mut client, mut upstream) = (stage.client, stage.upstream);
    let all = [flood, close].concat();
    let read = async {
        for piece in all.chunks(500) {
            tokio::time::sleep(Duration::from_millis(20)).await;
            client.expect(piece).await;
        }
    };
    tokio::join!(upstream.send(&all), read);
    stage.client = client;
    stage.upstream = upstream;
    stage.client.send(&masked(CLOSE, &closing(1000, ""))).await;
    assert!(stage.ending().await.clean);
}
