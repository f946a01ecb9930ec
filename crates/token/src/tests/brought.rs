//! B08 to B10: what a token brings along in its header.

use base64::{Engine as _, engine::general_purpose::STANDARD};
use ring::{
    rand::SystemRandom,
    signature::{Ed25519KeyPair, KeyPair as _},
};
use serde_json::{Value, json};

use super::{Bench, claims, header_with, message};
use crate::jws::encode;

/// B08; RFC 8725, 3.10: `kid` only ever picks among our own keys.
#[tokio::test]
async fn a_key_id_is_a_name_and_nothing_more() {
    let bench = Bench::new().await;
    let own = bench.kid();
    for kid in [
        "",
        "../../etc/passwd",
        "/dev/null",
        "' or 1=1--",
        "%0d%0a",
        "a\r\nb",
        "a\0b",
        "kid;ls",
        "https://evil.example/k",
        &format!("{own}\0"),
        &format!("{own} "),
        &format!("{own}="),
        &"A".repeat(65),
    ] {
        let header = header_with(&bench, &json!({"kid": kid}));
        assert_eq!(
            bench.refusal(&bench.sign(&header, &claims())).await,
            "header",
            "{kid:?}"
        );
    }
    for kid in [json!(7), json!([]), json!({}), json!([own]), json!(true)] {
        let header = header_with(&bench, &json!({"kid": kid}));
        assert_eq!(
            bench.refusal(&bench.sign(&header, &claims())).await,
            "header",
            "{kid}"
        );
    }
    let huge = header_with(&bench, &json!({"kid": "A".repeat(1 << 20)}));
    assert_eq!(bench.refusal(&bench.sign(&huge, &claims())).await, "form");
    let absent = header_with(&bench, &json!({"kid": null}));
    assert_eq!(
        bench.refusal(&bench.sign(&absent, &claims())).await,
        "unknown_key"
    );
    let null = format!(
        r#"{{"alg":"EdDSA","typ":"tollbridge+jwt","kid":{}}}"#,
        Value::Null
    );
    let text = bench.sign_text(&null, &claims().to_string());
    assert_eq!(bench.refusal(&text).await, "header");
    for kid in [
        "a",
        "kPrK_qmxVWaYVA9wwBF6Iuo3vVzz7TxHCTwXBygrS4k",
        &own.to_lowercase(),
    ] {
        let header = header_with(&bench, &json!({"kid": kid}));
        assert_eq!(
            bench.refusal(&bench.sign(&header, &claims())).await,
            "unknown_key",
            "{kid}"
        );
    }
}

/// B09; RFC 8725, 3.10; CVE-2018-0114: a key that the token brings along.
#[tokio::test]
async fn a_key_inside_the_token_is_refused() {
    let bench = Bench::new().await;
    let document = Ed25519KeyPair::generate_pkcs8(&SystemRandom::new()).unwrap();
    let attacker = Ed25519KeyPair::from_pkcs8(document.as_ref()).unwrap();
    let x = encode(attacker.public_key().as_ref());
    for brought in [
        json!({"jwk": {"kty": "OKP", "crv": "Ed25519", "x": x, "kid": bench.kid()}}),
        json!({"jku": "https://evil.example/jwks.json"}),
        json!({"x5u": "https://evil.example/cert.pem"}),
        json!({"x5c": [STANDARD.encode(attacker.public_key().as_ref())]}),
        json!({"x5t": "AAAA"}),
        json!({"x5t#S256": "AAAA"}),
        json!({"jwk": {}, "kid": null}),
    ] {
        let header = header_with(&bench, &brought);
        let message = message(&header.to_string(), &claims().to_string());
        let signature = encode(attacker.sign(message.as_bytes()).as_ref());
        assert_eq!(
            bench.refusal(&format!("{message}.{signature}")).await,
            "header",
            "{brought}"
        );
        // Not even where our own key has signed it.
        assert_eq!(
            bench.refusal(&bench.sign(&header, &claims())).await,
            "header",
            "{brought}"
        );
    }
    let plain = message(&bench.header().to_string(), &claims().to_string());
    let signature = encode(attacker.sign(plain.as_bytes()).as_ref());
    assert_eq!(
        bench.refusal(&format!("{plain}.{signature}")).await,
        "signature"
    );
}

/// B10; RFC 7515, 4.1.11; RFC 7797; RFC 8725, 3.6 (no compression).
#[tokio::test]
async fn extensions_are_refused() {
    let bench = Bench::new().await;
    for extension in [
        json!({"crit": ["b64"], "b64": false}),
        json!({"crit": ["exp"]}),
        json!({"crit": []}),
        json!({"crit": ["http://example.com/UNDEFINED"]}),
        json!({"b64": false}),
        json!({"b64": true}),
        json!({"zip": "DEF"}),
        json!({"cty": "JWT"}),
        json!({"exp": 1}),
        json!({"anything": null, "else": 1}),
    ] {
        let header = header_with(&bench, &extension);
        assert_eq!(
            bench.refusal(&bench.sign(&header, &claims())).await,
            "header",
            "{extension}"
        );
    }
}
