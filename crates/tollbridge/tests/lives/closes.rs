//! How an upstream ends a session, and what the client reads of it.

use serde_json::json;
use tollbridge_testkit::{Behaviour, Event, Frame, Upstream};

use crate::house::{CREDENTIAL, House, route, told_to_go, upstream_told};

/// Upstreams that do what the list says, and one server with a route to each.
async fn vendors<T: Clone>(
    list: &[T],
    behaviour: impl Fn(T) -> Behaviour,
) -> (Vec<(String, Upstream)>, House) {
    let mut vendors = Vec::new();
    for (at, one) in list.iter().enumerate() {
        let upstream = Upstream::behaving(behaviour(one.clone())).await;
        vendors.push((format!("vendor-{at}"), upstream));
    }
    let routes: Vec<String> = vendors
        .iter()
        .map(|(name, upstream)| route(name, upstream, ""))
        .collect();
    let house = House::with(&routes).await;
    (vendors, house)
}

/// R14: the upstream's own code and reason pass unchanged.
#[tokio::test]
async fn the_upstreams_own_close_passes_unchanged() {
    let closes = [
        (1000, ""),
        (1000, "done"),
        (1008, "policy: größer"),
        (1011, "vendor trouble"),
        (1013, "later"),
        (3000, "registered"),
        (4000, "session_expired"),
        (4999, "x"),
    ];
    let says = |(code, reason): (u16, &str)| Behaviour::CloseWith(code, reason.to_owned());
    let (vendors, house) = vendors(&closes, says).await;
    for ((code, reason), (name, upstream)) in closes.iter().zip(&vendors) {
        let mut ws = house.session(name).await;
        let close = ws.recv().await.frame();
        assert_eq!(close, Frame::close(*code, reason));
        ws.send(close).await;
        assert_eq!(ws.recv().await, Event::Eof);
        upstream_told(upstream, Some(*code)).await;
        let end = house.ended(name).await;
        assert_eq!(
            (&end["initiator"], &end["code"]),
            (&json!("upstream"), &json!(code))
        );
        assert_eq!(end["clean"], true);
    }
}

/// R14: no code is no code; 1005 is only what a browser makes of it.
#[tokio::test]
async fn a_close_without_a_code_passes_empty() {
    let upstream = Upstream::behaving(Behaviour::Raw(vec![0x88, 0])).await;
    let house = House::with(&[route("vendor", &upstream, "")]).await;
    let mut ws = house.session("vendor").await;
    assert_eq!(ws.recv().await.frame(), Frame::new(8, ""));
}

/// 1005, 1006 and 1015 never go on the wire, whoever puts them there.
#[tokio::test]
async fn codes_that_must_not_be_sent_are_not_passed_on() {
    let codes = [1004, 1005, 1006, 1015, 999, 2999, 5000];
    let says = |code| Behaviour::CloseWith(code, "gone".to_owned());
    let (vendors, house) = vendors(&codes, says).await;
    for (name, _upstream) in &vendors {
        let mut ws = house.session(name).await;
        told_to_go(&mut ws, 1002, "protocol_error").await;
    }
}

#[tokio::test]
async fn a_reason_that_tells_the_credential_is_dropped_and_the_code_kept() {
    let reason = format!("invalid key {CREDENTIAL}");
    let upstream = Upstream::behaving(Behaviour::CloseWith(4001, reason)).await;
    let house = House::with(&[route("vendor", &upstream, "")]).await;
    let mut ws = house.session("vendor").await;
    assert_eq!(ws.recv().await.frame(), Frame::close(4001, ""));
    house.ended("vendor").await;
    assert!(!house.server.logs().contains(CREDENTIAL));
}

/// R14: an upstream that vanishes is 1011 to the client, never 1006.
#[tokio::test]
async fn an_upstream_that_vanishes_is_upstream_lost() {
    for behaviour in [Behaviour::AcceptThenReset, Behaviour::EndWithoutClose] {
        let upstream = Upstream::behaving(behaviour).await;
        let house = House::with(&[route("vendor", &upstream, "")]).await;
        let mut ws = house.session("vendor").await;
        let reason = told_to_go(&mut ws, 1011, "upstream_lost").await;
        assert!(reason.contains(";id="), "{reason}");
        assert_eq!(ws.recv().await, Event::Eof);
        let end = house.ended("vendor").await;
        assert_eq!(
            (&end["initiator"], &end["clean"]),
            (&"upstream".into(), &false.into())
        );
    }
}

/// The same in the middle of a frame, where no close frame of ours can be put: a reset.
#[tokio::test]
async fn an_upstream_that_vanishes_inside_a_frame_leaves_no_half_told_close() {
    let mut half = Frame::binary([7; 1000]).encode();
    half.truncate(500);
    let answer = "HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\n\
                  Connection: Upgrade\r\nSec-WebSocket-Accept: {accept}\r\n\r\n";
    let answer = [answer.as_bytes(), &half].concat();
    let upstream = Upstream::behaving(Behaviour::Answer(answer)).await;
    let house = House::with(&[route("vendor", &upstream, "limits.idle_timeout = \"1s\"")]).await;
    let mut ws = house.session("vendor").await;
    let event = ws.recv().await;
    assert!(matches!(event, Event::Reset), "{event:?}");
    let end = house.ended("vendor").await;
    assert_eq!(end["reason"], "idle_timeout");
}
