//! Texts that look like tokens: other algorithms, keys, forms and kinds. None is told from another
//! and none makes the server dial.

use base64::{Engine as _, engine::general_purpose::STANDARD};
use ring::hmac;
use serde_json::{Value, json};
use tollbridge_domain::{Actor, Secret};
use tollbridge_testkit::Upstream;

use crate::{
    forge::{Forge, Stranger, changed, claims, decode, encode, message},
    mint::but_for_the_id,
    plan::{ISSUER, Plan},
    stage::{Stage, echo, echoing, knock},
};

/// Ends the stage of a test in which nobody was let in.
async fn nobody_was_let_in(stage: Stage, upstream: &Upstream) {
    assert_eq!(upstream.connections(), 0);
    stage.end().await;
}

async fn echo_with_keys_of(algorithm: &str) -> (Stage, Upstream) {
    let upstream = echoing().await;
    let plan = Plan::new().route("voice", &upstream.url());
    let plan = plan.set("keys.algorithm", &format!("{algorithm:?}"));
    (plan.start().await, upstream)
}

/// B06
#[tokio::test]
async fn an_algorithm_called_none_signs_nothing() {
    let (stage, upstream) = echo().await;
    let spellings = "none None NONE nOnE noNe nonE NoNe nONE n0ne none\u{0} \u{20}none null";
    for alg in spellings.split(' ').chain(["none ", ""]) {
        let header = changed(stage.forge.header(), &json!({"alg": alg}));
        let message = message(&header, &claims("voice"));
        let signature = encode(&[0; 64]);
        for text in [format!("{message}."), format!("{message}.{signature}")] {
            stage.is_no_token(alg, &text).await;
        }
    }
    let absent = stage.forge.token_under("voice", json!({"alg": null}));
    stage.is_no_token("no alg", &absent).await;
    nobody_was_let_in(stage, &upstream).await;
}

/// B07
#[tokio::test]
async fn a_public_key_is_no_shared_secret() {
    let (stage, upstream) = echo().await;
    for (what, secret) in public_key_in_every_spelling(&stage.forge) {
        for (alg, hash) in [
            ("HS256", hmac::HMAC_SHA256),
            ("HS384", hmac::HMAC_SHA384),
            ("HS512", hmac::HMAC_SHA512),
        ] {
            let header = changed(stage.forge.header(), &json!({"alg": alg}));
            let message = message(&header, &claims("voice"));
            let tag = hmac::sign(&hmac::Key::new(hash, &secret), message.as_bytes());
            let text = format!("{message}.{}", encode(tag.as_ref()));
            stage.is_no_token(what, &text).await;
        }
    }
    nobody_was_let_in(stage, &upstream).await;
}

fn public_key_in_every_spelling(forge: &Forge) -> Vec<(&'static str, Vec<u8>)> {
    let raw = forge.public();
    let x = encode(&raw);
    let der = [
        &[0x30, 0x2a, 0x30, 5, 6, 3, 0x2b, 0x65, 0x70, 3, 0x21, 0][..],
        &raw,
    ]
    .concat();
    let inside = STANDARD.encode(&der);
    let pem = format!("-----BEGIN PUBLIC KEY-----\n{inside}\n-----END PUBLIC KEY-----");
    let jwk = json!({"kty": "OKP", "crv": "Ed25519", "x": x}).to_string();
    vec![
        ("PEM", pem.clone().into_bytes()),
        ("PEM with a newline", format!("{pem}\n").into_bytes()),
        ("DER", der),
        ("raw", raw),
        ("x", x.into_bytes()),
        ("JWK", jwk.into_bytes()),
        ("kid", forge.kid().into_bytes()),
        ("nothing", Vec::new()),
    ]
}

