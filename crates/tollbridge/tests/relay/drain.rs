//! The end of a server with many sessions, all of them in the middle of something: D01.

use std::{sync::Arc, time::Duration};

use tokio::{
    task::JoinSet,
    time::{Instant, sleep, timeout},
};
use tollbridge_testkit::{Frame, RawPeer, get};

use crate::{
    stage::{PATIENCE, Plan, Stage},
    told::{Manners, Told, listen},
    wire::Side::{Client, Upstream},
};

const SESSIONS: usize = 300;
const WINDOW: &str = "TOLLBRIDGE__SERVER__DRAIN_WINDOW";

/// Frames of a message, each so long.
const PARTS: usize = 10;
const PART: usize = 8 * 1024;

/// D01, with 300 sockets of 1,000: readiness goes first; each client is told 1012, one after the
/// other; no frame is cut although each upstream is always in the middle of one; the server is
/// gone within the window.
#[tokio::test]
async fn a_drain_tells_everybody_and_cuts_nobody_short() {
    let (mut stage, mut clients, mut upstreams) = full("8s", SESSIONS).await;
    let signalled = Instant::now();
    stage.server.sigterm();
    let started = |line: &str| line.contains("\"drain.started\"");
    stage.server.wait_for_log(started, PATIENCE).await;
    let ready = get(stage.server.public(), "/readyz", &[]).await;
    assert_eq!(ready.status, 503);
    assert!(clients.len() > 1, "readiness goes first");
    let mut told = Vec::new();
    while let Some(at) = clients.join_next().await {
        told.push(at.unwrap().unwrap());
    }
    assert_eq!(told.len(), SESSIONS);
    // Six seconds are three quarters of the window: whoever tells all at once tells them in none.
    let first = told.iter().min().copied().unwrap();
    let last = told.iter().max().copied().unwrap();
    assert!(
        last - first > Duration::from_secs(3),
        "in {:?}",
        last - first
    );
    let status = stage.server.ended().await;
    assert_eq!(status.code(), Some(0));
    let took = signalled.elapsed();
    assert!(took < Duration::from_secs(15), "gone after {took:?}");
    while let Some(upstream) = upstreams.join_next().await {
        upstream.unwrap().unwrap();
    }
    let finished = |line: &str| line.contains("\"drain.finished\"") && line.contains("\"cut\":0");
    stage.server.wait_for_log(finished, PATIENCE).await;
    assert_eq!(stage.all_ended("speech", SESSIONS).await.len(), SESSIONS);
}

/// D01: the second signal is for those who cannot wait. The first alone would take a minute and a
/// half.
#[tokio::test]
async fn a_second_signal_tells_everybody_at_once() {
    let (mut stage, mut clients, _upstreams) = full("120s", 50).await;
    stage.server.sigterm();
    let started = |line: &str| line.contains("\"drain.started\"");
    stage.server.wait_for_log(started, PATIENCE).await;
    stage.server.sigterm();
    let all = async {
        while let Some(told) = clients.join_next().await {
            told.unwrap().unwrap();
        }
    };
    timeout(PATIENCE, all).await.expect("at once");
    assert_eq!(stage.server.ended().await.code(), Some(0));
}

type Listening = JoinSet<Result<Instant, String>>;
type Talking = JoinSet<Result<(), String>>;

/// So many sessions whose upstreams never stop talking.
async fn full(window: &str, sessions: usize) -> (Stage, Listening, Talking) {
    let plan = Plan::new().await.route("speech", "");
    let stage = plan.start_as(|builder| builder.env(WINDOW, window)).await;
    let (mut clients, mut upstreams) = (JoinSet::new(), JoinSet::new());
    let half = Arc::new(halves());
    for _ in 0..sessions {
        let (client, upstream) = stage.open("speech", false).await;
        clients.spawn(hear_out(client));
        upstreams.spawn(talk(upstream, Arc::clone(&half)));
    }
    (stage, clients, upstreams)
}

/// One message, cut where no frame ends.
fn halves() -> Vec<Vec<u8>> {
    let frame = |at: usize| {
        let payload = [u8::try_from(at).unwrap(); PART];
        let frame = match at {
            0 => Frame::binary(payload),
            _ => Frame::continuation(payload),
        };
        if at + 1 < PARTS { frame.more() } else { frame }
    };
    let frames: Vec<Frame> = (0..PARTS).map(frame).collect();
    let wire = Upstream.wire(&frames);
    wire.chunks(PART / 2 + 7).map(<[u8]>::to_vec).collect()
}

/// Says one message after the other until it is told to go.
async fn talk(mut peer: RawPeer, halves: Arc<Vec<Vec<u8>>>) -> Result<(), String> {
    for half in halves.iter().cycle() {
        if peer.send(half).await.is_err() {
            break;
        }
        sleep(Duration::from_millis(100)).await;
    }
    let heard = listen(peer, Upstream, Manners::Closed).await?;
    heard.judge(Upstream, &[], &Told::Close(Frame::close(1001, "")))
}

/// Reads whole messages and then the close; says when that was.
async fn hear_out(peer: RawPeer) -> Result<Instant, String> {
    let heard = listen(peer, Client, Manners::Answers).await?;
    let when = Instant::now();
    let told = Told::Ours(1012, "draining");
    heard.judge_each(Client, &told, |at, frame| {
        frame.payload.len() == PART
            && frame
                .payload
                .iter()
                .all(|byte| usize::from(*byte) == at % PARTS)
    })?;
    Ok(when)
}
