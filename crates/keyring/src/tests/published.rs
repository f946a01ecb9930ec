//! K01: what others see of our keys.

use std::{collections::BTreeSet, sync::Arc};

use base64::{Engine as _, engine::general_purpose::URL_SAFE_NO_PAD};
use ring::digest::{SHA256, digest};
use serde_json::Value;
use tollbridge_store::{Algorithm, memory::MemoryStore};

use super::{Hands, START, fresh, master, operator, policy, try_open};
use crate::{Keyring, Policy, jwks_max_age};

fn published(keyring: &Keyring) -> Vec<Value> {
    let snapshot = keyring.snapshot();
    let set: Value = serde_json::from_slice(&snapshot.jwks().body).unwrap();
    assert_eq!(set.as_object().unwrap().len(), 1);
    set["keys"].as_array().unwrap().clone()
}

fn kids(keyring: &Keyring) -> Vec<String> {
    let kid = |key: &Value| key["kid"].as_str().unwrap().to_owned();
    published(keyring).iter().map(kid).collect()
}

/// RFC 7638 by another way than the crate's: a sorted map of the required members.
fn thumbprint_again(key: &Value) -> String {
    let required: &[&str] = match key["kty"].as_str().unwrap() {
        "OKP" => &["crv", "kty", "x"],
        "EC" => &["crv", "kty", "x", "y"],
        other => panic!("{other}"),
    };
    let members: std::collections::BTreeMap<_, _> =
        required.iter().map(|name| (*name, &key[*name])).collect();
    let json = serde_json::to_vec(&members).unwrap();
    URL_SAFE_NO_PAD.encode(digest(&SHA256, &json))
}

#[tokio::test]
async fn only_public_members_are_published_and_kid_is_the_thumbprint() {
    let expected = [
        (
            Algorithm::EdDSA,
            vec!["alg", "crv", "kid", "kty", "use", "x"],
        ),
        (
            Algorithm::ES256,
            vec!["alg", "crv", "kid", "kty", "use", "x", "y"],
        ),
    ];
    for (algorithm, members) in expected {
        let wanted = Policy {
            algorithm,
            ..policy()
        };
        let store = Arc::new(MemoryStore::new());
        let keyring = try_open(store, &Hands::at(START), master(1), wanted)
            .await
            .unwrap();
        let keys = published(&keyring);
        let names: BTreeSet<_> = keys[0]
            .as_object()
            .unwrap()
            .keys()
            .map(String::as_str)
            .collect();
        assert_eq!(names, members.into_iter().collect());
        assert_eq!(keys[0]["use"], "sig");
        assert_eq!(keys[0]["alg"], format!("{algorithm:?}"));
        assert_eq!(keys[0]["kid"], thumbprint_again(&keys[0]));
        let signer = keyring.snapshot().signer().unwrap().kid().clone();
        assert_eq!(keys[0]["kid"], signer.as_str());
    }
}

#[tokio::test]
async fn what_verifies_or_will_sign_is_published_and_nothing_else() {
    let (keyring, _, clock) = fresh().await;
    let first = kids(&keyring)[0].clone();
    let etag = keyring.snapshot().jwks().etag.clone();
    let second = keyring.rotate(false, &operator(), "").await.unwrap().kid;
    assert_eq!(kids(&keyring), [first.clone(), second.to_string()]);
    assert_ne!(keyring.snapshot().jwks().etag, etag);
    clock.advance(600);
    keyring.tick().await.unwrap();
    assert_eq!(kids(&keyring), [first, second.to_string()]);
    clock.advance(610);
    keyring.tick().await.unwrap();
    assert_eq!(kids(&keyring), [second.to_string()]);
    let third = keyring
        .revoke(&second, &operator(), "")
        .await
        .unwrap()
        .successor;
    assert_eq!(kids(&keyring), [third.unwrap().to_string()]);
}

#[test]
fn caches_are_stale_before_a_new_key_signs() {
    for lead in [0, 1, 2, 59, 600, 601, 86_400] {
        let policy = Policy {
            publish_before_use: lead,
            ..policy()
        };
        let age = jwks_max_age(&policy);
        assert!(age <= lead && age <= 300, "{lead}");
    }
    assert_eq!(jwks_max_age(&policy()), 300);
}
