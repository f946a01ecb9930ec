//! Who may mint, and what a minted token is.

use serde_json::{Value, json};
use tollbridge_keyring::VerifyingKey;
use tollbridge_store::Algorithm;
use tollbridge_testkit::{Response, get, http, post_json};

use crate::{
    forge::{claims_of, decode, now},
    plan::{ISSUER, PAGE, Plan},
    stage::{Stage, by_target, echo, echoing},
};

async fn with_header(stage: &Stage, name: &str, value: &str) -> Response {
    let body = json!({"route": "voice"});
    post_json(stage.server.public(), "/v1/tokens", &[(name, value)], &body).await
}

/// M01
#[tokio::test]
async fn without_a_credential_in_its_place_nothing_is_minted() {
    let (stage, _upstream) = echo().await;
    let key = stage.api_key.clone();
    for (name, value) in [
        ("x-nothing", String::new()),
        ("authorization", "Basic dXNlcjpwYXNz".to_owned()),
        ("authorization", format!("Basic {key}")),
        ("authorization", "Bearer".to_owned()),
        ("authorization", "Bearer ".to_owned()),
        ("authorization", key.clone()),
        ("cookie", format!("api_key={key}")),
    ] {
        let refused = with_header(&stage, name, &value).await;
        assert_eq!(refused.status, 401, "{name}: {value}");
        assert_eq!(refused.code(), "unauthorized");
        assert_eq!(refused.header("www-authenticate"), Some("Bearer"));
        assert_eq!(refused.header("cache-control"), Some("no-store"));
    }
    for query in ["api_key", "token", "key", "access_token"] {
        let target = format!("/v1/tokens?{query}={key}");
        let refused = post_json(stage.server.public(), &target, &[], &json!({})).await;
        assert_eq!(refused.status, 401, "{query}");
    }
    assert!(by_target(&stage.end().await, "token.minted").is_empty());
}

/// M05. The cases that are no HTTP at all are refused by the parser: a NUL by 400, a mebibyte by
/// 431, where the threat model says 401. "In normal time" belongs to `just attack`.
#[tokio::test]
async fn a_key_that_is_none_is_refused_whatever_it_holds() {
    let (stage, _upstream) = echo().await;
    let key = stage.api_key.clone();
    for bad in [
        "'".to_owned(),
        "' or 1=1 --".to_owned(),
        "tbk_'; select pg_sleep(5); --".to_owned(),
        format!("{key}'"),
        format!("{key}%00"),
        key[..key.len() - 1].to_owned(),
        key.to_uppercase(),
        key.replace("tbk_", "ｔｂｋ_"),
        format!("{key}\u{200b}"),
        "\u{202e}kbt".to_owned(),
        "x".repeat(4096),
        format!("{key}, Bearer {key}"),
    ] {
        let refused = with_header(&stage, "authorization", &format!("Bearer {bad}")).await;
        assert_eq!(
            (refused.status, refused.code().as_str()),
            (401, "unauthorized"),
            "{bad}"
        );
    }
    let raw = |bad: &str| {
        format!(
            "POST /v1/tokens HTTP/1.1\r\nhost: a\r\nauthorization: Bearer {bad}\r\ncontent-length: 0\r\n\r\n"
        )
    };
    let nul = stage.until_closed(raw(&format!("{key}\0"))).await;
    assert!(nul.starts_with("HTTP/1.1 400 "), "{nul}");
    let long = stage.until_closed(raw(&"x".repeat(1 << 20))).await;
    assert!(
        long.is_empty() || long.starts_with("HTTP/1.1 431 "),
        "{long}"
    );
    let twice = format!("Bearer {key}\r\nauthorization: Bearer {key}");
    assert_eq!(
        with_header(&stage, "authorization", &twice).await.status,
        401
    );
    assert!(by_target(&stage.end().await, "token.minted").is_empty());
}

