//! What a process signed itself is believed to be signed, and nothing more.

use std::sync::Arc;

use serde_json::json;
use tollbridge_domain::{Actor, Moment};
use tollbridge_store::Algorithm;

use super::{Bench, START, claims, grant, header_with};
use crate::{jws::encode, recall::Recall};

impl Bench {
    /// As a node has them: the verifier knows what the minter did.
    async fn of_one_process(algorithm: Algorithm) -> (Self, Arc<Recall>) {
        let mut bench = Self::with(algorithm).await;
        let epoch = Moment::from_seconds(START - 100);
        (bench.minter, bench.verifier) = bench.minter.with_verifier(epoch, 600);
        let recall = bench.minter.recall().unwrap();
        (bench, recall)
    }
}

/// A token with the signature of nobody.
fn unsigned(token: &str) -> String {
    let (message, _) = token.rsplit_once('.').unwrap();
    format!("{message}.{}", encode(&[7; 64]))
}

#[tokio::test]
async fn what_was_minted_here_is_recalled_and_what_was_not_is_verified() {
    for algorithm in [Algorithm::EdDSA, Algorithm::ES256] {
        is_recalled(algorithm).await;
    }
}

async fn is_recalled(algorithm: Algorithm) {
    let (bench, recall) = Bench::of_one_process(algorithm).await;
    let minted = bench.minter.mint(grant()).unwrap();
    assert!(recall.knows(minted.token.reveal()));
    let verified = bench.verify(minted.token.reveal()).await.unwrap();
    assert_eq!(*verified.claims(), minted.claims);
    let elsewhere = bench.sign(&bench.header(), &claims());
    assert!(!recall.knows(&elsewhere));
    assert_eq!(bench.refusal(&elsewhere).await, "taken");
    assert_eq!(
        bench.refusal(&unsigned(minted.token.reveal())).await,
        "signature"
    );
}

/// Seen through a token that nobody signed: only a recalled signature can be good.
#[tokio::test]
async fn a_recalled_signature_is_all_that_is_recalled() {
    let (bench, recall) = Bench::of_one_process(Algorithm::EdDSA).await;
    let with = |changes| unsigned(&bench.sign_with(changes));
    let headed = |changes| unsigned(&bench.sign(&header_with(&bench, &changes), &claims()));
    for (token, verdict) in [
        (with(json!({})), "taken"),
        (with(json!({"iss": "https://other.example"})), "issuer"),
        (with(json!({"aud": "https://other.example"})), "audience"),
        (with(json!({"exp": START + 601})), "life"),
        (
            with(json!({"iat": START - 40, "nbf": START - 40, "exp": START - 10})),
            "token_expired",
        ),
        (
            with(json!({"iat": START + 9, "nbf": START + 9})),
            "token_not_yet_valid",
        ),
        (with(json!({"colour": "red"})), "claims"),
        (headed(json!({"alg": "ES256"})), "algorithm"),
        (headed(json!({"kid": "another"})), "unknown_key"),
        (headed(json!({"typ": "JWT"})), "type"),
    ] {
        assert_ne!(bench.refusal(&token).await, "taken", "before, {verdict}");
        recall.keep(&token);
        assert_eq!(bench.refusal(&token).await, verdict);
    }
}

#[tokio::test]
async fn a_revoked_key_takes_its_recalled_tokens_with_it() {
    let (bench, recall) = Bench::of_one_process(Algorithm::EdDSA).await;
    let token = bench.mint();
    let key = bench.keyring.snapshot().signer().unwrap().kid().clone();
    let actor = Actor::system();
    bench.keyring.revoke(&key, &actor, "").await.unwrap();
    assert!(recall.knows(&token));
    assert_eq!(bench.refusal(&token).await, "unknown_key");
}
