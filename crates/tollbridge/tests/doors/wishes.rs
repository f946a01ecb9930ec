//! What a mint may be asked for: everything else is named, and nothing is clamped.

use serde_json::{Value, json};

use crate::{
    forge::claims_of,
    plan::{PAGE, Plan},
    stage::{Stage, by_target, echo, echoing},
};

/// The pointers of a refusal by 422.
async fn faults(stage: &Stage, body: &Value) -> Vec<String> {
    let refused = stage.ask(body).await;
    let context = format!("{body}: {refused:?}");
    assert_eq!(refused.status, 422, "{context}");
    assert_eq!(refused.code(), "invalid_request");
    let problem = refused.json();
    let errors = problem["errors"].as_array().expect(&context);
    let pointer = |error: &Value| error["pointer"].as_str().unwrap().to_owned();
    errors.iter().map(pointer).collect()
}

/// M03, T: mass assignment. The contract has 422 where the threat model says 400.
#[tokio::test]
async fn a_member_that_is_none_of_the_fields_is_named() {
    let (stage, _upstream) = echo().await;
    for (name, value) in [
        ("exp", json!(4_000_000_000_u64)),
        ("iss", json!("https://evil.example")),
        ("aud", json!("x")),
        ("sub", json!("root")),
        ("client_id", json!("admin")),
        ("upstream", json!("ws://169.254.169.254/")),
        ("headers", json!({"x-api-key": "mine"})),
        ("ttl", json!(60)),
        ("Route", json!("voice")),
        ("expires_after", json!({"seconds": 60})),
    ] {
        let body = json!({"route": "voice", name: value});
        assert_eq!(faults(&stage, &body).await, [format!("/{name}")]);
    }
    let nested = json!({"route": {"name": "voice", "api_base": "ws://169.254.169.254/"}});
    assert_eq!(faults(&stage, &nested).await, ["/route"]);
    assert_eq!(faults(&stage, &json!({})).await, ["/route"]);
    assert_eq!(faults(&stage, &json!({"route": null})).await, ["/route"]);
    assert_eq!(faults(&stage, &json!([])).await, [""]);
    assert_eq!(faults(&stage, &json!("voice")).await, [""]);
    assert!(by_target(&stage.end().await, "token.minted").is_empty());
}

/// M03
#[tokio::test]
async fn a_number_is_a_whole_number_within_its_ceiling() {
    let (stage, _upstream) = echo().await;
    for name in ["redeem_within", "max_session", "uses"] {
        for value in [
            json!(0),
            json!(-1),
            json!(1_000_000_000),
            json!(1e9),
            json!("60"),
            json!("1m 30s"),
            json!(null),
            json!(9_223_372_036_854_775_808_u64),
            json!(1.5),
            json!(true),
            json!([60]),
            json!({"seconds": 60}),
        ] {
            let body = json!({"route": "voice", name: value});
            assert_eq!(faults(&stage, &body).await, [format!("/{name}")], "{body}");
        }
    }
    for (name, above) in [("redeem_within", 601), ("max_session", 3601), ("uses", 2)] {
        let body = json!({"route": "voice", name: above});
        assert_eq!(faults(&stage, &body).await, [format!("/{name}")]);
        let body = json!({"route": "voice", name: above - 1});
        assert_eq!(stage.ask(&body).await.status, 201, "{body}");
    }
    assert_eq!(by_target(&stage.end().await, "token.minted").len(), 3);
}

