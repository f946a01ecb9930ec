//! B06 and B07: a header must not choose how it is judged.

use base64::{Engine as _, engine::general_purpose::STANDARD};
use ring::hmac;
use serde_json::{Value, json};
use tollbridge_store::Algorithm;

use super::{Bench, claims, header_with, message};
use crate::jws::encode;

const ALGORITHMS: [Algorithm; 2] = [Algorithm::EdDSA, Algorithm::ES256];

/// B06; RFC 8725, 2.1 and 3.1.
#[tokio::test]
async fn no_spelling_of_none_is_an_algorithm() {
    let bench = Bench::new().await;
    let spellings = [
        "none",
        "None",
        "NONE",
        "nOnE",
        "NoNe",
        "none ",
        " none",
        "none\0",
        "n\u{f6}ne",
        "null",
        "",
        "\u{ff4e}one",
    ];
    for spelling in spellings {
        let header = header_with(&bench, &json!({"alg": spelling}));
        let message = message(&header.to_string(), &claims().to_string());
        for text in [format!("{message}."), bench.sign(&header, &claims())] {
            assert_eq!(bench.refusal(&text).await, "algorithm", "{spelling:?}");
        }
    }
    for missing in [
        json!({"alg": null}),
        json!({"alg": 0}),
        json!({"alg": ["EdDSA"]}),
    ] {
        let header = header_with(&bench, &missing);
        assert_eq!(
            bench.refusal(&bench.sign(&header, &claims())).await,
            "header",
            "{missing}"
        );
    }
    // serde would read an enum variant from this.
    let header = header_with(&bench, &json!({"alg": {"EdDSA": null}}));
    assert_eq!(
        bench.refusal(&bench.sign(&header, &claims())).await,
        "header"
    );
}

/// B07; RFC 8725, 2.1: the public key, in every form an attacker may have it, as HMAC secret.
#[tokio::test]
async fn the_public_key_is_not_a_shared_secret() {
    for algorithm in ALGORITHMS {
        let bench = Bench::with(algorithm).await;
        for secret in public_key_forms(&bench) {
            for (alg, with) in [
                ("HS256", hmac::HMAC_SHA256),
                ("HS384", hmac::HMAC_SHA384),
                ("HS512", hmac::HMAC_SHA512),
            ] {
                let key = hmac::Key::new(with, &secret);
                for (named, reason) in [(alg, "algorithm"), (bench.algorithm(), "signature")] {
                    let header = header_with(&bench, &json!({"alg": named}));
                    let message = message(&header.to_string(), &claims().to_string());
                    let tag = hmac::sign(&key, message.as_bytes());
                    let text = format!("{message}.{}", encode(tag.as_ref()));
                    assert_eq!(bench.refusal(&text).await, reason, "{alg} as {named}");
                }
            }
        }
    }
}

fn public_key_forms(bench: &Bench) -> Vec<Vec<u8>> {
    let snapshot = bench.keyring.snapshot();
    let signer = snapshot.signer().unwrap();
    let raw = signer.public().to_vec();
    let prefix: &[u8] = match signer.algorithm() {
        Algorithm::EdDSA => &[0x30, 0x2a, 0x30, 5, 6, 3, 0x2b, 0x65, 0x70, 3, 0x21, 0],
        Algorithm::ES256 => &[
            0x30, 0x59, 0x30, 0x13, 6, 7, 0x2a, 0x86, 0x48, 0xce, 0x3d, 2, 1, 6, 8, 0x2a, 0x86,
            0x48, 0xce, 0x3d, 3, 1, 7, 3, 0x42, 0,
        ],
    };
    let der = [prefix, &raw].concat();
    let body = STANDARD.encode(&der);
    let pem = format!("-----BEGIN PUBLIC KEY-----\n{body}\n-----END PUBLIC KEY-----");
    let set: Value = serde_json::from_slice(&snapshot.jwks().body).unwrap();
    let jwk = &set["keys"][0];
    vec![
        raw,
        der,
        body.into_bytes(),
        format!("{pem}\n").into_bytes(),
        pem.into_bytes(),
        jwk["x"].as_str().unwrap().as_bytes().to_vec(),
        jwk.to_string().into_bytes(),
        snapshot.jwks().body.to_vec(),
        Vec::new(),
    ]
}

/// B07, T3: a header of the other algorithm over a good signature, and the other key's signature
/// under our name.
#[tokio::test]
async fn the_key_dictates_the_algorithm() {
    for (ours, other) in [("EdDSA", "ES256"), ("ES256", "EdDSA")] {
        let algorithm = if ours == "EdDSA" {
            Algorithm::EdDSA
        } else {
            Algorithm::ES256
        };
        let bench = Bench::with(algorithm).await;
        let header = header_with(&bench, &json!({"alg": other}));
        assert_eq!(
            bench.refusal(&bench.sign(&header, &claims())).await,
            "algorithm"
        );
        let stranger = Bench::with(if ours == "EdDSA" {
            Algorithm::ES256
        } else {
            Algorithm::EdDSA
        });
        let stranger = stranger.await;
        for named in [ours, other] {
            let header = header_with(&bench, &json!({"alg": named}));
            let reason = bench.refusal(&stranger.sign(&header, &claims())).await;
            assert!(["algorithm", "signature"].contains(&reason), "{reason}");
        }
    }
    let bench = Bench::new().await;
    for alg in [
        "RS256", "PS256", "RS512", "ES384", "ES512", "ES256K", "Ed448", "Ed25519", "eddsa",
        "EDDSA", "es256", "EdDSA ", "dir", "HS256",
    ] {
        let header = header_with(&bench, &json!({"alg": alg}));
        assert_eq!(
            bench.refusal(&bench.sign(&header, &claims())).await,
            "algorithm",
            "{alg}"
        );
    }
}
