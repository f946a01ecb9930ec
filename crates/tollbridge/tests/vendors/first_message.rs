//! Clients whose token is in their first message: let in before anybody knows them, and judged
//! before anything else happens.

use serde_json::{Value, json};
use tollbridge_testkit::{
    Event, Frame, Handshake, LengthForm, RawWs, Upstream,
    vendors::{HomeAssistant, Soniox},
};

use crate::stage::{House, OTHER_PAGE, PAGE, Plan, heard, leave, say, slug};

const KEY: &str = "real-first-message-key-3b";

/// Who is behind a route.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
enum Kind {
    Soniox,
    Home,
}

const BOTH: [Kind; 2] = [Kind::Soniox, Kind::Home];

struct Scene {
    kind: Kind,
    house: House,
    upstream: Upstream,
}

impl Kind {
    const fn path(self) -> &'static str {
        match self {
            Self::Soniox => "/transcribe-websocket",
            Self::Home => "/api/websocket",
        }
    }

    /// What its client says first.
    fn first(self, token: &str) -> Value {
        match self {
            Self::Soniox => {
                json!({"api_key": token, "model": "stt-rt-preview", "audio_format": "auto"})
            }
            Self::Home => json!({"type": "auth", "access_token": token}),
        }
    }

    async fn scene(self, more: &str) -> Scene {
        let (preset, upstream) = match self {
            Self::Soniox => ("soniox", Upstream::behaving(Soniox::new(KEY)).await),
            Self::Home => (
                "home-assistant",
                Upstream::behaving(HomeAssistant::new(KEY)).await,
            ),
        };
        let lines = format!(
            "preset = \"{preset}\"\nupstream = \"{}{}\"\n{more}",
            upstream.url(),
            self.path()
        );
        let plan = Plan::default().env("SONIOX_API_KEY", KEY);
        let plan = plan.env("HOME_ASSISTANT_TOKEN", KEY).route("voice", &lines);
        let plan = plan.route("other", "upstream = \"ws://127.0.0.1:9\"\n");
        Scene {
            kind: self,
            house: plan.start().await,
            upstream,
        }
    }
}

impl Scene {
    /// A stranger who is let in, and greeted where its vendor does so.
    async fn stranger(&self) -> RawWs {
        self.stranger_with(Handshake::to(self.kind.path()).origin(PAGE))
            .await
    }

    async fn stranger_with(&self, handshake: Handshake) -> RawWs {
        let mut ws = self.house.open(handshake).await;
        if self.kind == Kind::Home {
            assert_eq!(heard(&mut ws).await["type"], "auth_required");
        }
        ws
    }

    /// A session that works, to its end: the token was good until now.
    async fn works(&self, mut ws: RawWs) {
        match self.kind {
            Kind::Soniox => {
                ws.send(Frame::binary(vec![0; 48_000])).await;
                let answer = heard(&mut ws).await;
                assert!(
                    answer["tokens"].is_array() && answer["error_code"].is_null(),
                    "{answer}"
                );
            }
            Kind::Home => {
                assert_eq!(heard(&mut ws).await["type"], "auth_ok");
                say(&mut ws, &json!({"id": 1, "type": "ping"})).await;
                assert_eq!(heard(&mut ws).await, json!({"id": 1, "type": "pong"}));
            }
        }
        leave(ws).await;
    }

    /// What is refused has dialled nobody and spent nothing.
    async fn nothing_happened(&self, token: &str, what: &str) {
        assert_eq!(self.upstream.connections(), 0, "{:?}: {what}", self.kind);
        self.redeem(token).await;
    }

    async fn redeem(&self, token: &str) {
        let mut ws = self.stranger().await;
        say(&mut ws, &self.kind.first(token)).await;
        self.works(ws).await;
    }

    async fn told(&self, mut ws: RawWs) -> (u16, String) {
        slug(ws.close_parts().await)
    }
}

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
async fn a_token_that_is_not_good_is_a_close_after_the_upgrade() {
    for kind in BOTH {
        let scene = kind.scene("").await;
        let token = scene.house.mint("voice").await;
        let other = scene.house.mint("other").await;
        let bound = json!({"route": "voice", "origin": OTHER_PAGE});
        let bound = scene.house.mint_with(&bound).await;
        let mut forged = token.clone();
        forged.pop();
        let wrong: [(&str, &str, u16, &str); 6] = [
            ("garbage", "not-a-token", 4401, "token_invalid"),
            ("nothing", "", 4401, "token_invalid"),
            ("long", &"x".repeat(5_000), 4401, "token_invalid"),
            ("forged", &forged, 4401, "token_invalid"),
            ("for another route", &other, 4403, "route_not_allowed"),
            ("for another page", &bound, 4403, "origin_not_allowed"),
        ];
        for (what, text, code, name) in wrong {
            let mut ws = scene.stranger().await;
            say(&mut ws, &kind.first(text)).await;
            let told = scene.told(ws).await;
            assert_eq!((told.0, told.1.as_str()), (code, name), "{kind:?}: {what}");
        }
        scene
            .nothing_happened(&token, "tokens that are not good")
            .await;
        // Used by now.
        let before = scene.upstream.connections();
        let mut ws = scene.stranger().await;
        say(&mut ws, &kind.first(&token)).await;
        assert_eq!(scene.told(ws).await, (4409, "token_used".to_owned()));
        assert_eq!(scene.upstream.connections(), before);
        scene.house.end().await;
    }
}

