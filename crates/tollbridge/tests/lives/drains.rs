//! The end of a server, told to everybody (contract, sections 6 and 8; D01 with few sockets).

use serde_json::json;
use tollbridge_testkit::{Behaviour, Event, RawWs, Server, Upstream, get};

use crate::house::{House, builder, route, stderr, told_to_go};

const WINDOW: &str = "TOLLBRIDGE__SERVER__DRAIN_WINDOW";

/// A server with this drain window and so many sessions.
async fn full_house(window: &str, sessions: usize) -> (Upstream, House, Vec<RawWs>) {
    let upstream = Upstream::behaving(Behaviour::Echo).await;
    let house = House::of(builder(&[route("echo", &upstream, "")]).env(WINDOW, window)).await;
    let mut open = Vec::new();
    for _ in 0..sessions {
        open.push(house.session("echo").await);
    }
    (upstream, house, open)
}

async fn readyz(server: &Server) -> [u16; 2] {
    let public = get(server.public(), "/readyz", &[]).await;
    let admin = get(server.admin(), "/readyz", &[]).await;
    [public.status, admin.status]
}

/// All told 1012, and all upstreams 1001.
async fn all_told(open: Vec<RawWs>, upstream: &Upstream) -> Vec<String> {
    let mut reasons = Vec::new();
    for mut ws in open {
        reasons.push(told_to_go(&mut ws, 1012, "draining").await);
    }
    let ended = upstream.ended(reasons.len()).await;
    for dial in &ended {
        let Some(Event::Frame(close)) = &dial.end else {
            panic!("{:?}", dial.end);
        };
        assert_eq!(close.close_parts(), Some((1001, String::new())));
    }
    reasons
}

/// D01, B29: readiness goes first, new work is refused in both forms, live sessions are told when
/// to come back, and the server is gone as soon as they are.
#[tokio::test]
async fn sigterm_drains() {
    let (upstream, mut house, open) = full_house("8s", 3).await;
    assert_eq!(readyz(&house.server).await, [200, 200]);
    let (one, other) = (house.token("echo").await, house.token("echo").await);
    house.server.sigterm();
    house
        .logged("drain.started", |event| event["sessions"] == 3)
        .await;
    assert_eq!(readyz(&house.server).await, [503, 503]);
    assert_eq!(get(house.server.public(), "/livez", &[]).await.status, 200);
    let refused = house.redeem("echo", &one).await.unwrap_err();
    assert_eq!(
        (refused.status, refused.code()),
        (503, "draining".to_owned())
    );
    let mut page = house.redeem_as_page("echo", &other).await;
    let reason = told_to_go(&mut page, 1012, "draining").await;
    assert!(reason.contains(";ra="), "{reason}");
    let mint = house.mint(&json!({"route": "echo"})).await;
    assert_eq!((mint.status, mint.code()), (503, "draining".to_owned()));
    for reason in all_told(open, &upstream).await {
        assert!(
            reason.contains(";ra=") && reason.contains(";id="),
            "{reason}"
        );
    }
    assert_eq!(house.server.ended().await.code(), Some(0));
    house
        .logged("drain.finished", |event| event["cut"] == 0)
        .await;
    assert_eq!(upstream.connections(), 3, "nobody was dialled for the late");
    let socket = house.server.dir().join("tollbridge.db.sock");
    assert!(!socket.exists(), "the socket goes with the server");
}

#[tokio::test]
async fn a_drain_can_be_ordered_by_command() {
    let (upstream, mut house, open) = full_house("2s", 1).await;
    house.cli(&["drain"]).await;
    all_told(open, &upstream).await;
    assert_eq!(house.server.ended().await.code(), Some(0));
    house.server.restart().await;
    let audited = house.audited("node.drained").await;
    assert!(
        audited[0]["who"].as_str().unwrap().starts_with("cli"),
        "{audited:?}"
    );
    let closed = house.audited("session.closed").await;
    assert_eq!(
        closed[0]["result"], "draining",
        "facts of the last second are kept"
    );
}

/// The orders would take a minute and a half; the test's patience with a stop is one minute.
#[tokio::test]
async fn a_second_signal_hurries() {
    let (upstream, mut house, mut open) = full_house("120s", 4).await;
    house.server.sigterm();
    house.logged("drain.started", |_| true).await;
    // The first is told at once; which one that is, nobody knows.
    house.ended("echo").await;
    house.server.sigterm();
    let reasons = all_told(std::mem::take(&mut open), &upstream).await;
    assert_eq!(reasons.len(), 4);
    assert_eq!(house.server.ended().await.code(), Some(0));
}

/// A client that takes no notice holds the stop no longer than the window.
#[tokio::test]
async fn a_client_that_ignores_the_drain_does_not_hold_it() {
    let (_upstream, mut house, _deaf) = full_house("2s", 2).await;
    house.server.sigterm();
    assert_eq!(house.server.ended().await.code(), Some(0));
    let stopped = house.logged("server.stopped", |_| true).await;
    assert_eq!(stopped["level"], "INFO");
}

#[tokio::test]
async fn a_command_for_a_server_that_is_gone_says_so() {
    let (_upstream, mut house, _) = full_house("1s", 0).await;
    house.server.sigterm();
    house.server.ended().await;
    let output = house.server.cli(&["drain"]).await;
    assert_eq!(output.status.code(), Some(4), "{}", stderr(&output));
}
