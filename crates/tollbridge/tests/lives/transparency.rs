//! Frames pass as they came (contract, section 4).

use tollbridge_testkit::{Behaviour, Event, Frame, RawWs, Upstream};

use crate::house::{House, at, route, until, upstream_told};

const MASK: [u8; 4] = [0x11, 0x22, 0x33, 0x44];

async fn echoing() -> (Upstream, House) {
    let upstream = Upstream::behaving(Behaviour::Echo).await;
    let house = House::with(&[route("echo", &upstream, "")]).await;
    (upstream, house)
}

/// R13: the client's masks pass, too; a browser has chosen them at random.
#[tokio::test]
async fn opcodes_fragments_masks_and_lengths_arrive_as_they_were_sent() {
    let (upstream, house) = echoing().await;
    let mut ws = house.session("echo").await;
    let frames = [
        Frame::text("text"),
        Frame::text(""),
        Frame::binary([0, 255, 254]),
        Frame::text("not \u{fffd} judged").more(),
        Frame::continuation("").more(),
        Frame::continuation("end"),
        Frame::binary(vec![1; 125]),
        Frame::binary(vec![2; 126]),
        Frame::binary(vec![3; 65_535]),
        Frame::binary(vec![4; 65_536]),
        Frame::binary(vec![5; 1024 * 1024]),
        // The payload is the peers' affair.
        Frame::text([0xff, 0xfe]),
    ];
    let masked: Vec<Frame> = (1_u8..)
        .zip(frames)
        .map(|(at, frame)| frame.masked([at, 0x22, 0x33, 0x44]))
        .collect();
    for frame in &masked {
        ws.send(frame.clone()).await;
        let echoed = Frame {
            mask: None,
            ..frame.clone()
        };
        assert_eq!(ws.recv().await, Event::Frame(echoed));
    }
    let arrived = upstream.dials().remove(0).frames;
    assert!(arrived == masked, "{arrived:?}");
    ws.close(1000).await;
}

/// The echo answers each fragment as it comes: nothing waits for the end of a message.
#[tokio::test]
async fn pings_and_pongs_pass_from_end_to_end_between_fragments() {
    let (upstream, house) = echoing().await;
    let mut ws = house.session("echo").await;
    ws.send(Frame::text("a").more()).await;
    assert_eq!(ws.recv().await.frame(), Frame::text("a").more());
    ws.send(Frame::ping("are you there")).await;
    assert_eq!(ws.recv().await.frame(), Frame::pong("are you there"));
    ws.send(Frame::pong("unasked")).await;
    ws.send(Frame::continuation("b")).await;
    assert_eq!(ws.recv().await.frame(), Frame::continuation("b"));
    let opcodes: Vec<u8> = upstream.dials()[0]
        .frames
        .iter()
        .map(|it| it.opcode)
        .collect();
    assert_eq!(opcodes, [1, 9, 10, 0]);
}

#[tokio::test]
async fn what_the_upstream_says_at_once_arrives_and_its_ping_is_the_clients_to_answer() {
    let early = [
        Frame::text("welcome").encode(),
        Frame::ping("vendor").encode(),
    ]
    .concat();
    let upstream = Upstream::behaving(Behaviour::Raw(early)).await;
    let house = House::with(&[route("vendor", &upstream, "")]).await;
    let mut ws = house.session("vendor").await;
    assert_eq!(ws.recv().await.frame(), Frame::text("welcome"));
    assert_eq!(ws.recv().await.frame(), Frame::ping("vendor"));
    assert!(
        upstream.dials()[0].frames.is_empty(),
        "the bridge answers for nobody"
    );
    ws.send(Frame::pong("vendor")).await;
    let dials = upstream.until(|dials| !dials[0].frames.is_empty()).await;
    assert_eq!(dials[0].frames[0].payload, b"vendor");
}

#[tokio::test]
async fn what_the_client_says_with_its_handshake_arrives_after_101() {
    let (upstream, house) = echoing().await;
    let token = house.token("echo").await;
    let hasty = Frame::text("hasty").masked(MASK).encode();
    let handshake = at("echo", &token).early(hasty);
    let mut ws = RawWs::connect(house.server.public(), handshake)
        .await
        .unwrap();
    assert_eq!(ws.recv().await.frame(), Frame::text("hasty"));
    let dial = upstream.dials().remove(0);
    assert!(
        dial.head.ends_with("\r\n\r\n"),
        "not one byte too many with the head"
    );
    assert_eq!(dial.frames, [Frame::text("hasty").masked(MASK)]);
}

/// The pong to the bridge's own ping is swallowed; nobody else's is.
#[tokio::test]
async fn the_bridges_own_ping_stays_between_it_and_the_client() {
    let upstream = Upstream::behaving(Behaviour::Echo).await;
    let limits = "limits.ping_interval = \"500ms\"";
    let house = House::with(&[route("echo", &upstream, limits)]).await;
    let mut ws = house.session("echo").await;
    for _ in 0..3 {
        let ping = ws.recv().await.frame();
        assert_eq!(ping.opcode, 9);
        ws.send(Frame::pong(&ping.payload)).await;
        ws.send(Frame::pong("mine")).await;
    }
    ws.echo("after three of them").await;
    let frames = upstream.dials().remove(0).frames;
    let payloads: Vec<&[u8]> = frames.iter().map(|it| it.payload.as_slice()).collect();
    let mine: &[u8] = b"mine";
    assert_eq!(payloads, [mine, mine, mine, b"after three of them"]);
}

