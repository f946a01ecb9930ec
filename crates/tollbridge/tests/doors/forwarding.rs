//! What an upstream sees of a bearer, and a bearer of an upstream.

use serde_json::json;
use tokio::task::JoinSet;
use tollbridge_testkit::{Behaviour, RawWs, Upstream};

use crate::{
    clean::{answers, status_of},
    plan::{CANARY, PAGE, Plan},
    scenes::echo_with,
    stage::{early_frame, echo, echoing, knock, percent_encoded},
};

/// B01. `Date` comes from the HTTP library, which knows no request without; it tells the upstream
/// what every clock does.
#[tokio::test]
async fn an_upstream_sees_what_is_configured_and_nothing_of_the_browser() {
    let (stage, upstream) = echo().await;
    let token = stage.mint(&json!({"route": "voice"})).await;
    let mut handshake = knock("voice", &token).origin(PAGE);
    for (name, value) in [
        ("Cookie", "session=abc"),
        ("Referer", "https://app.example.com/?secret"),
        ("User-Agent", "Mozilla/5.0"),
        ("Accept-Language", "de"),
        ("X-Forwarded-For", "1.2.3.4"),
        ("X-Forwarded-Proto", "https"),
        ("Forwarded", "for=1.2.3.4"),
        ("X-Real-IP", "1.2.3.4"),
        ("X-Api-Key", "the bearer's own"),
        ("Sec-Fetch-Site", "cross-site"),
        ("Cache-Control", "no-cache"),
    ] {
        handshake = handshake.header(name, value);
    }
    let mut ws = stage.open(handshake).await;
    ws.echo("hello").await;
    ws.close(1000).await;
    let dials = upstream.ended(1).await;
    let [dial] = &dials[..] else {
        panic!("one dial: {dials:?}")
    };
    let expected =
        "connection date host sec-websocket-key sec-websocket-version upgrade user-agent x-api-key";
    assert_eq!(dial.header_names(), expected.split(' ').collect::<Vec<_>>());
    assert_eq!(dial.header_values("x-api-key"), [CANARY]);
    assert!(dial.header_values("user-agent")[0].starts_with("tollbridge/"));
    let host = upstream.addr().to_string();
    assert_eq!(dial.header_values("host"), [host.as_str()]);
    assert!(!dial.head.contains(&token));
    stage.end().await;
}

