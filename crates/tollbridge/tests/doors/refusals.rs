//! In which form a bearer is refused, and what the polite form costs.

use tokio::task::JoinSet;
use tollbridge_testkit::{Frame, Handshake, RawWs};

use crate::{
    plan::PAGE,
    scenes::echo_with,
    stage::{Stage, echo, knock},
};

/// A handshake of a genuine token that is spent already.
async fn spent(stage: &Stage) -> Handshake {
    let token = stage.forge.token("voice");
    let ws = stage.open(knock("voice", &token).origin(PAGE)).await;
    ws.close(1000).await;
    knock("voice", &token)
}

#[tokio::test]
async fn a_route_may_refuse_by_http_only() {
    let (stage, _upstream) = echo_with("refuse", r#""http""#).await;
    let handshake = spent(&stage).await;
    for handshake in [handshake.clone(), handshake.origin(PAGE)] {
        let (status, code) = stage.verdict(handshake).await;
        assert_eq!((status, code.as_str()), (409, "token_used"));
    }
    stage.end().await;
}

#[tokio::test]
async fn a_route_may_refuse_by_close_only() {
    let (stage, _upstream) = echo_with("refuse", r#""close""#).await;
    let handshake = spent(&stage).await;
    for handshake in [handshake.clone(), handshake.origin(PAGE)] {
        let told = stage.closed(handshake).await;
        assert_eq!(told, (4409, "tb:token_used".to_owned()));
    }
    stage.end().await;
}

/// Whatever the route says: nobody without a token of ours learns that it exists.
#[tokio::test]
async fn strangers_are_refused_by_http_always() {
    for refuse in ["auto", "http", "close"] {
        let (stage, _upstream) = echo_with("refuse", &format!("{refuse:?}")).await;
        let token = stage.forge.token("voice");
        let bent = format!("{}A", &token[..token.len() - 8]);
        for (handshake, status) in [
            (Handshake::to("/v1/bridge/voice"), 401),
            (knock("voice", "x"), 401),
            (knock("voice", &bent), 401),
            (knock("vioce", &token), 404),
            (
                Handshake::to(&format!("/v1/bridge/voice?token={token}&token={token}")),
                400,
            ),
        ] {
            for handshake in [handshake.clone(), handshake.origin(PAGE)] {
                assert_eq!(stage.refused(handshake).await.status, status, "{refuse}");
            }
        }
        stage.end().await;
    }
}

/// Browsers fail a connection whose offer of subprotocols is not answered, and then show 1006.
#[tokio::test]
async fn a_refusal_by_close_echoes_a_subprotocol() {
    let (stage, _upstream) = echo().await;
    let handshake = spent(&stage).await.origin(PAGE);
    let mut ws = stage.open(handshake.clone().protocols(&["b", "a"])).await;
    assert_eq!(ws.protocol(), Some("b"));
    assert_eq!(ws.close_code().await, Some(4409));
    let mut ws = stage.open(handshake.extensions("permessage-deflate")).await;
    assert_eq!(ws.protocol(), None);
    assert!(ws.header_values("sec-websocket-extensions").is_empty());
    assert_eq!(ws.close_code().await, Some(4409));
    stage.end().await;
}

/// It has no session, so it takes no session's place, and what it says goes nowhere.
#[tokio::test]
async fn a_refusal_by_close_takes_no_session_slot() {
    let (stage, upstream) = echo_with("limits.sessions", "1").await;
    let handshake = spent(&stage).await.origin(PAGE);
    stage.until_empty().await;
    let mut refused = Vec::new();
    for _ in 0..3 {
        let mut ws = stage.open(handshake.clone()).await;
        ws.send(Frame::text("hello?")).await;
        refused.push(ws);
    }
    stage.redeem("voice", &stage.forge.token("voice")).await;
    for mut ws in refused {
        assert_eq!(
            ws.close_parts().await,
            Some((4409, "tb:token_used".to_owned()))
        );
    }
    assert_eq!(upstream.connections(), 2);
    stage.end().await;
}

/// Contract, section 4: beyond 100 at once they are told by HTTP, and only for as long.
#[tokio::test(flavor = "multi_thread")]
async fn more_than_100_refusals_by_close_at_once_become_http() {
    let (stage, upstream) = echo().await;
    let handshake = spent(&stage).await.origin(PAGE);
    let to = stage.server.public();
    let mut knocking = JoinSet::new();
    for _ in 0..400 {
        let handshake = handshake.clone();
        knocking.spawn(RawWs::connect(to, handshake));
    }
    // None of them answers its close frame, so each stays until the server has had enough.
    let (mut by_close, mut by_http) = (Vec::new(), 0);
    for told in knocking.join_all().await {
        match told {
            Ok(ws) => by_close.push(ws),
            Err(refused) => {
                assert_eq!(
                    (refused.status, refused.code().as_str()),
                    (409, "token_used")
                );
                by_http += 1;
            }
        }
    }
    assert!(
        by_close.len() >= 100 && by_http > 0,
        "{} and {by_http}",
        by_close.len()
    );
    for mut ws in by_close {
        assert_eq!(ws.close_code().await, Some(4409));
        assert_eq!(ws.recv().await, tollbridge_testkit::Event::Eof);
    }
    assert_eq!(stage.closed(handshake).await.0, 4409);
    assert_eq!(upstream.connections(), 1);
    stage.end().await;
}
