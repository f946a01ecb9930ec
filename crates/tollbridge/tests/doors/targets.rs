//! Where a bearer can make the bridge dial: where the operator has said.

use serde_json::json;
use tollbridge_testkit::{Handshake, Upstream};

use crate::{
    plan::{CANARY, Plan},
    stage::{Stage, echoing, knock, percent_encoded},
};

/// A template with a hole in its path and one in its query, and a credential in its query.
async fn with_holes() -> (Stage, Upstream) {
    let upstream = echoing().await;
    let address = format!(
        "{}/v1/{{agent}}/stream?api-version=1&model={{model}}",
        upstream.url()
    );
    let plan = Plan::new()
        .route("voice", &address)
        .set(
            "routes.voice.params.agent",
            r#"{ pattern = "[a-z0-9]{1,8}" }"#,
        )
        .set(
            "routes.voice.params.model",
            r#"{ default = "small", allow = ["small", "large"] }"#,
        )
        .set("routes.voice.query_allow", r#"["client-request-id"]"#)
        .set("routes.voice.credentials.query.api-key", r#""env:CANARY""#);
    (plan.start().await, upstream)
}

const EVIL: &[&str] = &[
    "evil.example#",
    "@evil.example",
    "127.0.0.1",
    "169.254.169.254",
    "[::ffff:127.0.0.1]",
    "0x7f.1",
    "localhost",
    "../../admin",
    "%2e%2e",
    "a/b",
    "a\\b",
    "a?api-key=x",
    "a&api-key=x",
    "a;b",
    "//evil.example/",
    "a\0b",
];

/// B30. A host has no holes, so names that resolve to loopback and rebinding are out of a bearer's
/// reach: what is left is to show that a value stays in its hole, even in a token that our own key
/// has signed and no policy has seen.
#[tokio::test]
async fn a_value_stays_in_its_hole() {
    let (stage, upstream) = with_holes().await;
    for evil in EVIL {
        let params = json!({"agent": evil});
        let refused = stage
            .ask(&json!({"route": "voice", "params": params}))
            .await;
        assert_eq!(refused.status, 422, "{evil}");
        let params = json!({"agent": evil, "model": evil});
        let token = stage.forge.token_with("voice", json!({"params": params}));
        stage.open(knock("voice", &token)).await.close(1000).await;
    }
    let dials = upstream.dials();
    assert_eq!(dials.len(), EVIL.len());
    for (dial, evil) in dials.iter().zip(EVIL) {
        let path = format!("/v1/{}/stream", percent_encoded(evil));
        assert_eq!(dial.path, path, "{evil}");
        assert_eq!(dial.query.len(), 3, "{evil}");
        assert_eq!(dial.query_values("model"), [*evil]);
        assert_eq!(dial.query_values("api-key"), [CANARY]);
        let host = upstream.addr().to_string();
        assert_eq!(dial.header_values("host"), [host.as_str()]);
    }
    for dots in [".", "..", ""] {
        let params = json!({"agent": dots, "model": "small"});
        let token = stage.forge.token_with("voice", json!({"params": params}));
        let (status, code) = stage.verdict(knock("voice", &token)).await;
        assert_eq!((status, code.as_str()), (500, "internal"), "{dots:?}");
    }
    assert_eq!(upstream.connections(), EVIL.len());
    stage.end().await;
}

/// B30, A03: a template that would let a token choose the host is refused at the start.
#[tokio::test]
async fn a_host_has_no_holes() {
    for address in [
        "ws://{host}/",
        "ws://{host}.example.com/",
        "ws://example.com:{port}/",
        "{url}",
        "http://a/",
        "file:///etc/passwd",
    ] {
        let stopped = Plan::new().route("voice", address).refused().await;
        assert_eq!(stopped.status.code(), Some(3), "{address}");
        assert!(
            stopped.stderr.contains("routes.voice"),
            "{}",
            stopped.stderr
        );
    }
}

/// B31. The operator's own `api-key` and `model` win, whatever the case; a name that may pass
/// passes once.
#[tokio::test]
async fn of_the_clients_query_only_listed_names_pass_and_none_replaces_ours() {
    let (stage, upstream) = with_holes().await;
    let token = || {
        let params = json!({"agent": "a", "model": "small"});
        stage.forge.token_with("voice", json!({"params": params}))
    };
    let knock = |query: &str| Handshake::to(&format!("/v1/bridge/voice?{query}&token={}", token()));
    for query in [
        "api-key=stolen",
        "%61pi-key=stolen",
        "API-KEY=stolen",
        "api-key;x=stolen",
        "model=large",
        "Model=large",
        "api-version=2",
        "foundry-resource-override=evil",
        "agent_id=evil&region=evil",
        "api-key%26model=large",
        "client-request-id=a%26api-key%3Dstolen%26model=large",
        "client-request-id=a%23b",
    ] {
        stage.open(knock(query)).await.close(1000).await;
        let dial = upstream.dials().pop().unwrap();
        assert_eq!(dial.query_values("api-key"), [CANARY], "{query}");
        assert_eq!(dial.query_values("model"), ["small"], "{query}");
        assert_eq!(dial.query_values("api-version"), ["1"], "{query}");
        let passed = usize::from(query.starts_with("client-request-id"));
        assert_eq!(dial.query.len(), 3 + passed, "{query}: {:?}", dial.query);
    }
    let before = upstream.connections();
    let (status, code) = stage
        .verdict(knock("client-request-id=a&client%2Drequest-id=b"))
        .await;
    assert_eq!((status, code.as_str()), (400, "bad_request"));
    assert_eq!(upstream.connections(), before);
    stage.end().await;
}

/// B31: a list that would let a bearer replace what the operator has set is refused at the start.
#[tokio::test]
async fn a_name_that_the_operator_has_set_cannot_be_allowed() {
    for allowed in ["model", "api-key"] {
        let plan = Plan::new()
            .route("voice", "ws://upstream.example/?model=small")
            .set("routes.voice.credentials.query.api-key", r#""env:CANARY""#)
            .set("routes.voice.query_allow", &format!("[{allowed:?}]"));
        let stopped = plan.refused().await;
        assert_eq!(stopped.status.code(), Some(3), "{allowed}");
        assert!(stopped.stderr.contains("query_allow"), "{}", stopped.stderr);
    }
}