/// B23: neither aliases nor credentials pass, and a name on the list is that name only.
#[tokio::test]
async fn a_header_passes_by_its_exact_name_or_not_at_all() {
    let (stage, upstream) = echo_with("header_allow", r#"["x-allowed"]"#).await;
    let mut handshake = knock("voice", &stage.forge.token("voice"));
    for name in [
        "Api_Key",
        "Api-Key",
        "X_Api_Key",
        "X_Forwarded_For",
        "X.Forwarded.For",
        "X_Allowed",
        "X-Allowed-Too",
        "Cookie",
        "Proxy-Authorization",
    ] {
        handshake = handshake.header(name, "evil");
    }
    handshake = handshake
        .header("X-Api-Key", "evil")
        .header("Authorization", "Basic ZXZpbDpldmls")
        .header("X-ALLOWED", "good");
    stage.open(handshake).await.close(1000).await;
    let dials = upstream.dials();
    assert_eq!(dials[0].header_values("x-allowed"), ["good"]);
    assert_eq!(dials[0].header_values("x-api-key"), [CANARY]);
    let head = dials[0].head.to_ascii_lowercase();
    assert!(!head.contains("evil") && !head.contains("zxzpb"), "{head}");
    stage.end().await;
}

/// B21: nothing is read from the client before the upstream has answered.
#[tokio::test]
async fn what_comes_with_the_handshake_never_reaches_an_upstream_that_refuses() {
    let body = String::new();
    let behaviour = Behaviour::Refuse {
        status: 403,
        headers: Vec::new(),
        body,
    };
    let upstream = Upstream::behaving(behaviour).await;
    let stage = Plan::new().route("voice", &upstream.url()).start().await;
    let handshake = knock("voice", &stage.forge.token("voice")).early(early_frame());
    let answer = stage
        .until_closed(handshake.encode(stage.server.public()))
        .await;
    assert_eq!(
        (status_of(&answer), answers(&answer)),
        (Some(502), 1),
        "{answer}"
    );
    let dials = upstream.ended(1).await;
    assert!(dials[0].frames.is_empty() && dials[0].received.bytes == 0);
    stage.end().await;
}

/// B22
#[tokio::test]
async fn nothing_breaks_out_of_its_place() {
    let upstream = echoing().await;
    let plan = Plan::new()
        .route("voice", &format!("{}/{{agent}}", upstream.url()))
        .set(
            "routes.voice.params.agent",
            r#"{ pattern = "(?s).*[a-z].*" }"#,
        )
        .set("routes.voice.query_allow", r#"["q"]"#)
        .set("routes.voice.header_allow", r#"["x-allowed"]"#)
        .set(
            "routes.voice.credentials.headers.x-subject",
            r#""user {subject}""#,
        );
    let stage = plan.start().await;
    let evil = "x\r\nX-Evil: 1";
    let with = |claims| stage.forge.token_with("voice", claims);
    for protocol in [
        "a\rb", "a\u{1}b", "a\u{0}b", "é", "a b", "a,,b", "a/b", "a, a",
    ] {
        let token = with(json!({"params": {"agent": "a"}}));
        let refused =
            stage.refused(knock("voice", &token).header("Sec-WebSocket-Protocol", protocol));
        assert_eq!(refused.await.status, 400, "{protocol:?}");
    }
    for subject in [evil, "a\u{0}b", "a\nb"] {
        stage
            .is_no_token(
                subject,
                &with(json!({"sub": subject, "params": {"agent": "a"}})),
            )
            .await;
    }
    assert_eq!(upstream.connections(), 0);
    let token = with(json!({"sub": "ü: x, y;\"%0d%0a", "params": {"agent": evil}}));
    let target = format!("/v1/bridge/voice?token={token}&q={}", percent_encoded(evil));
    let handshake = tollbridge_testkit::Handshake::to(&target).header("X-Allowed", "caf\u{e9}");
    stage.open(handshake).await.close(1000).await;
    let dial = upstream.dials().remove(0);
    assert_eq!(dial.path, "/x%0D%0AX-Evil%3A%201");
    assert_eq!(dial.query_values("q"), [evil]);
    let subject = "user %C3%BC%3A%20x%2C%20y%3B%22%250d%250a";
    assert_eq!(dial.header_values("x-subject"), [subject]);
    assert!(dial.header_values("x-evil").is_empty());
    stage.end().await;
}

/// B32
#[tokio::test]
async fn a_bearer_sees_of_the_upstreams_answer_what_is_kept_and_nothing_else() {
    let upstream = Upstream::builder()
        .answer("Set-Cookie", "a=b")
        .answer("Alt-Svc", "h3=\":443\"")
        .answer("Server", "vendor/1.0")
        .answer("X-Secret", "hush")
        .answer("X-Tt-Logid", "log-1")
        .answer("Access-Control-Allow-Origin", "*")
        .answer("Strict-Transport-Security", "max-age=1");
    let upstream = upstream.start().await;
    let plan = Plan::new().route("voice", &upstream.url());
    let plan = plan.set("routes.voice.keep_response_headers", r#"["X-Tt-Logid"]"#);
    let stage = plan.start().await;
    let handshake = knock("voice", &stage.forge.token("voice")).keeps("x-tt-logid");
    let ws = stage.open(handshake).await;
    let mut names: Vec<_> = ws
        .response
        .headers
        .iter()
        .map(|(name, _)| name.to_lowercase())
        .collect();
    names.retain(|name| name != "date" && name != "x-request-id");
    names.sort();
    assert_eq!(
        names,
        [
            "connection",
            "sec-websocket-accept",
            "upgrade",
            "x-tt-logid"
        ]
    );
    assert_eq!(ws.header_values("x-tt-logid"), ["log-1"]);
    ws.close(1000).await;
    stage.end().await;
}

/// B34
#[tokio::test]
async fn credentials_of_two_routes_to_one_host_are_never_crossed() {
    const BEARERS: usize = 20;
    let upstream = Upstream::builder().start().await;
    let mut plan = Plan::new();
    for name in ["one", "two"] {
        let credential = format!("routes.{name}.credentials.headers.x-api-key");
        plan = plan
            .route(name, &format!("{}/{name}", upstream.url()))
            .set(&credential, &format!("{:?}", format!("file:{name}.key")))
            .file(&format!("{name}.key"), &format!("the key of {name}"));
    }
    let stage = plan.start().await;
    let to = stage.server.public();
    for _ in 0..1000 / BEARERS {
        let mut bearers = JoinSet::new();
        for n in 0..BEARERS {
            let route = if n % 2 == 0 { "one" } else { "two" };
            let handshake = knock(route, &stage.forge.token(route));
            bearers.spawn(async move {
                RawWs::connect(to, handshake)
                    .await
                    .unwrap()
                    .close(1000)
                    .await
            });
        }
        bearers.join_all().await;
    }
    let dials = upstream.dials();
    assert_eq!(dials.len(), 1000);
    for dial in dials {
        let key = format!("the key of {}", &dial.path[1..]);
        assert_eq!(dial.header_values("x-api-key"), [key.as_str()]);
    }
    stage.end().await;
}