const DEFLATE: &str = "permessage-deflate; client_max_window_bits";

/// R09, `pass`: the offer and the answer pass unchanged, and RSV1 with them.
#[tokio::test]
async fn compression_is_between_the_client_and_the_upstream() {
    let upstream = Upstream::builder()
        .extensions("permessage-deflate")
        .start()
        .await;
    let house = House::with(&[route("echo", &upstream, "")]).await;
    let token = house.token("echo").await;
    let handshake = at("echo", &token).extensions(DEFLATE);
    let mut ws = RawWs::connect(house.server.public(), handshake)
        .await
        .unwrap();
    assert_eq!(
        ws.header_values("sec-websocket-extensions"),
        ["permessage-deflate"]
    );
    assert_eq!(
        upstream.dials()[0].header_values("sec-websocket-extensions"),
        [DEFLATE]
    );
    // Whatever it inflates to: the bridge does not look.
    let compressed = Frame::text([0xf2, 0x48, 0xcd, 0xc9, 0xc9, 7, 0]).rsv(4);
    ws.send(compressed.clone()).await;
    assert_eq!(ws.recv().await.frame(), compressed);
    ws.send(Frame::ping("plain").rsv(4)).await;
    assert_eq!(ws.close_code().await, Some(1002), "RSV1 is for data frames");
}

/// R09, `refuse`, and an upstream that declines: RSV1 was not agreed on.
#[tokio::test]
async fn compression_that_was_not_agreed_on_is_a_protocol_error() {
    let refusing = Upstream::behaving(Behaviour::Echo).await;
    let declining = Upstream::behaving(Behaviour::Echo).await;
    let house = House::with(&[
        route("refuse", &refusing, "compression = \"refuse\""),
        route("decline", &declining, ""),
    ])
    .await;
    for (name, upstream) in [("refuse", &refusing), ("decline", &declining)] {
        let token = house.token(name).await;
        let offer = "permessage-deflate; client_max_window_bits=7";
        let handshake = at(name, &token).extensions(offer);
        let mut ws = RawWs::connect(house.server.public(), handshake)
            .await
            .unwrap();
        assert!(ws.header_values("sec-websocket-extensions").is_empty());
        let offered = upstream.dials()[0]
            .header_values("sec-websocket-extensions")
            .len();
        assert_eq!(offered, usize::from(name == "decline"));
        ws.send(Frame::text("bomb").rsv(4)).await;
        assert_eq!(ws.close_code().await, Some(1002), "{name}");
        upstream_told(upstream, Some(1002)).await;
    }
}

#[tokio::test]
async fn the_upstreams_choice_of_a_subprotocol_is_echoed_or_else_the_first_offer() {
    let choosing = Upstream::builder().protocol("chat.v2").start().await;
    let silent = Upstream::behaving(Behaviour::Echo).await;
    let house = House::with(&[
        route("choosing", &choosing, ""),
        route("silent", &silent, ""),
    ])
    .await;
    for (name, upstream, echoed) in [
        ("choosing", &choosing, "chat.v2"),
        ("silent", &silent, "chat.v1"),
    ] {
        let token = house.token(name).await;
        let handshake = at(name, &token).protocols(&["chat.v1", "chat.v2"]);
        let ws = RawWs::connect(house.server.public(), handshake)
            .await
            .unwrap();
        assert_eq!(ws.protocol(), Some(echoed));
        let dial = upstream.dials().remove(0);
        assert_eq!(
            dial.header_values("sec-websocket-protocol"),
            ["chat.v1, chat.v2"]
        );
    }
    let ws = house.session("silent").await;
    assert_eq!(ws.protocol(), None, "none offered, none echoed");
}

/// B32, for what is wanted: it comes back and is logged; nothing else is.
#[tokio::test]
async fn response_headers_on_the_list_come_back_and_no_others() {
    let upstream = Upstream::builder()
        .answer("X-Tt-Logid", "20261121-0001")
        .answer("Set-Cookie", "vendor=1")
        .answer("Server", "vendor/9")
        .start()
        .await;
    let keep = "keep_response_headers = [\"X-Tt-Logid\"]";
    let house = House::with(&[route("vendor", &upstream, keep)]).await;
    let token = house.token("vendor").await;
    let handshake = at("vendor", &token).keeps("x-tt-logid");
    // That nothing else is there, the judge of every answer sees.
    let ws = RawWs::connect(house.server.public(), handshake)
        .await
        .unwrap();
    assert_eq!(ws.header_values("x-tt-logid"), ["20261121-0001"]);
    let opened = house.logged("session.opened", |_| true).await;
    let logged = opened["upstream_request_id"].as_str().unwrap();
    assert!(logged.contains("20261121-0001"), "{logged}");
}

/// R08, short: pings of one session do not disturb another.
#[tokio::test]
async fn a_storm_of_pings_leaves_others_alone() {
    let (_upstream, house) = echoing().await;
    let mut stormy = house.session("echo").await;
    let mut calm = house.session("echo").await;
    let storm = Frame::ping("storm").masked(MASK).encode().repeat(5_000);
    stormy.send_raw(&storm).await;
    calm.echo("unharmed").await;
    for _ in 0..5_000 {
        assert_eq!(stormy.recv().await.frame(), Frame::pong("storm"));
    }
    let counted = until(async || {
        let sessions = house.sessions().await;
        (sessions.len() == 2).then_some(sessions)
    })
    .await;
    assert!(
        counted.iter().any(|row| row["messages_up"] == 1),
        "{counted:?}"
    );
}
