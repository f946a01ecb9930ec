//! B24: a path is looked up as it came, and leads to one route or nowhere.

use tollbridge_testkit::{Handshake, get, post_json};

use crate::{
    plan::Plan,
    stage::{echoing, knock},
};

#[tokio::test]
async fn a_path_leads_to_its_route_or_nowhere() {
    let upstream = echoing().await;
    let plan = Plan::new()
        .route("voice", &upstream.url())
        .set("routes.voice.paths", r#"["/voice-live/realtime"]"#);
    let stage = plan.start().await;
    let token = stage.forge.token("voice");
    for (path, code) in [
        ("//v1/bridge/voice", "not_found"),
        ("/v1//bridge/voice", "not_found"),
        ("/V1/bridge/voice", "not_found"),
        ("/v1/bridge", "not_found"),
        ("/v1/bridge/", "unknown_route"),
        ("/v1/bridge//voice", "unknown_route"),
        ("/v1/bridge/voice/", "unknown_route"),
        ("/v1/bridge/voice/x", "unknown_route"),
        ("/v1/bridge/./voice", "unknown_route"),
        ("/v1/bridge/x/../voice", "unknown_route"),
        ("/v1/bridge/voice/../admin", "unknown_route"),
        ("/v1/bridge/../../admin/v1/sessions", "unknown_route"),
        ("/v1/bridge/%2e%2e/voice", "unknown_route"),
        ("/v1/bridge/voice;x", "unknown_route"),
        ("/v1/bridge/voice%20", "unknown_route"),
        ("/v1/bridge/voice%00", "unknown_route"),
        ("/v1/bridge/voic%65", "unknown_route"),
        ("/v1/bridge/VOICE", "unknown_route"),
        ("/v1%2fbridge/voice", "not_found"),
        ("/voice-live/realtime/", "not_found"),
        ("/voice-live/real%74ime", "not_found"),
        ("/", "not_found"),
    ] {
        let handshake = Handshake::to(&format!("{path}?token={token}"));
        let (status, told) = stage.verdict(handshake).await;
        assert_eq!((status, told.as_str()), (404, code), "{path}");
    }
    assert_eq!(upstream.connections(), 0);
    // One vendor's SDK doubles the slash of a literal path.
    let handshake = Handshake::to(&format!("//voice-live//realtime?token={token}"));
    stage.open(handshake).await.close(1000).await;
    stage.end().await;
}

/// The absolute form and a strange `Host` change nothing where no route has `hosts`.
#[tokio::test]
async fn a_host_leads_nowhere() {
    let upstream = echoing().await;
    let plan = Plan::new()
        .route("voice", &upstream.url())
        .set("routes.voice.paths", r#"["/realtime"]"#);
    let stage = plan.start().await;
    for (target, host) in [
        ("http://evil.example/v1/bridge/voice", "evil.example"),
        ("/v1/bridge/voice", "evil.example"),
        ("/v1/bridge/voice", "127.0.0.1:9090"),
        ("/realtime", "evil.example"),
    ] {
        let token = stage.forge.token("voice");
        let handshake = Handshake::to(&format!("{target}?token={token}"));
        stage
            .open(handshake.instead("Host", host))
            .await
            .close(1000)
            .await;
    }
    for host in ["evil/?", "a b", "evil\\@", "[::1"] {
        let token = stage.forge.token("voice");
        let handshake = knock("voice", &token).instead("Host", host);
        match stage.try_open(handshake).await {
            // A host that is no host may be refused; if it is not, nobody has read it.
            Err(refused) => assert_eq!(refused.status, 400, "{host}"),
            Ok(ws) => ws.close(1000).await,
        }
    }
    let dials = upstream.dials();
    let ours = upstream.addr().to_string();
    assert!(
        dials
            .iter()
            .all(|dial| dial.header_values("host") == [ours.as_str()])
    );
    stage.end().await;
}

/// A01, as far as the public door is concerned.
#[tokio::test]
async fn the_admin_api_is_not_behind_the_public_door() {
    let upstream = echoing().await;
    let stage = Plan::new().route("voice", &upstream.url()).start().await;
    let key = format!("Bearer {}", stage.api_key);
    for path in [
        "/admin/v1/sessions",
        "/admin/v1/keys",
        "/metrics",
        "/console",
        "/startupz",
    ] {
        let answer = get(stage.server.public(), path, &[("authorization", &key)]).await;
        assert_eq!(
            (answer.status, answer.code().as_str()),
            (404, "not_found"),
            "{path}"
        );
    }
    stage.end().await;
}

/// Contract, section 2.
#[tokio::test]
async fn socket_io_is_told_that_it_is_another_protocol() {
    let upstream = echoing().await;
    let stage = Plan::new().route("voice", &upstream.url()).start().await;
    for path in [
        "/socket.io/?EIO=4&transport=websocket",
        "/v1/bridge/socket.io/?EIO=4",
    ] {
        let answer = get(stage.server.public(), path, &[]).await;
        assert_eq!(answer.status, 400, "{path}");
        assert!(
            answer.text().contains("Socket.IO is its own protocol"),
            "{path}"
        );
    }
    stage.end().await;
}

/// A proxy in front that guards `/v1/tokens` compares what came. Another spelling must not mint.
#[tokio::test]
async fn the_mint_has_one_spelling() {
    let upstream = echoing().await;
    let stage = Plan::new().route("voice", &upstream.url()).start().await;
    let bearer = format!("Bearer {}", stage.api_key);
    let body = serde_json::json!({ "route": "voice" });
    for (path, status) in [
        ("/v1/tokens", 201),
        ("/v1/%74okens", 404),
        ("/%761/tokens", 404),
        ("/v1%2Ftokens", 404),
        ("/v1/tokens%20", 404),
        ("/v1/tokens/", 404),
        ("//v1/tokens", 404),
        ("/v1/./tokens", 404),
        ("/v1/x/../tokens", 404),
        ("/V1/tokens", 404),
        ("/v1/tokens;x", 404),
        ("/v1/realtime/client%5fsecrets", 404),
    ] {
        let headers = [("authorization", bearer.as_str())];
        let told = post_json(stage.server.public(), path, &headers, &body).await;
        assert_eq!(told.status, status, "{path}: {told:?}");
    }
    let jwks = get(stage.server.public(), "/.well-known/jwks%2ejson", &[]).await;
    assert_eq!(jwks.status, 404);
    stage.end().await;
}
