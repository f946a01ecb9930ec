//! First messages that open nothing: each is a close of its own, nobody is dialled and no use spent.

use std::time::Duration;

use serde_json::{Value, json};
use tokio::time::{sleep, timeout};
use tollbridge_testkit::{Frame, Handshake, LengthForm};

use crate::{
    stage::{OTHER_PAGE, PAGE, PATIENCE, leave, say},
    strangers::{BOTH, Kind},
};

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

/// So many strangers of one address wait, and no more: the next is told by status, before anything
/// is kept of it.
#[tokio::test]
async fn a_crowd_of_strangers_is_bounded() {
    const MOST: usize = 100;
    let scene = Kind::Soniox
        .scene("carriers.message.timeout = \"60s\"\n")
        .await;
    let token = scene.house.mint("voice").await;
    let mut waiting = Vec::new();
    while waiting.len() < MOST {
        waiting.push(scene.stranger().await);
    }
    let one_more = Handshake::to(Kind::Soniox.path()).origin(PAGE);
    let told = scene.house.verdict(one_more).await;
    assert_eq!(told, (503, "overloaded".to_owned()));
    // Who brings a token elsewhere does not wait in that crowd, and who leaves makes room.
    let path = format!("{}?token={token}", Kind::Soniox.path());
    leave(scene.house.open(Handshake::to(&path)).await).await;
    leave(waiting.pop().unwrap()).await;
    // Its place is free a moment after its connection has ended.
    let next = || Handshake::to(Kind::Soniox.path()).origin(PAGE);
    let entering = async {
        loop {
            if let Ok(ws) = scene.house.try_open(next()).await {
                return ws;
            }
            sleep(Duration::from_millis(20)).await;
        }
    };
    leave(timeout(PATIENCE, entering).await.unwrap()).await;
    scene.house.end().await;
}
