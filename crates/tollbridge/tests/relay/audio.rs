//! Speech in real time.

use std::time::Duration;

use tokio::{
    select,
    time::{MissedTickBehavior, interval},
};
use tollbridge_testkit::{Behaviour, Frame, Upstream};

use crate::{
    stage::Plan,
    wire::Side::{self, Client},
};

/// Three seconds of 20 ms.
const FRAMES: u32 = 150;

/// R16, short: order and bytes are exact. Its hour, and what the bridge adds to the latency, is
/// for the long runs.
#[tokio::test]
async fn frames_of_twenty_milliseconds_arrive_in_order_and_whole() {
    let echo = Upstream::behaving(Behaviour::Echo).await;
    let stage = Plan::new().await.echo("echo", &echo).start().await;
    let mut client = stage.session("echo").await.into_peer();
    let mut ticks = interval(Duration::from_millis(20));
    ticks.set_missed_tick_behavior(MissedTickBehavior::Burst);
    let wanted: Vec<u8> = (0..FRAMES)
        .flat_map(|at| Side::Upstream.wire(&[speech(at)]))
        .collect();
    let mut heard = Vec::new();
    let mut said = 0;
    while heard.len() < wanted.len() {
        select! {
            _ = ticks.tick(), if said < FRAMES => {
                client.send(&Client.wire(&[speech(said)])).await.unwrap();
                said += 1;
            }
            read = client.read_some(&mut heard) => assert_ne!(read.unwrap(), 0),
        }
        assert!(
            wanted.starts_with(&heard),
            "other bytes behind {said} frames"
        );
    }
}

/// 640 bytes that no other frame has: 16 kHz, 16 bit, 20 ms.
fn speech(at: u32) -> Frame {
    let samples = (0..160).flat_map(|sample: u32| (at * 1000 + sample).to_be_bytes());
    Frame::binary(samples.collect::<Vec<u8>>())
}
