//! What we mint is what we verify.

use std::collections::HashSet;

use base64::{Engine as _, engine::general_purpose::URL_SAFE_NO_PAD};
use serde_json::{Value, json};
use tollbridge_domain::{Grant, Origin};
use tollbridge_store::Algorithm;

use super::{Bench, ISSUER, START, grant};
use crate::{MintError, RawToken, inspect, parses};

fn part(token: &str, index: usize) -> Value {
    let part = token.split('.').nth(index).unwrap();
    serde_json::from_slice(&URL_SAFE_NO_PAD.decode(part).unwrap()).unwrap()
}

/// M02, as far as the token goes.
#[tokio::test]
async fn a_token_has_exactly_the_documented_header_and_claims() {
    for algorithm in [Algorithm::EdDSA, Algorithm::ES256] {
        let bench = Bench::with(algorithm).await;
        let minted = bench.minter.mint(grant()).unwrap();
        let token = minted.token.reveal();
        assert_eq!(token.split('.').count(), 3);
        assert!(token.len() < 1024);
        assert_eq!(part(token, 0), bench.header());
        let jti = minted.claims.jti().as_str();
        assert_eq!(URL_SAFE_NO_PAD.decode(jti).unwrap().len(), 16);
        assert_eq!(
            part(token, 1),
            json!({
                "iss": ISSUER, "aud": ISSUER, "sub": "alice", "client_id": "backend:ak_1",
                "iat": START, "nbf": START, "exp": START + 30, "jti": jti, "route": "voice",
            })
        );
        let verified = bench.verify(token).await.unwrap();
        assert_eq!(*verified.claims(), minted.claims);
        assert_eq!(*verified.kid(), minted.kid);
    }
}

#[tokio::test]
async fn every_part_of_a_grant_survives_the_way() {
    let bench = Bench::new().await;
    let full = Grant {
        max_session: Some(900),
        uses: 3,
        origin: Some(Origin::parse("https://app.example.com").unwrap()),
        params: [("model".to_owned(), "gpt-realtime".to_owned())].into(),
        label: Some("Ümit's call".to_owned()),
        metadata: Some(json!({"a": [1, 2.5, null], "b": {"a": true}})),
        ..grant()
    };
    let minted = bench.minter.mint(full.clone()).unwrap();
    let verified = bench.verify(minted.token.reveal()).await.unwrap();
    let claims = verified.claims();
    assert_eq!(*claims, minted.claims);
    assert_eq!(claims.max_session(), Some(900));
    assert_eq!(claims.uses(), 3);
    assert_eq!(claims.origin(), full.origin.as_ref());
    assert_eq!(*claims.params(), full.params);
    assert_eq!(claims.label(), full.label.as_deref());
    assert_eq!(claims.metadata(), full.metadata.as_ref());
    assert_eq!(*claims.subject(), full.subject);
    assert_eq!(*claims.client_id(), full.client_id);
    assert_eq!(*claims.route(), full.route);
}

#[tokio::test]
async fn no_two_tokens_share_an_id() {
    let bench = Bench::new().await;
    let ids: HashSet<_> = (0..1000)
        .map(|_| bench.minter.mint(grant()).unwrap().claims.jti().clone())
        .collect();
    assert_eq!(ids.len(), 1000);
}

#[tokio::test]
async fn a_token_never_exceeds_two_kilobytes() {
    let bench = Bench::new().await;
    let labelled = |length| Grant {
        label: Some("x".repeat(length)),
        ..grant()
    };
    let longest = (0..2048)
        .take_while(|length| bench.minter.mint(labelled(*length)).is_ok())
        .last()
        .unwrap();
    let token = bench.minter.mint(labelled(longest)).unwrap().token;
    assert!((2045..=2048).contains(&token.reveal().len()));
    assert!(bench.verify(token.reveal()).await.is_ok());
    assert!(matches!(
        bench.minter.mint(labelled(longest + 1)),
        Err(MintError::TooLong { length }) if length > 2048
    ));
}

#[tokio::test]
async fn a_grant_of_nothing_is_not_minted() {
    let bench = Bench::new().await;
    let empty = [
        Grant { uses: 0, ..grant() },
        Grant {
            redeem_within: 0,
            ..grant()
        },
        Grant {
            max_session: Some(0),
            ..grant()
        },
    ];
    for grant in empty {
        assert_eq!(bench.minter.mint(grant).unwrap_err(), MintError::Nothing);
    }
}

#[tokio::test]
async fn a_token_outlives_the_rotation_of_its_key_and_not_its_revocation() {
    let bench = Bench::new().await;
    let actor = tollbridge_domain::Actor::system();
    let token = bench.mint();
    let old = bench.keyring.snapshot().signer().unwrap().kid().clone();
    let staged = bench.keyring.rotate(false, &actor, "").await.unwrap().kid;
    assert!(bench.verify(&token).await.is_ok());
    bench.keyring.revoke(&old, &actor, "").await.unwrap();
    assert_eq!(bench.refusal(&token).await, "unknown_key");
    assert_eq!(bench.minter.mint(grant()).unwrap().kid, staged);
}

#[tokio::test]
async fn inspecting_says_that_nothing_was_verified() {
    let bench = Bench::new().await;
    let forged = bench.sign(&json!({"alg": "none"}), &json!({"sub": "mallory"}));
    let seen = inspect(&RawToken::parse(&forged).unwrap()).unwrap();
    let printed = serde_json::to_value(&seen).unwrap();
    assert_eq!(
        printed,
        json!({"verified": false, "header": {"alg": "none"}, "claims": {"sub": "mallory"}})
    );
    assert!(inspect(&RawToken::parse("a.b").unwrap()).is_err());
    assert!(parses(&bench.mint()) && !parses(&forged));
}

#[tokio::test]
async fn nothing_prints_the_token() {
    let bench = Bench::new().await;
    let minted = bench.minter.mint(grant()).unwrap();
    let token = minted.token.reveal();
    let raw = RawToken::parse(token).unwrap();
    let signature = token.rsplit('.').next().unwrap();
    let verified = bench.verify(token).await.unwrap();
    let refused = bench.verify(&format!("{token}A")).await.unwrap_err();
    let printed = format!("{raw:?} {minted:?} {verified:?} {refused:?} {refused}");
    for part in token.split('.') {
        assert!(!printed.contains(part));
    }
    assert!(!printed.contains(&signature[..20]));
}
