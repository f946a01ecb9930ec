//! A token opens as many sessions as it says, and nothing else takes a use.

use serde_json::json;
use tollbridge_testkit::{get, http};

use crate::{
    plan::PAGE,
    scenes::echo_with,
    stage::{by_target, echo, knock},
};

/// B15
#[tokio::test]
async fn a_token_opens_one_session() {
    let (stage, upstream) = echo().await;
    let token = stage.mint(&json!({"route": "voice"})).await;
    let mut ws = stage.open(knock("voice", &token)).await;
    let used = (409, "token_used".to_owned());
    assert_eq!(
        stage.verdict(knock("voice", &token)).await,
        used,
        "while it is open"
    );
    let told = stage.closed(knock("voice", &token).origin(PAGE)).await;
    assert_eq!(told, (4409, "tb:token_used".to_owned()));
    ws.echo("still there").await;
    ws.close(1000).await;
    assert_eq!(
        stage.verdict(knock("voice", &token)).await,
        used,
        "after it was closed"
    );
    assert_eq!(upstream.connections(), 1);
    stage.end().await;
}

#[tokio::test]
async fn a_token_of_three_uses_opens_three_sessions() {
    let (stage, upstream) = echo_with("max_uses", "3").await;
    let token = stage.mint(&json!({"route": "voice", "uses": 3})).await;
    for _ in 0..3 {
        stage.redeem("voice", &token).await;
    }
    let (status, code) = stage.verdict(knock("voice", &token)).await;
    assert_eq!((status, code.as_str()), (409, "token_used"));
    assert_eq!(upstream.connections(), 3);
    stage.end().await;
}

/// B17: scanners, prefetchers and previews leave a token as it was, and the wrong page too.
#[tokio::test]
async fn only_a_handshake_from_an_allowed_page_takes_a_use() {
    let (stage, upstream) = echo().await;
    let token = stage.forge.token("voice");
    let target = format!("/v1/bridge/voice?token={token}");
    let to = stage.server.public();
    for _ in 0..3 {
        assert_eq!(get(to, &target, &[]).await.status, 426);
        for method in ["HEAD", "OPTIONS", "POST", "PROPFIND"] {
            let answer =
                stage.until_closed(format!("{method} {target} HTTP/1.1\r\nhost: a\r\n\r\n"));
            assert!(answer.await.starts_with("HTTP/1.1 405 "), "{method}");
        }
        let elsewhere = knock("voice", &token).origin("https://evil.example");
        assert_eq!(stage.closed(elsewhere).await.0, 4403);
        assert_eq!(stage.verdict(knock("other", &token)).await.0, 404);
    }
    assert_eq!(upstream.connections(), 0);
    stage.redeem("voice", &token).await;
    stage.end().await;
}

/// Contract, section 2: without `Upgrade` the bearer of a genuine token reads what would happen,
/// strangers the plain reason, and only the route's pages may read it.
#[tokio::test]
async fn a_plain_request_is_told_what_a_handshake_would_be_told() {
    let (stage, _upstream) = echo().await;
    let to = stage.server.public();
    let used = stage.forge.token("voice");
    stage.redeem("voice", &used).await;
    for (query, reason) in [
        (format!("?token={}", stage.forge.token("voice")), None),
        (format!("?token={used}"), Some("token_used")),
        (
            format!("?token={}", stage.forge.token("other")),
            Some("route_not_allowed"),
        ),
        ("?token=x".to_owned(), Some("token_invalid")),
        (String::new(), Some("token_missing")),
        ("?token=x&token=x".to_owned(), Some("bad_request")),
    ] {
        let answer = get(to, &format!("/v1/bridge/voice{query}"), &[]).await;
        assert_eq!(
            (answer.status, answer.code().as_str()),
            (426, "upgrade_required")
        );
        assert_eq!(answer.header("upgrade"), Some("websocket"));
        assert_eq!(answer.json()["reason"].as_str(), reason, "{query}");
        assert_eq!(answer.header("access-control-allow-origin"), None);
    }
    for (origin, readable) in [
        (PAGE, Some(PAGE)),
        ("https://evil.example", None),
        ("null", None),
    ] {
        let answer = get(to, "/v1/bridge/voice", &[("origin", origin)]).await;
        assert_eq!(answer.header("access-control-allow-origin"), readable);
        assert_eq!(answer.header("access-control-allow-credentials"), None);
    }
    let unknown = http(to, "GET /v1/bridge/vioce HTTP/1.1\r\nhost: a\r\n\r\n").await;
    assert_eq!(
        (unknown.status, unknown.code().as_str()),
        (404, "unknown_route")
    );
    stage.end().await;
}

/// Contract, section 2: refusals of genuine tokens are in the audit, those of strangers are not.
#[tokio::test]
async fn a_refusal_of_a_genuine_token_is_noted() {
    let (stage, _upstream) = echo().await;
    let jti = "a-token-that-is-known-by-name";
    let token = stage.forge.token_with("voice", json!({"jti": jti}));
    stage.redeem("voice", &token).await;
    stage.refused(knock("voice", &token)).await;
    stage.is_no_token("a stranger", "x").await;
    let audit = stage.end().await;
    let opened = &by_target(&audit, "session.opened")[jti];
    assert_eq!(
        (opened.who.as_str(), opened.from.as_str()),
        ("alice", "127.0.0.1")
    );
    let denied = by_target(&audit, "upgrade.denied");
    assert_eq!(
        (denied.len(), denied[jti].result.as_str()),
        (1, "token_used")
    );
    assert!(by_target(&audit, "session.closed").contains_key(jti));
}
