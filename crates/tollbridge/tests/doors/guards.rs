//! Guards that no way around them passes: drains, ceilings, rates, addresses.

use serde_json::json;
use tollbridge_testkit::{Handshake, get};

use crate::{
    plan::Plan,
    scenes::drained,
    stage::{Stage, by_target, echoing, knock},
};

/// What a plain request with this token reads.
async fn explained(stage: &Stage, token: &str) -> String {
    let target = format!("/v1/bridge/voice?token={token}");
    let answer = get(stage.server.public(), &target, &[]).await;
    assert_eq!(answer.status, 426);
    answer.json()["reason"]
        .as_str()
        .unwrap_or_default()
        .to_owned()
}

/// B29
#[tokio::test]
async fn a_server_that_drains_neither_mints_nor_bridges() {
    let (stage, upstream, sessions) = drained().await;
    let refused = stage.ask(&json!({"route": "voice"})).await;
    assert_eq!((refused.status, refused.code().as_str()), (503, "draining"));
    assert!(refused.header("retry-after").is_some());
    let token = stage.forge.token("voice");
    let (status, code) = stage.verdict(knock("voice", &token)).await;
    assert_eq!((status, code.as_str()), (503, "draining"));
    assert_eq!(explained(&stage, &token).await, "draining");
    assert_eq!(get(stage.server.public(), "/readyz", &[]).await.status, 503);
    assert_eq!(upstream.connections(), sessions.len());
    drop(sessions);
    stage.end().await;
}

/// B29: the ceilings on live sessions are told alike on either way in, and free what they held.
#[tokio::test]
async fn a_full_server_says_so_on_either_way_in() {
    for (ceiling, slug, status) in [
        ("server.max_sessions", "overloaded", 503),
        ("routes.voice.limits.sessions", "concurrency_limit", 429),
        (
            "routes.voice.limits.sessions_per_subject",
            "concurrency_limit",
            429,
        ),
    ] {
        let upstream = echoing().await;
        let plan = Plan::new().route("voice", &upstream.url());
        let stage = plan.set(ceiling, "1").start().await;
        let held = stage
            .open(knock("voice", &stage.forge.token("voice")))
            .await;
        let token = stage.forge.token("voice");
        let told = stage.verdict(knock("voice", &token)).await;
        assert_eq!(told, (status, slug.to_owned()), "{ceiling}");
        assert_eq!(explained(&stage, &token).await, slug, "{ceiling}");
        held.close(1000).await;
        upstream.ended(1).await;
        stage.until_empty().await;
        // Refused for want of room, the token was not used up.
        stage.redeem("voice", &token).await;
        stage.end().await;
    }
}

/// B29: a plain request counts in the connect rate, and is refused by it.
#[tokio::test]
async fn plain_requests_and_handshakes_count_in_one_rate() {
    let upstream = echoing().await;
    let plan = Plan::new().route("voice", &upstream.url());
    let plan = plan.set("routes.voice.limits.connects_per_minute", "3");
    let stage = plan.start().await;
    let token = stage.forge.token("voice");
    assert_eq!(explained(&stage, &token).await, "");
    stage.redeem("voice", &token).await;
    assert_eq!(explained(&stage, &stage.forge.token("voice")).await, "");
    let fresh = stage.forge.token("voice");
    assert_eq!(explained(&stage, &fresh).await, "rate_limited");
    let refused = stage.refused(knock("voice", &fresh)).await;
    assert_eq!(
        (refused.status, refused.code().as_str()),
        (429, "rate_limited")
    );
    assert!(refused.header("retry-after").is_some());
    assert_eq!(upstream.connections(), 1);
    stage.end().await;
}

