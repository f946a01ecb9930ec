//! Readers that stop reading: R10.

use tokio::task::JoinSet;
use tollbridge_testkit::{Behaviour, Frame, RawPeer, Upstream};

use crate::{
    neighbour::{NEIGHBOUR, beside},
    stage::{Plan, Stage},
    wire::Side::{self, Client, Upstream as Far},
};

/// Readers that stop at once.
const READERS: usize = 10;

/// What each of them may add to the server's memory.
const A_SESSION: u64 = 256 * 1024;

const LIMIT: &str = "limits.write_timeout = \"2s\"";

/// R10: ten clients read nothing while their upstreams flood.
#[tokio::test]
async fn clients_that_stop_reading_cost_little_and_end_by_the_write_timeout() {
    stalled(Client).await;
}

/// R10, the other direction: ten upstreams read nothing while their clients flood.
#[tokio::test]
async fn upstreams_that_stop_reading_cost_little_and_end_by_the_write_timeout() {
    stalled(Far).await;
}

async fn stalled(reader: Side) {
    let echo = Upstream::behaving(Behaviour::Echo).await;
    let plan = Plan::new().await.echo(NEIGHBOUR, &echo);
    let stage = plan.route("stalled", LIMIT).start().await;
    let mut floods = JoinSet::new();
    let mut readers = Vec::new();
    let mut pairs = Vec::new();
    for _ in 0..READERS {
        pairs.push(stage.open("stalled", false).await);
    }
    stage.session(NEIGHBOUR).await.close(1000).await;
    let before = stage.memory("VmRSS");
    stage.forget_peak();
    for (client, upstream) in pairs {
        let (sleeper, talker) = match reader {
            Client => (client, upstream),
            Far => (upstream, client),
        };
        readers.push(sleeper);
        floods.spawn(flood(talker, reader.other()));
    }
    let ends = beside(&stage, stage.all_ended("stalled", READERS)).await;
    let ends = ends.unwrap();
    for end in &ends {
        let told = (&end["reason"], &end["initiator"]);
        assert_eq!(told, (&"write_timeout".into(), &reader.name().into()));
    }
    let grown = stage.memory("VmHWM").saturating_sub(before);
    let each = grown / u64::try_from(READERS).unwrap();
    assert!(each < A_SESSION, "{each} bytes a session");
    counted(&stage, reader).await;
    floods.shutdown().await;
}

/// Sends more and more until the connection is gone.
async fn flood(mut talker: RawPeer, side: Side) {
    let frames = side.one(&Frame::binary(vec![7; 60_000])).repeat(8);
    while talker.send(&frames).await.is_ok() {}
}

async fn counted(stage: &Stage, reader: Side) {
    let closed = stage.series("tollbridge_sessions_closed_total").await;
    let ours = closed.iter().find(|(labels, _)| {
        labels.contains("route=\"stalled\"")
            && labels.contains("code=\"write_timeout\"")
            && labels.contains(&format!("initiator=\"{}\"", reader.name()))
    });
    let count = ours.map(|(_, count)| *count);
    assert_eq!(count, u64::try_from(READERS).ok(), "{closed:?}");
}