/// M02, for either algorithm.
#[tokio::test]
async fn a_minted_token_says_what_was_granted_and_verifies_from_the_published_keys() {
    for (name, algorithm) in [("EdDSA", Algorithm::EdDSA), ("ES256", Algorithm::ES256)] {
        let upstream = echoing().await;
        let plan = Plan::new().route("voice", &upstream.url());
        let plan = plan
            .set("keys.algorithm", &format!("{name:?}"))
            .set("server.public_url", r#""https://voice.example.com""#);
        let stage = plan.start().await;
        let answer = stage.ask(&json!({"route": "voice", "origin": PAGE})).await;
        assert_eq!(answer.status, 201);
        assert_eq!(answer.header("cache-control"), Some("no-store"));
        let body = answer.json();
        let token = body["token"].as_str().unwrap();
        judge_answer(&body, token);
        judge_claims(&body, &claims_of(token));
        let (message, signature) = token.rsplit_once('.').unwrap();
        let key = published_key(&stage, token, name, algorithm).await;
        assert!(key.verify(message.as_bytes(), &decode(signature)));
        let other = stage.mint(&json!({"route": "voice"})).await;
        assert_ne!(claims_of(&other)["jti"], body["jti"]);
        assert!(other.len() < 1024, "longer than one looks at");
        let minted = by_target(&stage.end().await, "token.minted");
        assert_eq!(
            minted[body["jti"].as_str().unwrap()].facts["route"],
            "voice"
        );
    }
}

fn judge_answer(body: &Value, token: &str) {
    let mut names: Vec<_> = body.as_object().unwrap().keys().collect();
    names.sort();
    let expected = "expires_at expires_in jti max_session route subject token url uses";
    assert_eq!(names, expected.split(' ').collect::<Vec<_>>());
    let url = format!("wss://voice.example.com/v1/bridge/voice?token={token}");
    assert_eq!(body["url"], url);
    assert_eq!(
        (&body["expires_in"], &body["uses"]),
        (&json!(30), &json!(1))
    );
    assert_eq!(
        (&body["route"], &body["subject"]),
        (&json!("voice"), &json!("test"))
    );
    assert_eq!(body["max_session"], 3600);
    let plain = |one: u8| one.is_ascii_alphanumeric() || b"._~-".contains(&one);
    assert!(token.bytes().all(plain) && token.split('.').count() == 3);
}

fn judge_claims(body: &Value, claims: &Value) {
    let mut names: Vec<_> = claims.as_object().unwrap().keys().collect();
    names.sort();
    let expected = "aud client_id exp iat iss jti nbf origin route sub";
    assert_eq!(names, expected.split(' ').collect::<Vec<_>>());
    assert_eq!(
        (&claims["iss"], &claims["aud"]),
        (&json!(ISSUER), &json!(ISSUER))
    );
    assert_eq!(
        (&claims["sub"], &claims["route"]),
        (&json!("test"), &json!("voice"))
    );
    assert_eq!(claims["origin"], PAGE);
    assert!(
        claims["client_id"]
            .as_str()
            .unwrap()
            .starts_with("backend:ak_")
    );
    let second = |name: &str| claims[name].as_i64().unwrap();
    assert_eq!(
        (second("nbf"), second("exp")),
        (second("iat"), second("iat") + 30)
    );
    assert!((now() - 30..=now()).contains(&second("iat")));
    assert_eq!(
        (&claims["exp"], &claims["jti"]),
        (&body["expires_at"], &body["jti"])
    );
    let jti = claims["jti"].as_str().unwrap();
    assert!(decode(jti).len() >= 16, "128 bits at least");
}

async fn published_key(
    stage: &Stage,
    token: &str,
    name: &str,
    algorithm: Algorithm,
) -> VerifyingKey {
    let header = token.split('.').next().unwrap();
    let header: Value = serde_json::from_slice(&decode(header)).unwrap();
    assert_eq!(header.as_object().unwrap().len(), 3);
    assert_eq!(
        (&header["alg"], &header["typ"]),
        (&json!(name), &json!("tollbridge+jwt"))
    );
    let jwks = get(stage.server.public(), "/.well-known/jwks.json", &[])
        .await
        .json();
    let keys = jwks["keys"].as_array().unwrap();
    let key = keys.iter().find(|key| key["kid"] == header["kid"]).unwrap();
    let part = |name: &str| decode(key[name].as_str().unwrap());
    let public = match algorithm {
        Algorithm::EdDSA => part("x"),
        Algorithm::ES256 => [vec![4], part("x"), part("y")].concat(),
    };
    let key = VerifyingKey::from_public(algorithm, &public).unwrap();
    assert_eq!(header["kid"], key.kid().as_str());
    key
}

/// M09
#[tokio::test]
async fn a_route_or_an_origin_that_is_not_the_callers_is_forbidden_and_noted() {
    let upstream = echoing().await;
    let plan = Plan::new().route("voice", &upstream.url());
    let stage = plan.route("other", &upstream.url()).start().await;
    let narrow = stage.new_api_key("narrow", &["voice"]).await;
    let granted = stage.ask_as(&narrow, &json!({"route": "voice"})).await;
    assert_eq!(granted.status, 201);
    for body in [
        json!({"route": "other"}),
        json!({"route": "voice", "origin": "https://evil.example"}),
    ] {
        let refused = stage.ask_as(&narrow, &body).await;
        assert_eq!(
            (refused.status, refused.code().as_str()),
            (403, "forbidden")
        );
    }
    let denied = by_target(&stage.end().await, "token.denied");
    for route in ["voice", "other"] {
        assert!(denied[route].who.starts_with("backend:ak_"));
        assert_eq!(denied[route].result, "forbidden");
    }
}

/// M10. A route is disabled by taking it out of the configuration: it is then an unknown one.
#[tokio::test]
async fn a_key_without_rights_learns_of_no_route() {
    let upstream = echoing().await;
    let plan = Plan::new()
        .route("voice", &upstream.url())
        .route("foreign", &upstream.url())
        .route("limited", &upstream.url())
        .set("callers.somebody.type", r#""api_key""#)
        .set("routes.foreign.callers", r#"["somebody"]"#);
    let stage = plan.start().await;
    let narrow = stage.new_api_key("narrow", &["voice"]).await;
    let mut answers = Vec::new();
    for route in [
        "foreign", "limited", "unknown", "VOICE", "voice/", "", "../voice",
    ] {
        let refused = stage.ask_as(&narrow, &json!({"route": route})).await;
        answers.push(but_for_the_id(&refused));
    }
    assert_eq!(answers[0].0, 403);
    assert!(
        answers.iter().all(|answer| *answer == answers[0]),
        "{answers:?}"
    );
    stage.end().await;
}

/// What is left of an answer that is the same to everybody.
pub(crate) fn but_for_the_id(answer: &Response) -> (u16, Vec<(String, String)>, Value) {
    let mut headers = answer.headers.clone();
    headers.retain(|(name, _)| !["date", "x-request-id"].contains(&name.as_str()));
    headers.sort();
    let mut body = answer.json();
    body.as_object_mut().unwrap().remove("instance");
    (answer.status, headers, body)
}

/// M11: an API key has no business in a page, and nobody else mints here.
#[tokio::test]
async fn no_page_of_another_origin_may_read_a_mint() {
    let (stage, _upstream) = echo().await;
    let to = stage.server.public();
    for origin in [PAGE, "https://evil.example", "null"] {
        let preflight = format!(
            "OPTIONS /v1/tokens HTTP/1.1\r\nhost: a\r\norigin: {origin}\r\n\
             access-control-request-method: POST\r\n\
             access-control-request-headers: authorization, content-type\r\n\r\n"
        );
        let answer = http(to, preflight).await;
        assert_eq!(answer.status, 403);
        nothing_is_shared(&answer);
        let bearer = format!("Bearer {}", stage.api_key);
        let headers = [("authorization", bearer.as_str()), ("origin", origin)];
        let answer = post_json(to, "/v1/tokens", &headers, &json!({"route": "voice"})).await;
        nothing_is_shared(&answer);
    }
    stage.end().await;
}

fn nothing_is_shared(answer: &Response) {
    let shares = |(name, _): &(String, String)| name.starts_with("access-control-");
    assert!(!answer.headers.iter().any(shares), "{answer:?}");
}
