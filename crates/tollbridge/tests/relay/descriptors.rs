//! One session too many: R15.

use std::time::Duration;

use tokio::{
    net::TcpStream,
    task::JoinHandle,
    time::{sleep, timeout},
};
use tollbridge_testkit::{Behaviour, RawWs, Upstream};

use crate::stage::{Plan, Stage, knock};

/// What a server and its store hold, and a few sessions.
const FEW: u32 = 64;

/// R15: at the route's limit, the one too many is told so; a place that becomes free is taken.
#[tokio::test]
async fn a_session_beyond_the_limit_is_refused_until_another_ends() {
    let echo = Upstream::behaving(Behaviour::Echo).await;
    let plan = Plan::new().await;
    let plan = plan.route_to("full", &echo.url(), "limits.sessions = 3");
    let stage = plan.start().await;
    let mut open = Vec::new();
    for _ in 0..3 {
        open.push(stage.session("full").await);
    }
    let refused = stage.try_session("full").await.unwrap_err();
    assert_eq!(
        (refused.status, refused.code()),
        (429, "concurrency_limit".to_owned())
    );
    assert_eq!(echo.connections(), 3, "nobody was dialled for it");
    open.pop().unwrap().close(1000).await;
    stage
        .until(async || stage.sessions("full").await.len() == 2)
        .await;
    stage.session("full").await.echo("a place").await;
}

/// R15: without descriptors the server refuses or lets wait, goes on with whom it has, burns no
/// time in its accept loop, and recovers. Of two limits, one apart, one runs out between a client
/// and its upstream, the other before the client is accepted.
#[tokio::test]
async fn a_server_out_of_descriptors_refuses_and_does_not_spin() {
    let refused = [exhausted(FEW).await, exhausted(FEW + 1).await];
    assert!(refused.contains(&true), "nobody was refused");
}

/// Whether somebody was refused, not only kept waiting.
async fn exhausted(most: u32) -> bool {
    let echo = Upstream::behaving(Behaviour::Echo).await;
    let plan = Plan::new().await.echo("echo", &echo);
    let stage = plan.start_as(|builder| builder.descriptors(most)).await;
    let mut tokens = Vec::new();
    for _ in 0..FEW / 2 {
        tokens.push(stage.token("echo").await);
    }
    let at_rest = stage.descriptors();
    let (mut open, waiting) = fill(&stage, tokens).await;
    assert!(open.len() >= 3, "{} sessions", open.len());
    let refused = waiting.is_none();
    let crowd = crowd(&stage).await;
    open[0].echo("still here").await;
    assert_idle(&stage).await;
    drop((crowd, waiting));
    for ws in open.split_off(1) {
        ws.close(1000).await;
    }
    stage
        .until(async || stage.descriptors() <= at_rest + 4)
        .await;
    stage.session("echo").await.echo("a place").await;
    open[0].echo("all the time").await;
    let failures = stage.series("tollbridge_listener_failures_total").await;
    let at_the_door = failures
        .iter()
        .find(|(labels, _times)| labels == r#"listener="public",reason="accept""#);
    let (_labels, times) = at_the_door.unwrap();
    assert!(*times >= 1, "{failures:?}");
    assert!(!stage.server.logs().contains(r#""event":"panic""#));
    refused
}

/// Opens sessions until one is refused, or is not even accepted and waits.
async fn fill(stage: &Stage, tokens: Vec<String>) -> (Vec<RawWs>, Option<JoinHandle<()>>) {
    let mut open = Vec::new();
    for token in tokens {
        let (to, handshake) = (stage.server.public(), knock("echo", &token));
        let mut opening = tokio::spawn(RawWs::connect(to, handshake));
        match timeout(Duration::from_secs(3), &mut opening).await {
            Ok(opened) => match opened.unwrap() {
                Ok(ws) => open.push(ws),
                Err(refused) => {
                    assert_eq!(
                        (refused.status, refused.code().as_str()),
                        (503, "overloaded")
                    );
                    return (open, None);
                }
            },
            Err(_) => {
                let waiting = tokio::spawn(async move { drop(opening.await) });
                return (open, Some(waiting));
            }
        }
    }
    panic!("{} sessions within {FEW} descriptors", open.len());
}

/// Connections that the server has no descriptors for.
async fn crowd(stage: &Stage) -> Vec<TcpStream> {
    let mut crowd = Vec::new();
    for _ in 0..10 {
        crowd.push(TcpStream::connect(stage.server.public()).await.unwrap());
    }
    crowd
}

/// A loop that spins would take most of the two seconds.
async fn assert_idle(stage: &Stage) {
    let before = busy(stage);
    sleep(Duration::from_secs(2)).await;
    let ticks = busy(stage) - before;
    assert!(ticks < 100, "{ticks} hundredths of a second in two seconds");
}

/// Processor time of the server so far, in hundredths of a second.
fn busy(stage: &Stage) -> u64 {
    let stat = format!("/proc/{}/stat", stage.server.pid());
    let stat = std::fs::read_to_string(stat).unwrap();
    let (_, fields) = stat.rsplit_once(") ").unwrap();
    let fields: Vec<&str> = fields.split(' ').collect();
    let [user, system] = [11, 12].map(|at| fields[at].parse::<u64>().unwrap());
    user + system
}
