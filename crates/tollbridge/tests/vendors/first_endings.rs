//! Sessions that end before anything of them was relayed: by their right name and side, and both
//! sides are told.

use serde_json::Value;
use tollbridge_testkit::{Behaviour, Event, Frame, Handshake, RawWs, Upstream};

use crate::{
    stage::{PAGE, say},
    strangers::{Kind, Scene},
};

/// A session whose client has its token elsewhere, and has not said its first message yet.
async fn waiting(scene: &Scene) -> RawWs {
    let token = scene.house.mint("voice").await;
    let path = format!("{}?token={token}", scene.kind.path());
    scene.stranger_with(Handshake::to(&path).origin(PAGE)).await
}

/// The end of the only session, as the log has it.
async fn end(scene: &Scene) -> (String, String) {
    let line = scene.house.logged("session.closed", |_| true).await;
    let text = |name: &str| line[name].as_str().unwrap_or_default().to_owned();
    (text("initiator"), text("reason"))
}

/// The close frame that the upstream read last.
async fn upstream_told(scene: &Scene) -> Option<u16> {
    let dials = scene.upstream.ended(1).await;
    match &dials[0].end {
        Some(Event::Frame(close)) => close.close_parts().map(|(code, _reason)| code),
        other => panic!("{other:?}"),
    }
}

/// Where the bridge greets in the upstream's place, the upstream's own first word may be its last.
#[tokio::test]
async fn an_upstream_that_ends_instead_of_greeting_is_who_ended_it() {
    let with_a_word = Behaviour::CloseWith(4001, "bad plan".to_owned());
    let bad_frame = Behaviour::Raw(Frame::new(3, "").encode());
    for (behaviour, told, reason) in [
        (with_a_word, (4001, "bad plan"), ""),
        (
            Behaviour::EndWithoutClose,
            (1011, "tb:upstream_lost"),
            "upstream_lost",
        ),
        (
            Behaviour::AcceptThenReset,
            (1011, "tb:upstream_lost"),
            "upstream_lost",
        ),
        (bad_frame, (1002, "tb:protocol_error"), "protocol_error"),
    ] {
        let upstream = Upstream::behaving(behaviour).await;
        let scene = Kind::Home.scene_before(upstream, "").await;
        let token = scene.house.mint("voice").await;
        let mut ws = scene.stranger().await;
        say(&mut ws, &scene.kind.first(&token)).await;
        let (code, text) = ws.close_parts().await.unwrap();
        assert_eq!(code, told.0, "{text}");
        assert!(text.starts_with(told.1), "{text}");
        assert_eq!(
            end(&scene).await,
            ("upstream".to_owned(), reason.to_owned())
        );
        scene.house.end().await;
    }
}

#[tokio::test]
async fn who_breaks_a_rule_with_its_first_message_is_who_ended_it_and_the_upstream_hears_of_it() {
    let scene = Kind::Home.scene("").await;
    let mut ws = waiting(&scene).await;
    ws.send_raw(&Frame::text("not masked").encode()).await;
    assert_eq!(scene.told(ws).await, (1002, "protocol_error".to_owned()));
    let client = ("client".to_owned(), "protocol_error".to_owned());
    assert_eq!(end(&scene).await, client);
    assert_eq!(upstream_told(&scene).await, Some(1002));
    scene.house.end().await;
}

#[tokio::test]
async fn a_close_instead_of_a_first_message_passes() {
    let scene = Kind::Home.scene("").await;
    let mut ws = waiting(&scene).await;
    ws.send(Frame::close(4321, "changed my mind")).await;
    let (code, _) = ws.close_parts().await.unwrap();
    assert_eq!(code, 4321);
    assert_eq!(end(&scene).await, ("client".to_owned(), String::new()));
    assert_eq!(upstream_told(&scene).await, Some(4321));
    scene.house.end().await;
}

#[tokio::test]
async fn who_leaves_without_a_word_is_who_ended_it_and_nothing_of_theirs_passes() {
    let scene = Kind::Home.scene("").await;
    let mut ws = waiting(&scene).await;
    ws.send(Frame::text("half").more()).await;
    ws.finish().await;
    assert_eq!(end(&scene).await, ("client".to_owned(), String::new()));
    assert_eq!(upstream_told(&scene).await, Some(1001));
    let dials = scene.upstream.ended(1).await;
    assert!(dials[0].frames.iter().all(|frame| frame.opcode == 8));
    scene.house.end().await;
}

#[tokio::test]
async fn an_order_is_told_to_both() {
    let scene = Kind::Home.scene("").await;
    let ws = waiting(&scene).await;
    let opened = scene.house.logged("session.opened", |_| true).await;
    let session = opened["session_id"].as_str().unwrap();
    scene.house.server.cli(&["sessions", "kill", session]).await;
    assert_eq!(scene.told(ws).await, (4410, "killed".to_owned()));
    let bridge = ("bridge".to_owned(), "killed".to_owned());
    assert_eq!(end(&scene).await, bridge);
    assert_eq!(upstream_told(&scene).await, Some(1000));
    scene.house.end().await;
}

/// Nobody knows them, and still they are owed a word.
#[tokio::test]
async fn a_drain_tells_those_who_wait_with_their_token() {
    let mut scene = Kind::Home.scene("").await;
    let ws = scene.stranger().await;
    scene.house.server.sigterm();
    assert_eq!(scene.told(ws).await, (1012, "draining".to_owned()));
    let told = |line: &Value| line["code"] == "draining";
    scene.house.logged("upgrade.denied", told).await;
    assert_eq!(scene.house.server.ended().await.code(), Some(0));
}