/// M03
#[tokio::test]
async fn a_text_is_a_text_of_its_kind_and_length() {
    let (stage, _upstream) = echo().await;
    let long_label = "x".repeat(201);
    let long_metadata = json!({"a": "x".repeat(512)});
    for (name, value) in [
        ("subject", json!("")),
        ("subject", json!("a\r\nX-Evil: 1")),
        ("subject", json!("x".repeat(257))),
        ("subject", json!(7)),
        ("subject", json!(null)),
        ("origin", json!("null")),
        ("origin", json!("*")),
        ("origin", json!("https://app.example.com/")),
        ("origin", json!("HTTPS://app.example.com")),
        ("origin", json!([PAGE])),
        ("label", json!("a\u{0}b")),
        ("label", json!(long_label)),
        ("label", json!(null)),
        ("metadata", json!("text")),
        ("metadata", json!([])),
        ("metadata", long_metadata),
        ("params", json!("model")),
        ("params", json!(null)),
    ] {
        let body = json!({"route": "voice", name: value});
        assert_eq!(faults(&stage, &body).await, [format!("/{name}")], "{body}");
    }
    stage.end().await;
}

#[tokio::test]
async fn everything_that_is_wrong_is_named_at_once() {
    let (stage, _upstream) = echo().await;
    let body = json!({"route": "voice", "uses": 0, "exp": 1, "params": {"a/b~c": "x"}, "label": 7});
    let mut named = faults(&stage, &body).await;
    named.sort();
    assert_eq!(named, ["/exp", "/label", "/params/a~1b~0c", "/uses"]);
    stage.end().await;
}

/// A route with a model from a list and a voice by a pattern.
async fn with_params() -> Stage {
    let upstream = echoing().await;
    let address = format!("{}/{{voice}}?model={{model}}", upstream.url());
    let plan = Plan::new()
        .route("voice", &address)
        .set(
            "routes.voice.params.model",
            r#"{ default = "a", allow = ["a", "b"] }"#,
        )
        .set(
            "routes.voice.params.voice",
            r#"{ pattern = "[a-z]{1,1500}" }"#,
        )
        .set("routes.voice.max_uses", "3");
    plan.start().await
}

#[tokio::test]
async fn a_parameter_is_within_its_list_or_pattern() {
    let stage = with_params().await;
    let with = |params: Value| json!({"route": "voice", "params": params});
    for (params, pointer) in [
        (json!({}), "/params/voice"),
        (json!({"voice": "x", "model": "c"}), "/params/model"),
        (json!({"voice": "x", "model": "A"}), "/params/model"),
        (json!({"voice": "X"}), "/params/voice"),
        (json!({"voice": "x\n"}), "/params/voice"),
        (json!({"voice": ""}), "/params/voice"),
        (json!({"voice": 1}), "/params/voice"),
        (json!({"voice": null}), "/params/voice"),
        (json!({"voice": "x", "region": "x"}), "/params/region"),
    ] {
        assert_eq!(faults(&stage, &with(params)).await, [pointer]);
    }
    let claims = claims_of(&stage.mint(&with(json!({"voice": "x"}))).await);
    assert_eq!(claims["params"], json!({"model": "a", "voice": "x"}));
    stage.end().await;
}

#[tokio::test]
async fn what_is_granted_stands_in_the_token() {
    let stage = with_params().await;
    let body = json!({
        "route": "voice", "subject": "ümit@example.com", "redeem_within": 5, "max_session": 60,
        "uses": 3, "origin": PAGE, "params": {"voice": "alloy", "model": "b"},
        "label": "a call", "metadata": {"a": [1, 2]},
    });
    let claims = claims_of(&stage.mint(&body).await);
    for name in ["route", "max_session", "uses", "origin", "params", "label"] {
        assert_eq!(claims[name], body[name], "{name}");
    }
    assert_eq!(
        (&claims["sub"], &claims["meta"]),
        (&body["subject"], &body["metadata"])
    );
    assert_eq!(
        claims["exp"].as_i64(),
        claims["iat"].as_i64().map(|iat| iat + 5)
    );
    stage.end().await;
}

/// Contract, section 3: at most 2 kB, else 422.
#[tokio::test]
async fn a_token_that_would_be_too_long_is_not_minted() {
    let stage = with_params().await;
    let body = json!({"route": "voice", "params": {"voice": "x".repeat(1500)}});
    assert_eq!(faults(&stage, &body).await, [""]);
    stage.end().await;
}
