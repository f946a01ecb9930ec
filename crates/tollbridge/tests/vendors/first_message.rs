//! Clients whose token is in their first message: let in before anybody knows them, and judged
//! before anything else happens.

use serde_json::{Value, json};
use tollbridge_testkit::{Event, Frame, Handshake, Upstream};

use crate::{
    stage::{House, PAGE, Plan, leave, say, slug},
    strangers::{BOTH, KEY, Kind},
};

#[tokio::test]
async fn a_token_is_taken_out_of_the_message_and_the_credential_is_where_the_vendor_wants_it() {
    for kind in BOTH {
        let scene = kind.scene("").await;
        for _ in 0..2 {
            let token = scene.house.mint("voice").await;
            scene.redeem(&token).await;
        }
        for dial in scene.upstream.ended(2).await {
            let first: Value = serde_json::from_slice(&dial.frames[0].payload).unwrap();
            match kind {
                Kind::Soniox => {
                    let bearer = format!("Bearer {KEY}");
                    assert_eq!(dial.header_values("authorization"), [bearer]);
                    assert_eq!(
                        first,
                        json!({"model": "stt-rt-preview", "audio_format": "auto"})
                    );
                }
                Kind::Home => {
                    assert!(dial.header_values("authorization").is_empty());
                    assert_eq!(first, json!({"type": "auth", "access_token": KEY}));
                }
            }
        }
        scene.house.end().await;
    }
}

#[tokio::test]
async fn a_message_in_parts_with_pings_around_it_is_one() {
    for kind in BOTH {
        let scene = kind.scene("").await;
        let first = kind.first(&scene.house.mint("voice").await).to_string();
        let mut ws = scene.stranger().await;
        ws.send(Frame::ping("before")).await;
        let (front, rest) = first.split_at(first.len() / 2);
        let (middle, rest) = rest.split_at(7);
        ws.send(Frame::text(front).more()).await;
        ws.send(Frame::ping("between")).await;
        ws.send(Frame::continuation(middle).more()).await;
        ws.send(Frame::continuation("").more()).await;
        // With what comes after it in the same segment.
        let last = Frame::continuation(rest).masked([9, 8, 7, 6]).encode();
        let ping = Frame::ping("after").masked([1, 2, 3, 4]).encode();
        ws.send_raw(&[last, ping].concat()).await;
        // The upstream answers them all, in order, once it is there.
        for due in ["before", "between", "after"] {
            let pong = loop {
                match ws.recv().await {
                    Event::Frame(frame) if frame.opcode == 10 => break frame,
                    Event::Frame(frame) if kind == Kind::Home && frame.opcode == 1 => {
                        assert!(frame.as_text().contains("auth_ok"), "{frame:?}");
                    }
                    other => panic!("{kind:?}: {other:?}"),
                }
            };
            assert_eq!(pong.payload, due.as_bytes(), "{kind:?}");
        }
        leave(ws).await;
        let dials = scene.upstream.ended(1).await;
        let opcodes: Vec<u8> = dials[0].frames.iter().map(|frame| frame.opcode).collect();
        assert_eq!(opcodes, [1, 9, 9, 9, 8], "{kind:?}");
        scene.house.end().await;
    }
}

/// A page that is left while it loads is nobody's mistake.
#[tokio::test]
async fn who_leaves_before_the_first_message_is_seen_off() {
    for kind in BOTH {
        let scene = kind.scene("").await;
        let token = scene.house.mint("voice").await;
        // It is answered as it closed, not blamed.
        let closing = leave(scene.stranger().await).await;
        let [close] = closing.as_slice() else {
            panic!("{closing:?}");
        };
        assert_eq!(close.close_parts(), Some((1000, String::new())));
        scene.stranger().await.reset();
        let mut ended = scene.stranger().await;
        ended.finish().await;
        let gone = |house: &House| {
            let denied = house.events("upgrade.denied");
            denied
                .iter()
                .filter(|line| line["reason"] == "the client left before its first message")
                .count()
        };
        let waiting = scene
            .house
            .logged("upgrade.denied", |_| gone(&scene.house) == 3);
        let line = waiting.await;
        assert_eq!(line["code"], "token_missing");
        scene.nothing_happened(&token, "gone").await;
        scene.house.end().await;
    }
}

