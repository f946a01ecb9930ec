//! Memory that no declared length and no number of fragments makes grow.

use std::sync::Arc;

use tokio::task::JoinSet;
use tollbridge_testkit::{Frame, RawPeer};

use crate::{
    act::{Act, play},
    stage::{Plan, Stage},
    told::{Manners, Told, listen},
    wire::{
        Side::{self, Client, Upstream},
        begun,
    },
};

const KIB: u64 = 1024;

/// Sessions at once.
const SESSIONS: usize = 100;

/// Behind each header, unless the bridge takes no more.
const PAYLOAD: usize = 4 * 1024 * 1024;

/// What a session may add. A debug build's allocator is not the one that ships, so this is a bound
/// for every build; the page about capacity has the figures.
const A_SESSION: u64 = 64 * KIB;

/// R04: a header of 2^40 from a hundred clients at once, each followed by all the payload that the
/// bridge takes.
#[tokio::test]
async fn a_hundred_clients_that_declare_a_tebibyte_cost_nothing() {
    declared_by(Client).await;
}

/// R04, from a hundred connections of a hostile upstream.
#[tokio::test]
async fn a_hundred_upstreams_that_declare_a_tebibyte_cost_nothing() {
    declared_by(Upstream).await;
}

async fn declared_by(side: Side) {
    let stage = Plan::new().await.route("hostile", "").start().await;
    let stage = Arc::new(stage);
    // As many sessions as later, so that what a session costs anyway is there already.
    crowd(&stage, side, begun(side, 1000, 1000), None).await;
    let before = stage.memory("VmRSS");
    stage.forget_peak();
    let bytes = begun(side, 1 << 40, PAYLOAD);
    crowd(&stage, side, bytes, Some("message_too_big")).await;
    let grown = stage.memory("VmHWM").saturating_sub(before);
    let each = grown / u64::try_from(SESSIONS).unwrap();
    assert!(each < A_SESSION, "{each} bytes a session");
}

/// So many sessions at once in which `side` says this; they end as refused, or by the client.
async fn crowd(stage: &Arc<Stage>, side: Side, bytes: Vec<u8>, refused: Option<&'static str>) {
    let bytes = Arc::new(bytes);
    let mut playing = JoinSet::new();
    for _ in 0..SESSIONS {
        let ends = stage.open("hostile", false).await;
        let bytes = Arc::clone(&bytes);
        playing.spawn(one(ends, side, bytes, refused));
    }
    playing.join_all().await;
    stage.until_empty("hostile").await;
}

async fn one(
    (client, upstream): (RawPeer, RawPeer),
    side: Side,
    bytes: Arc<Vec<u8>>,
    refused: Option<&'static str>,
) {
    let (mut talker, listener) = match side {
        Client => (client, upstream),
        Upstream => (upstream, client),
    };
    // Cut off in the middle, the rest is not taken.
    let _taken = talker.send(&bytes).await;
    let frame = Frame::binary(vec![7; 1000]);
    let (passes, told) = match refused {
        None => {
            talker.finish().await.unwrap();
            let told = match side {
                Client => Told::Close(Frame::close(1001, "")),
                Upstream => Told::Ours(1011, "upstream_lost"),
            };
            (vec![frame], told)
        }
        Some(slug) => {
            let told = match side {
                Client => Told::Close(Frame::close(1009, "")),
                Upstream => Told::Ours(1009, slug),
            };
            (Vec::new(), told)
        }
    };
    let other = side.other();
    let heard = listen(listener, other, Manners::Answers).await.unwrap();
    heard.judge(other, &passes, &told).unwrap();
}

/// R06: a million fragments in either direction, of one message, on a route without that limit.
#[tokio::test]
async fn a_million_fragments_cost_nothing() {
    for side in Side::BOTH {
        let plan = Plan::new().await;
        let plan = plan.route("endless", "limits.max_fragments = 0");
        let stage = plan.start().await;
        let (client, upstream) = stage.open("endless", false).await;
        let start = side.one(&Frame::binary("x").more());
        let more = side.one(&Frame::continuation("x").more());
        let says = [
            Act::Says(start.clone()),
            Act::Repeats(more.clone(), 1_000_000),
        ];
        let hears = [Act::Hears(start), Act::HearsAll(more, 1_000_000)];
        let before = stage.memory("VmRSS");
        stage.forget_peak();
        let (one, other) = match side {
            Client => (&says[..], &hears[..]),
            Upstream => (&hears[..], &says[..]),
        };
        let client = play(one, client, &stage, "endless");
        let upstream = play(other, upstream, &stage, "endless");
        let ends = tokio::try_join!(client, upstream).unwrap();
        let grown = stage.memory("VmHWM").saturating_sub(before);
        assert!(grown < 1024 * KIB, "grown by {grown}");
        drop(ends);
    }
}
