//! Sessions that the bridge ends by a limit: what each side is told (contract, section 6).

use serde_json::{Value, json};
use tollbridge_testkit::{Behaviour, Event, Frame, Upstream};

use crate::house::{House, route, told_to_go, upstream_told};

async fn echoing() -> Upstream {
    Upstream::behaving(Behaviour::Echo).await
}

#[tokio::test]
async fn silence_ends_a_session() {
    let upstream = echoing().await;
    let house = House::with(&[route("quiet", &upstream, "limits.idle_timeout = \"1s\"")]).await;
    let mut ws = house.session("quiet").await;
    ws.echo("before the silence").await;
    let id = house.only_session().await["id"]
        .as_str()
        .unwrap()
        .to_owned();
    let reason = told_to_go(&mut ws, 4408, "idle_timeout").await;
    assert_eq!(reason, format!("tb:idle_timeout;id={id}"));
    upstream_told(&upstream, Some(1000)).await;
    let end = house.ended("quiet").await;
    assert_eq!(
        (&end["initiator"], &end["code"]),
        (&json!("bridge"), &json!(4408))
    );
    assert_eq!(end["reason"], "idle_timeout");
}

/// Pings keep a connection alive, not a session.
#[tokio::test]
async fn pings_are_no_sign_of_use() {
    let upstream = echoing().await;
    let limits = "limits.idle_timeout = \"2s\"\nlimits.ping_interval = \"500ms\"";
    let house = House::with(&[route("quiet", &upstream, limits)]).await;
    let mut ws = house.session("quiet").await;
    let end = loop {
        let frame = ws.recv().await.frame();
        match frame.close_parts() {
            Some(parts) => break parts,
            None => ws.send(Frame::pong(&frame.payload)).await,
        }
    };
    assert_eq!(end.0, 4408);
    assert!(end.1.starts_with("tb:idle_timeout"), "{end:?}");
}

#[tokio::test]
async fn a_session_ends_at_the_routes_age_and_at_the_tokens() {
    let (routes, tokens) = (echoing().await, echoing().await);
    let house = House::with(&[
        route("short", &routes, "limits.max_session = \"1s\""),
        route("long", &tokens, ""),
    ])
    .await;
    let mut short = house.session("short").await;
    let mut narrowed = house
        .session_for(&json!({"route": "long", "max_session": 1}))
        .await;
    short.echo("young").await;
    narrowed.echo("young").await;
    told_to_go(&mut short, 4408, "max_session").await;
    told_to_go(&mut narrowed, 4408, "max_session").await;
    upstream_told(&routes, Some(1000)).await;
    upstream_told(&tokens, Some(1000)).await;
}

#[tokio::test]
async fn a_session_ends_when_its_bytes_are_used_up() {
    let upstream = echoing().await;
    let limit = "limits.bytes_per_session = \"4KiB\"";
    let house = House::with(&[route("small", &upstream, limit)]).await;
    let mut ws = house.session("small").await;
    ws.echo(&"a".repeat(1000)).await;
    for _ in 0..8 {
        ws.send(Frame::text([b'b'; 1000])).await;
    }
    told_to_go(&mut ws, 4429, "byte_quota").await;
    upstream_told(&upstream, Some(1000)).await;
    let received = upstream.dials()[0].received.bytes;
    assert!(received <= 4096, "{received} bytes passed");
    assert_eq!(house.ended("small").await["initiator"], "bridge");
}

/// R10, the client's half: it reads nothing while the upstream has more and more to say.
#[tokio::test]
async fn a_client_that_takes_nothing_is_given_up() {
    // More than the sockets between the two can hold.
    let flood: Vec<u8> = Frame::binary(vec![7; 60_000]).encode().repeat(500);
    let upstream = Upstream::behaving(Behaviour::Raw(flood)).await;
    let limit = "limits.write_timeout = \"1s\"";
    let house = House::with(&[route("flood", &upstream, limit)]).await;
    let mut ws = house.session("flood").await;
    let end = house.ended("flood").await;
    assert_eq!(end["reason"], "write_timeout");
    assert_eq!(end["initiator"], "client");
    upstream_told(&upstream, Some(1000)).await;
    // No boundary came, so no code was told: what had waited arrives, and then it is just over.
    assert_eq!(end["code"], Value::Null);
    assert_eq!(ws.close_parts().await, None);
}

/// R10, the upstream's half: what the client says finds no taker.
#[tokio::test]
async fn an_upstream_that_takes_nothing_is_given_up() {
    let upstream = Upstream::behaving(Behaviour::ReadsNothing).await;
    let limit = "limits.write_timeout = \"1s\"";
    let house = House::with(&[route("deaf", &upstream, limit)]).await;
    let mut ws = house.session("deaf").await;
    let speech = Frame::binary(vec![7; 32 * 1024 * 1024]).masked([1, 2, 3, 4]);
    // It is cut off in the middle of its sentence or heard out; either is an end.
    let _heard = ws.try_send_raw(&speech.encode()).await;
    told_to_go(&mut ws, 4408, "write_timeout").await;
    let end = house.ended("deaf").await;
    assert_eq!(end["initiator"], "upstream");
}

/// A frame, and a message over its fragments, from either side: one server, a route each.
#[tokio::test]
async fn a_frame_or_message_above_the_limit_ends_the_session_from_either_side() {
    let limits = "limits.max_frame = \"1KiB\"\nlimits.max_message = \"2KiB\"";
    let part = Frame::text([b'x'; 700]).more();
    let more = Frame::continuation([b'x'; 700]).more();
    let one = vec![Frame::text([b'x'; 1025])];
    let parts = vec![part, more.clone(), more];
    let wire = |frames: &[Frame]| frames.iter().flat_map(Frame::encode).collect();
    let frame_down = Upstream::behaving(Behaviour::Raw(wire(&one))).await;
    let message_down = Upstream::behaving(Behaviour::Raw(wire(&parts))).await;
    let (frame_up, message_up) = (echoing().await, echoing().await);
    let cases = [
        ("frame-down", &frame_down, "upstream", vec![]),
        ("message-down", &message_down, "upstream", vec![]),
        ("frame-up", &frame_up, "client", one),
        ("message-up", &message_up, "client", parts),
    ];
    let routes = cases.each_ref().map(|case| route(case.0, case.1, limits));
    let house = House::with(&routes).await;
    for (name, upstream, initiator, frames) in cases {
        let mut ws = house.session(name).await;
        for frame in frames {
            ws.send(frame).await;
        }
        told_to_go(&mut ws, 1009, "message_too_big").await;
        upstream_told(upstream, Some(1009)).await;
        assert_eq!(house.ended(name).await["initiator"], initiator, "{name}");
    }
}

/// What is exactly as long as allowed passes.
#[tokio::test]
async fn a_frame_and_a_message_at_the_limit_pass() {
    let limits = "limits.max_frame = \"1KiB\"\nlimits.max_message = \"2KiB\"";
    let upstream = echoing().await;
    let house = House::with(&[route("up", &upstream, limits)]).await;
    let mut ws = house.session("up").await;
    for frame in [
        Frame::text([b'x'; 1024]).more(),
        Frame::continuation([b'x'; 1024]),
    ] {
        ws.send(frame.clone()).await;
        assert_eq!(ws.recv().await, Event::Frame(frame));
    }
    ws.close(1000).await;
}
