//! Which pages may enter.

use serde_json::json;

use crate::{
    plan::{PAGE, Plan},
    scenes::echo_with,
    stage::{echo, echoing, knock},
};

/// B03. The bearer of a genuine token is told by a close code, since its page would see nothing
/// else.
#[tokio::test]
async fn an_origin_is_compared_exactly() {
    let (stage, upstream) = echo().await;
    let token = stage.forge.token("voice");
    for origin in [
        "null",
        "",
        "*",
        "https://evil.example",
        "https://app.example.com.evil.example",
        "https://evilapp.example.com",
        "https://app.example.comx",
        "http://app.example.com",
        "https://app.example.com:443",
        "https://app.example.com:8443",
        "https://APP.example.com",
        "HTTPS://app.example.com",
        "https://app.example.com.",
        "https://app.example.com/",
        "https://user@app.example.com",
        "https://аpp.example.com",
        "https://xn--pp-6kc.example.com",
        "https://app.example.com https://evil.example",
        "https://app.example.com, https://evil.example",
    ] {
        let told = stage.closed(knock("voice", &token).origin(origin)).await;
        assert_eq!(told, (4403, "tb:origin_not_allowed".to_owned()), "{origin}");
    }
    let twice = knock("voice", &token)
        .origin(PAGE)
        .origin("https://evil.example");
    assert_eq!(stage.closed(twice).await.0, 4403);
    let same_twice = knock("voice", &token).origin(PAGE).origin(PAGE);
    assert_eq!(stage.closed(same_twice).await.0, 4403);
    assert_eq!(upstream.connections(), 0);
    stage
        .open(knock("voice", &token).origin(PAGE))
        .await
        .close(1000)
        .await;
    stage.end().await;
}

/// B03: a program is no page.
#[tokio::test]
async fn without_an_origin_one_passes_unless_the_route_wants_one() {
    let (stage, _upstream) = echo().await;
    stage.redeem("voice", &stage.forge.token("voice")).await;
    stage.end().await;
    let (stage, upstream) = echo_with("require_origin", "true").await;
    let token = stage.forge.token("voice");
    let (status, code) = stage.verdict(knock("voice", &token)).await;
    assert_eq!((status, code.as_str()), (403, "origin_not_allowed"));
    assert_eq!(upstream.connections(), 0);
    stage
        .open(knock("voice", &token).origin(PAGE))
        .await
        .close(1000)
        .await;
    stage.end().await;
}

/// B04, and a token for one page is not for none.
#[tokio::test]
async fn a_token_for_one_page_is_not_for_another() {
    let upstream = echoing().await;
    let other = "https://other.example.com";
    let plan = Plan::new().route("voice", &upstream.url());
    let plan = plan.set("routes.voice.origins", &format!("[{PAGE:?}, {other:?}]"));
    let stage = plan.start().await;
    let token = stage.mint(&json!({"route": "voice", "origin": PAGE})).await;
    assert_eq!(
        stage.closed(knock("voice", &token).origin(other)).await.0,
        4403
    );
    let (status, code) = stage.verdict(knock("voice", &token)).await;
    assert_eq!((status, code.as_str()), (403, "origin_not_allowed"));
    assert_eq!(upstream.connections(), 0);
    stage
        .open(knock("voice", &token).origin(PAGE))
        .await
        .close(1000)
        .await;
    stage.end().await;
}

/// The token cannot allow what the route does not.
#[tokio::test]
async fn an_origin_must_be_the_routes_and_the_tokens() {
    let (stage, upstream) = echo().await;
    let other = "https://other.example.com";
    let token = stage.forge.token_with("voice", json!({"origin": other}));
    for origin in [other, PAGE] {
        let told = stage.closed(knock("voice", &token).origin(origin)).await;
        assert_eq!(told.0, 4403, "{origin}");
    }
    assert_eq!(upstream.connections(), 0);
    stage.end().await;
}

#[tokio::test]
async fn any_page_may_enter_where_that_is_written() {
    let (stage, _upstream) = echo_with("origins", r#"["*"]"#).await;
    for origin in ["https://evil.example", "null"] {
        let token = stage.forge.token("voice");
        stage
            .open(knock("voice", &token).origin(origin))
            .await
            .close(1000)
            .await;
    }
    stage.end().await;
}