/// Sessions from these claims of an address, and the addresses that the audit has.
async fn addresses(plan: Plan, claimed: &[&[(&str, &str)]]) -> Vec<String> {
    let upstream = echoing().await;
    let stage = plan.route("voice", &upstream.url()).start().await;
    for (n, headers) in claimed.iter().enumerate() {
        let token = stage
            .forge
            .token_with("voice", json!({"jti": format!("t{n}")}));
        let handshake = knock("voice", &token);
        let add = |it: Handshake, (name, value): &(&str, &str)| it.header(name, value);
        stage
            .open(headers.iter().fold(handshake, add))
            .await
            .close(1000)
            .await;
    }
    let opened = by_target(&stage.end().await, "session.opened");
    let from = |n| opened[&format!("t{n}")].from.clone();
    (0..claimed.len()).map(from).collect()
}

const CLAIMS: &[&[(&str, &str)]] = &[
    &[],
    &[("X-Forwarded-For", "1.2.3.4")],
    &[("X-Forwarded-For", "6.6.6.6, 203.0.113.9")],
    &[("X-Forwarded-For", "6.6.6.6, 203.0.113.9, 10.1.1.1")],
    &[
        ("X-Forwarded-For", "6.6.6.6"),
        ("X-Forwarded-For", "203.0.113.9, 10.1.1.1"),
    ],
    &[("X-Forwarded-For", "2001:db8::7, 10.1.1.1, 127.0.0.1")],
    &[("X-Forwarded-For", "203.0.113.9, garbage")],
    &[
        ("Forwarded", "for=1.2.3.4"),
        ("X-Real-IP", "1.2.3.4"),
        ("X_Forwarded_For", "1.2.3.4"),
    ],
];

/// B25
#[tokio::test]
async fn a_peer_that_is_no_trusted_proxy_is_not_believed() {
    let nobody = Plan::new();
    let another = Plan::new().set("server.trusted_proxies", r#"["10.0.0.0/8"]"#);
    for plan in [nobody, another] {
        assert_eq!(
            addresses(plan, CLAIMS).await,
            vec!["127.0.0.1"; CLAIMS.len()]
        );
    }
}

/// B25
#[tokio::test]
async fn of_a_trusted_proxys_word_the_right_most_untrusted_address_counts() {
    let trusting = r#"["127.0.0.1", "10.0.0.0/8"]"#;
    let plan = Plan::new().set("server.trusted_proxies", trusting);
    let expected = [
        "127.0.0.1",
        "1.2.3.4",
        "203.0.113.9",
        "203.0.113.9",
        "203.0.113.9",
        "2001:db8::7",
        "127.0.0.1",
        "127.0.0.1",
    ];
    assert_eq!(addresses(plan, CLAIMS).await, expected);
    let plan = Plan::new().set("server.trusted_proxies", trusting);
    let plan = plan.set("server.forwarded_header", r#""forwarded""#);
    let rfc_7239: &[&[(&str, &str)]] = &[
        &[(
            "Forwarded",
            "for=6.6.6.6, for=\"203.0.113.9:4711\";proto=https",
        )],
        &[("X-Forwarded-For", "1.2.3.4")],
    ];
    assert_eq!(
        addresses(plan, rfc_7239).await,
        ["203.0.113.9", "127.0.0.1"]
    );
}

/// B25: limits go by the same address.
#[tokio::test]
async fn rates_count_the_address_that_is_believed() {
    for (trusted, expected) in [
        (r#"["127.0.0.1"]"#, [101, 101, 429]),
        ("[]", [101, 429, 429]),
    ] {
        let upstream = echoing().await;
        let plan = Plan::new()
            .route("voice", &upstream.url())
            .set("routes.voice.limits.connects_per_minute", "1")
            .set("server.trusted_proxies", trusted);
        let stage = plan.start().await;
        let mut told = Vec::new();
        for (subject, address) in [
            ("a", "203.0.113.1"),
            ("b", "203.0.113.2"),
            ("c", "203.0.113.1"),
        ] {
            let token = stage.forge.token_with("voice", json!({"sub": subject}));
            let handshake = knock("voice", &token).header("X-Forwarded-For", address);
            told.push(match stage.try_open(handshake).await {
                Ok(ws) => ws.response.status,
                Err(refused) => refused.status,
            });
        }
        assert_eq!(told, expected, "{trusted}");
        stage.end().await;
    }
}
