//! A use is given back where no byte of the handshake reached the upstream, three times a token.

use std::fs;

use serde_json::json;
use tollbridge_testkit::{Authority, Behaviour, Identity, Upstream};

use crate::{
    plan::Plan,
    scenes::{nobody, refusing, silent},
    stage::{Stage, echoing, knock},
};

async fn told(stage: &Stage, token: &str) -> String {
    stage.verdict(knock("voice", token)).await.1
}

#[tokio::test]
async fn a_token_whose_upstream_is_unreachable_works_again_three_times_and_no_more() {
    let (stage, _socket, _) = nobody().await;
    let token = stage.forge.token("voice");
    for time in 1..=4 {
        assert_eq!(
            told(&stage, &token).await,
            "upstream_unavailable",
            "time {time}"
        );
    }
    assert_eq!(told(&stage, &token).await, "token_used");
    stage.end().await;
}

#[tokio::test]
async fn a_use_that_was_given_back_opens_one_session() {
    let (stage, _socket, dead) = nobody().await;
    let upstream = echoing().await;
    let token = stage.forge.token("voice");
    for _ in 0..3 {
        assert_eq!(told(&stage, &token).await, "upstream_unavailable");
    }
    let path = stage.server.dir().join("tollbridge.toml");
    let config = fs::read_to_string(path).unwrap();
    let healed = config.replace(&dead.to_string(), &upstream.addr().to_string());
    stage.server.rewrite_config(&healed);
    stage.operate("POST", "reload", &json!({})).await;
    stage.redeem("voice", &token).await;
    assert_eq!(told(&stage, &token).await, "token_used");
    stage.end().await;
}

/// TLS that fails is an upstream that was not reached: the request is written after it.
#[tokio::test]
async fn a_use_is_given_back_where_tls_fails() {
    let upstream = Upstream::builder().tls(Identity::self_signed("localhost"));
    let upstream = upstream.start().await;
    let stage = Plan::new().route("voice", &upstream.url()).start().await;
    let token = stage.forge.token("voice");
    for time in 1..=4 {
        assert_eq!(
            told(&stage, &token).await,
            "upstream_unavailable",
            "time {time}"
        );
    }
    assert_eq!(told(&stage, &token).await, "token_used");
    assert!(upstream.dials().is_empty());
    stage.end().await;
}

/// A name without an address, likewise.
#[tokio::test]
async fn a_use_is_given_back_where_the_name_leads_nowhere() {
    let plan = Plan::new().route("voice", "ws://nowhere.invalid:9");
    let plan = plan.set("routes.voice.limits.connect_timeout", r#""2s""#);
    let stage = plan.start().await;
    let token = stage.forge.token("voice");
    let first = told(&stage, &token).await;
    assert!(["upstream_unavailable", "upstream_timeout"].contains(&first.as_str()));
    assert_eq!(told(&stage, &token).await, first);
    stage.end().await;
}

#[tokio::test]
async fn a_use_is_spent_once_the_request_was_sent() {
    let (stage, upstream) = silent().await;
    let token = stage.forge.token("voice");
    assert_eq!(told(&stage, &token).await, "upstream_timeout");
    assert_eq!(told(&stage, &token).await, "token_used");
    assert_eq!(upstream.connections(), 1);
    stage.end().await;
    for (status, slug) in [
        (401, "upstream_refused"),
        (404, "upstream_refused"),
        (429, "upstream_rate_limited"),
        (503, "upstream_unavailable"),
    ] {
        let (stage, upstream) = refusing(status).await;
        let token = stage.forge.token("voice");
        assert_eq!(told(&stage, &token).await, slug);
        assert_eq!(told(&stage, &token).await, "token_used", "{status}");
        assert_eq!(upstream.connections(), 1);
        stage.end().await;
    }
}

#[tokio::test]
async fn a_use_is_spent_where_the_upstream_breaks_off_after_the_request() {
    let authority = Authority::new();
    let plain = Upstream::behaving(Behaviour::Reset).await;
    let over_tls = Upstream::builder().behaviour(Behaviour::Reset);
    let over_tls = over_tls.tls(authority.identity("localhost")).start().await;
    for upstream in [plain, over_tls] {
        let plan = Plan::new().route("voice", &upstream.url());
        let plan = plan.set("routes.voice.ca", r#""file:ca.pem""#);
        let stage = plan.file("ca.pem", &authority.pem()).start().await;
        let token = stage.forge.token("voice");
        assert_eq!(told(&stage, &token).await, "upstream_unavailable");
        assert_eq!(told(&stage, &token).await, "token_used");
        assert_eq!(upstream.dials().len(), 1);
        stage.end().await;
    }
}