#[tokio::test]
async fn what_is_no_first_message_is_a_close() {
    for kind in BOTH {
        let scene = kind.scene("").await;
        let token = scene.house.mint("voice").await;
        let first = kind.first(&token).to_string();
        let nested = json!({"a": kind.first(&token)}).to_string();
        let number = first.replace(&format!("\"{token}\""), "7");
        let array = format!("[{first}]");
        let twice = format!("{first}{first}");
        let missing = |frame| (frame, 4401, "token_missing");
        let wrong = [
            missing(Frame::text("{}")),
            missing(Frame::text("")),
            missing(Frame::text("not JSON")),
            missing(Frame::text([0xff, 0xfe])),
            missing(Frame::text(&token)),
            missing(Frame::text(&array)),
            missing(Frame::text(&nested)),
            missing(Frame::text(&number)),
            missing(Frame::text(&twice)),
            missing(Frame::binary(&first)),
            (Frame::text(&first).rsv(4), 1002, "protocol_error"),
            (Frame::continuation(&first), 1002, "protocol_error"),
            (Frame::new(3, &first), 1002, "protocol_error"),
            (Frame::text(" ".repeat(70_000)), 1009, "message_too_big"),
        ];
        for (frame, code, name) in wrong {
            let what = format!("{frame:?}");
            let mut ws = scene.stranger().await;
            let bytes = frame.masked([1, 2, 3, 4]).encode();
            // Refused by its header, before all of it was read.
            let _early = ws.try_send_raw(&bytes).await;
            let told = scene.told(ws).await;
            assert_eq!((told.0, told.1.as_str()), (code, name), "{kind:?}: {what}");
        }
        let mut ws = scene.stranger().await;
        ws.send_raw(&Frame::text(&first).encode()).await;
        assert_eq!(scene.told(ws).await, (1002, "protocol_error".to_owned()));
        scene
            .nothing_happened(&token, "messages that are none")
            .await;
        scene.house.end().await;
    }
}

/// Judged when its header is there: not a byte of the rest is waited for.
#[tokio::test]
async fn a_message_that_says_it_is_too_long_is_believed() {
    for kind in BOTH {
        let scene = kind.scene("carriers.message.max = \"1KiB\"\n").await;
        let token = scene.house.mint("voice").await;
        for declared in [1_025, 65_536, u64::from(u32::MAX), u64::MAX >> 1] {
            let mut ws = scene.stranger().await;
            let frame = Frame::text("").masked([1, 2, 3, 4]);
            ws.send_frame(&frame, Some(declared), LengthForm::Minimal)
                .await;
            assert_eq!(scene.told(ws).await, (1009, "message_too_big".to_owned()));
        }
        let mut ws = scene.stranger().await;
        ws.send(Frame::text(" ".repeat(600)).more()).await;
        ws.send(Frame::continuation(" ".repeat(600))).await;
        assert_eq!(scene.told(ws).await, (1009, "message_too_big".to_owned()));
        scene.nothing_happened(&token, "too long").await;
        scene.house.end().await;
    }
}

#[tokio::test]
async fn who_is_late_is_sent_away() {
    for kind in BOTH {
        let scene = kind.scene("carriers.message.timeout = \"1s\"\n").await;
        let token = scene.house.mint("voice").await;
        let silent = scene.stranger().await;
        let mut pinging = scene.stranger().await;
        pinging.send(Frame::ping("are you there?")).await;
        let mut halfway = scene.stranger().await;
        halfway.send(Frame::text("{\"api").more()).await;
        let whole = Frame::text(kind.first(&token).to_string());
        let mut slow = scene.stranger().await;
        let bytes = whole.masked([1, 2, 3, 4]).encode();
        slow.send_raw(&bytes[..bytes.len() - 1]).await;
        for ws in [silent, pinging, halfway, slow] {
            assert_eq!(
                scene.told(ws).await,
                (4401, "token_missing".to_owned()),
                "{kind:?}"
            );
        }
        scene.nothing_happened(&token, "too late").await;
        let late = |line: &Value| line["reason"].to_string().contains("did not come in time");
        scene.house.logged("upgrade.denied", late).await;
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
    assert_eq!(closing[0].close_parts(), Some((1000, String::new())));
    let left = |line: &Value| line["initiator"] == "client" && line["reason"] == "";
    scene.house.logged("session.closed", left).await;
    scene.upstream.ended(3).await;
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