/// B07
#[tokio::test]
async fn the_key_dictates_the_algorithm() {
    for ours in ["EdDSA", "ES256"] {
        let (stage, upstream) = echo_with_keys_of(ours).await;
        assert_eq!(stage.forge.algorithm(), ours);
        let algorithms = "EdDSA ES256 Ed25519 eddsa es256 ES256K ES384 ES512 RS256 PS256 HS256";
        for alg in algorithms.split(' ').filter(|alg| *alg != ours) {
            let text = stage.forge.token_under("voice", json!({"alg": alg}));
            stage.is_no_token(alg, &text).await;
        }
        for alg in [json!(7), json!([ours]), json!({ours: null})] {
            let text = stage.forge.token_under("voice", json!({"alg": alg}));
            stage.is_no_token("no text", &text).await;
        }
        nobody_was_let_in(stage, &upstream).await;
    }
}

/// B08
#[tokio::test]
async fn a_key_id_only_ever_picks_among_our_keys() {
    let (stage, upstream) = echo().await;
    let long = "k".repeat(2000);
    for kid in [
        json!(""),
        json!("../../etc/passwd"),
        json!("/dev/null"),
        json!("' or 1=1--"),
        json!("%0d%0aX-Evil: 1"),
        json!("\r\n"),
        json!("\u{0}"),
        json!(long),
        json!(7),
        json!([]),
        json!({}),
        json!(true),
        json!(stage.forge.kid().to_lowercase()),
        json!(format!("{} ", stage.forge.kid())),
    ] {
        let text = stage.forge.token_under("voice", json!({"kid": kid}));
        stage.is_no_token("kid", &text).await;
    }
    let absent = stage.forge.token_under("voice", json!({"kid": null}));
    stage.is_no_token("no kid", &absent).await;
    let null = format!(
        r#"{{"alg":"EdDSA","typ":"tollbridge+jwt","kid":{}}}"#,
        Value::Null
    );
    let null = stage.forge.sign_texts(&null, &claims("voice").to_string());
    stage.is_no_token("kid null", &null).await;
    let mebibyte = stage
        .forge
        .token_under("voice", json!({"kid": "k".repeat(1 << 20)}));
    let told = stage.until_closed(format!(
        "GET /v1/bridge/voice?token={mebibyte} HTTP/1.1\r\nhost: a\r\n\r\n"
    ));
    let told = told.await;
    assert!(told.is_empty() || told.starts_with("HTTP/1.1 4"), "{told}");
    nobody_was_let_in(stage, &upstream).await;
}

/// B08: what the contract says of keys at either end of their life. A staged key is published and
/// another node may sign with it already; a revoked one is as good as unknown.
#[tokio::test]
async fn a_staged_key_verifies_and_a_revoked_one_no_longer() {
    let (stage, upstream) = echo().await;
    let own = Stranger::new();
    stage
        .is_no_token("not imported", &own.token("voice", json!({})))
        .await;
    let actor = Actor::system();
    let pem = Secret::new(own.pem());
    let imported = stage.forge.keyring().import(&pem, &actor).await.unwrap();
    assert_eq!(imported.kid.as_str(), own.kid());
    stage.until_published(&own.kid()).await;
    stage.redeem("voice", &own.token("voice", json!({}))).await;
    let before = stage.forge.token("voice");
    stage
        .operate(
            "POST",
            &format!("keys/{}/revoke", stage.forge.kid()),
            &json!({}),
        )
        .await;
    stage.is_no_token("revoked", &before).await;
    assert_eq!(upstream.connections(), 1);
    stage.end().await;
}

/// B09: the header of a token never names a key, and nobody is asked for one.
#[tokio::test]
async fn an_attackers_key_does_not_come_with_the_token() {
    let (stage, upstream) = echo().await;
    let own = Stranger::new();
    let url = format!("http://{}/jwks.json", upstream.addr());
    for changes in [
        json!({"jwk": own.jwk()}),
        json!({"jwk": own.jwk(), "kid": null}),
        json!({"jku": url}),
        json!({"jku": url, "kid": "unknown"}),
        json!({"x5u": url}),
        json!({"x5c": [STANDARD.encode([0x30, 0])]}),
        json!({"x5t": "AAAA"}),
        json!({"kid": stage.forge.kid()}),
        json!({"kid": url}),
    ] {
        stage
            .is_no_token("his key", &own.token("voice", changes.clone()))
            .await;
        // Signed by our own key such a header is none of ours either.
        if changes["kid"].is_null() {
            let text = stage.forge.token_under("voice", changes);
            stage.is_no_token("our key", &text).await;
        }
    }
    nobody_was_let_in(stage, &upstream).await;
}