/// The same client may bring its token elsewhere, and say hello without one.
#[tokio::test]
async fn a_token_in_another_carrier_is_enough() {
    for kind in BOTH {
        let scene = kind.scene("").await;
        for handshake in [
            Handshake::to(&format!(
                "{}?token={}",
                kind.path(),
                scene.house.mint("voice").await
            )),
            Handshake::to(kind.path()).header(
                "Authorization",
                &format!("Bearer {}", scene.house.mint("voice").await),
            ),
        ] {
            let mut ws = scene.stranger_with(handshake).await;
            let mut first = kind.first("");
            first
                .as_object_mut()
                .unwrap()
                .retain(|name, _| !name.contains("key") && !name.contains("token"));
            say(&mut ws, &first).await;
            scene.works(ws).await;
        }
        scene.house.end().await;
    }
}

/// Where the token came elsewhere it is not what is missing.
#[tokio::test]
async fn a_session_that_never_gets_its_first_message_ends_by_its_own_name() {
    let scene = Kind::Home
        .scene("carriers.message.timeout = \"1s\"\n")
        .await;
    let enter = async || {
        let token = scene.house.mint("voice").await;
        let path = format!("{}?token={token}", Kind::Home.path());
        scene.stranger_with(Handshake::to(&path).origin(PAGE)).await
    };
    let silent = enter().await;
    assert_eq!(scene.told(silent).await, (4408, "idle_timeout".to_owned()));
    let mut babbling = enter().await;
    babbling.send(Frame::text("not JSON")).await;
    assert_eq!(scene.told(babbling).await, (4400, "bad_request".to_owned()));
    let closing = leave(enter().await).await;
    let last = closing.last().unwrap();
    assert_eq!(last.close_parts(), Some((1000, String::new())));
    let left = |line: &Value| line["initiator"] == "client" && line["reason"] == "";
    scene.house.logged("session.closed", left).await;
    scene.upstream.ended(3).await;
    scene.house.end().await;
}

/// While its first message is awaited a session is one like any other: listed, and ended by order.
#[tokio::test]
async fn a_session_that_waits_for_its_first_message_can_be_killed() {
    let scene = Kind::Home.scene("").await;
    let token = scene.house.mint("voice").await;
    let path = format!("{}?token={token}", Kind::Home.path());
    let waiting = scene.stranger_with(Handshake::to(&path).origin(PAGE)).await;
    let opened = scene.house.logged("session.opened", |_| true).await;
    let session = opened["session_id"].as_str().unwrap();
    let listed = scene.house.server.cli(&["sessions", "list"]).await;
    let listed = String::from_utf8(listed.stdout).unwrap();
    assert!(listed.contains(session), "{listed}");
    let killed = scene.house.server.cli(&["sessions", "kill", session]).await;
    assert!(killed.status.success(), "{killed:?}");
    assert_eq!(scene.told(waiting).await, (4410, "killed".to_owned()));
    scene.upstream.ended(1).await;
    scene.house.end().await;
}

/// An upstream that is not there costs no use here either.
#[tokio::test]
async fn an_upstream_that_is_not_there_is_told_by_close_and_the_use_comes_back() {
    let (_held, address) = Upstream::refusing();
    let lines =
        format!("preset = \"soniox\"\nupstream = \"ws://{address}/transcribe-websocket\"\n");
    let plan = Plan::default()
        .env("SONIOX_API_KEY", KEY)
        .route("voice", &lines);
    let house = plan.start().await;
    let token = house.mint("voice").await;
    for _ in 0..2 {
        let mut ws = house.open(Handshake::to("/transcribe-websocket")).await;
        say(&mut ws, &Kind::Soniox.first(&token)).await;
        let told = slug(ws.close_parts().await);
        assert_eq!(told, (1013, "upstream_unavailable".to_owned()));
    }
    house.end().await;
}
