//! What passes, passes as it came.

use std::time::Duration;

use tokio::io::AsyncWriteExt as _;

use crate::{
    frames::{BINARY, PING, PONG, TEXT, header, masked, plain},
    stage::{Stage, limits, terms, terms_with},
};

#[tokio::test(start_paused = true)]
async fn a_clients_frames_keep_their_mask_and_their_fragments() {
    let mut stage = Stage::new();
    let bytes = [
        masked(TEXT, b"hello"),
        masked(0x01, b"frag"),
        masked(PING, b"between"),
        masked(0x00, b""),
        masked(0x80, b"ment"),
        masked(PONG, b"unasked"),
        masked(BINARY, &[7; 70_000]),
    ]
    .concat();
    stage.client.send(&bytes).await;
    stage.upstream.expect(&bytes).await;
    let counts = stage.counts();
    assert_eq!((counts.frames_up, counts.messages_up), (7, 3));
    assert_eq!(counts.bytes_up, bytes.len() as u64);
}

#[tokio::test(start_paused = true)]
async fn an_upstreams_frames_pass_unmasked() {
    let mut stage = Stage::new();
    let bytes = [
        plain(TEXT, b"hello"),
        plain(PING, b"are you there"),
        plain(BINARY, &[9; 300]),
    ]
    .concat();
    stage.upstream.send(&bytes).await;
    stage.client.expect(&bytes).await;
    let counts = stage.counts();
    assert_eq!((counts.frames_down, counts.messages_down), (3, 2));
    assert_eq!(counts.bytes_down, bytes.len() as u64);
}

#[tokio::test(start_paused = true)]
async fn a_compressed_message_passes_where_compression_was_negotiated() {
    let mut agreed = terms();
    agreed.rsv1 = true;
    let mut stage = Stage::with(agreed);
    let bytes = [masked(0x41, b"squeezed"), masked(0x80, b"rest")].concat();
    stage.client.send(&bytes).await;
    stage.upstream.expect(&bytes).await;
}

#[tokio::test(start_paused = true)]
async fn a_payload_passes_before_its_frame_is_whole() {
    let mut stage = Stage::new();
    let frame = masked(BINARY, &[5; 1000]);
    stage.client.send(&frame[..100]).await;
    stage.upstream.expect(&frame[..100]).await;
    stage.client.send(&frame[100..]).await;
    stage.upstream.expect(&frame[100..]).await;
}

#[tokio::test(start_paused = true)]
async fn a_header_waits_until_it_can_be_judged() {
    let mut stage = Stage::new();
    let frame = masked(BINARY, &[5; 300]);
    stage.client.send(&frame[..7]).await;
    stage.upstream.expect_nothing().await;
    stage.client.send(&frame[7..]).await;
    stage.upstream.expect(&frame).await;
}

#[tokio::test(start_paused = true)]
async fn a_control_frame_waits_until_it_is_whole() {
    let mut stage = Stage::new();
    let frame = plain(PING, b"whole");
    stage.upstream.send(&frame[..4]).await;
    stage.client.expect_nothing().await;
    stage.upstream.send(&frame[4..]).await;
    stage.client.expect(&frame).await;
}

/// R10: a client that does not read stops its upstream, and nothing else.
#[tokio::test(start_paused = true)]
async fn a_slow_reader_slows_its_peer_only() {
    let mut stage = Stage::sized(terms(), 4096);
    let flood = header(BINARY, false, 1024 * 1024);
    let bytes = [flood, vec![1; 512 * 1024]].concat();
    let mut taken = 0;
    while let Ok(sent) = tokio::time::timeout(
        Duration::from_millis(10),
        stage.upstream.0.write(&bytes[taken..]),
    )
    .await
    {
        taken += sent.unwrap();
    }
    assert!(
        taken <= 4096 + 192 * 1024 + 4096,
        "{taken} bytes were taken"
    );
    let upwards = masked(TEXT, b"the other way is free");
    stage.client.send(&upwards).await;
    stage.upstream.expect(&upwards).await;
}

#[tokio::test(start_paused = true)]
async fn what_is_read_late_is_complete_and_in_order() {
    let stage = Stage::sized(terms(), 700);
    let (mut client, mut upstream) = (stage.client, stage.upstream);
    let bytes: Vec<u8> = (0..200u8)
        .flat_map(|index| plain(BINARY, &[index; 900]))
        .collect();
    let read = async {
        for piece in bytes.chunks(333) {
            tokio::time::sleep(Duration::from_millis(20)).await;
            client.expect(piece).await;
        }
    };
    tokio::join!(upstream.send(&bytes), read);
}

#[tokio::test(start_paused = true)]
async fn idle_traffic_of_an_hour_moves_no_limit() {
    let stage = Stage::with(terms_with(|limits| {
        limits.max_session = Duration::from_secs(10 * 3600);
    }));
    let (mut client, mut upstream) = (stage.client, stage.upstream);
    for _ in 0..60 {
        tokio::time::sleep(limits().idle_timeout / 10).await;
        client.send(&masked(TEXT, b"tick")).await;
        upstream.expect(&masked(TEXT, b"tick")).await;
    }
    assert_eq!(stage.meter.snapshot().messages_up, 60);
}