/// B10
#[tokio::test]
async fn a_header_has_three_members() {
    let (stage, upstream) = echo().await;
    for changes in [
        json!({"crit": ["b64"], "b64": false}),
        json!({"crit": ["b64"], "b64": true}),
        json!({"crit": ["exp"], "exp": 1}),
        json!({"crit": []}),
        json!({"b64": false}),
        json!({"zip": "DEF"}),
        json!({"cty": "JWT"}),
        json!({"typ": "JWT"}),
        json!({"typ": "at+jwt"}),
        json!({"typ": "TOLLBRIDGE+JWT"}),
        json!({"typ": "application/tollbridge+jwt"}),
        json!({"typ": null}),
        json!({"typ": 7}),
    ] {
        let text = stage.forge.token_under("voice", changes.clone());
        stage.is_no_token(&changes.to_string(), &text).await;
    }
    nobody_was_let_in(stage, &upstream).await;
}

/// B13. A token of another route of ours is genuine, and told so: 403 `route_not_allowed`.
#[tokio::test]
async fn a_token_of_somebody_else_is_none() {
    let (stage, upstream) = echo().await;
    for changes in [
        json!({"iss": "https://evil.example"}),
        json!({"iss": format!("{ISSUER}/")}),
        json!({"iss": null}),
        json!({"aud": [ISSUER, "https://other.example"]}),
        json!({"aud": [ISSUER]}),
        json!({"aud": "https://other.example"}),
        json!({"aud": null}),
    ] {
        let text = stage.forge.token_with("voice", changes.clone());
        stage.is_no_token(&changes.to_string(), &text).await;
    }
    let text = stage.forge.token("other");
    let (status, code) = stage.verdict(knock("voice", &text)).await;
    assert_eq!((status, code.as_str()), (403, "route_not_allowed"));
    nobody_was_let_in(stage, &upstream).await;
}

/// B18, the half without a clock: one status, one body, the same headers.
#[tokio::test]
async fn nobody_learns_which_check_failed() {
    let (stage, upstream) = echo().await;
    let own = Stranger::new();
    let forge = &stage.forge;
    let good = forge.token("voice");
    let (message, signature) = good.rsplit_once('.').unwrap();
    let mut bent = decode(signature);
    bent[0] ^= 1;
    let mut answers = Vec::new();
    for text in [
        format!("{message}.{}", encode(&bent)),
        own.token("voice", json!({})),
        own.token("nowhere", json!({})),
        forge.token_under("voice", json!({"alg": "ES256"})),
        forge.token_under("voice", json!({"typ": "JWT"})),
        forge.token_with("voice", json!({"iss": "x"})),
        forge.token_with("voice", json!({"aud": "x"})),
        forge.token_with("voice", json!({"exp": "soon"})),
        forge.token_with("voice", json!({"exp": 4_000_000_000_u64})),
        "x".to_owned(),
    ] {
        for origin in [None, Some("https://evil.example")] {
            let handshake = knock("voice", &text);
            let handshake = origin
                .into_iter()
                .fold(handshake, |it, origin| it.origin(origin));
            answers.push(but_for_the_id(&stage.refused(handshake).await));
        }
    }
    assert_eq!(answers[0].0, 401);
    assert!(
        answers.iter().all(|answer| *answer == answers[0]),
        "{answers:?}"
    );
    nobody_was_let_in(stage, &upstream).await;
}
