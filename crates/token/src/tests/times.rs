//! B12: time, to the second.

use std::sync::{Arc, atomic::Ordering};

use serde_json::json;
use tollbridge_domain::{Moment, Slug};

use super::{Bench, ISSUER, START};
use crate::{Refusal, Verifier};

#[tokio::test]
async fn expiry_is_forgiven_for_two_seconds_and_no_more() {
    let bench = Bench::new().await;
    let token = bench.mint();
    for (second, verdict) in [
        (0, "taken"),
        (29, "taken"),
        (30, "taken"),
        (31, "taken"),
        (32, "token_expired"),
        (33, "token_expired"),
        (1_000_000, "token_expired"),
    ] {
        bench.clock.0.store(START + second, Ordering::SeqCst);
        assert_eq!(bench.refusal(&token).await, verdict, "{second}");
    }
}

#[tokio::test]
async fn the_mint_may_be_five_seconds_ahead_and_no_more() {
    let bench = Bench::new().await;
    let token = bench.mint();
    for (second, verdict) in [
        (-4, "taken"),
        (-5, "taken"),
        (-6, "token_not_yet_valid"),
        (-99, "token_not_yet_valid"),
    ] {
        bench.clock.0.store(START + second, Ordering::SeqCst);
        assert_eq!(bench.refusal(&token).await, verdict, "{second}");
    }
}

#[tokio::test]
async fn nbf_and_iat_are_judged_each_for_itself() {
    let bench = Bench::new().await;
    for (claims, verdict) in [
        (json!({"nbf": START + 5}), "taken"),
        (json!({"nbf": START + 6}), "token_not_yet_valid"),
        (json!({"iat": START + 5}), "taken"),
        (json!({"iat": START + 6}), "token_not_yet_valid"),
        (json!({"nbf": START - 1000}), "taken"),
    ] {
        let token = bench.sign_with(claims.clone());
        assert_eq!(bench.refusal(&token).await, verdict, "{claims}");
    }
}

/// T10: even a token that our own key has signed.
#[tokio::test]
async fn a_life_longer_than_policy_is_refused_however_it_is_signed() {
    let bench = Bench::new().await;
    for (claims, verdict) in [
        (json!({"exp": START + 600}), "taken"),
        (json!({"exp": START + 601}), "life"),
        (json!({"exp": START + 10 * 365 * 86_400}), "life"),
        (json!({"exp": 253_402_300_799_i64}), "life"),
        (json!({"exp": START}), "life"),
        (json!({"exp": START - 1}), "life"),
        (json!({"exp": 0}), "life"),
        (json!({"iat": 0, "nbf": 0}), "life"),
    ] {
        let token = bench.sign_with(claims.clone());
        assert_eq!(bench.refusal(&token).await, verdict, "{claims}");
    }
}

/// Contract, section 9: a restart forgets what was used.
#[tokio::test]
async fn tokens_of_the_starting_second_and_before_have_expired() {
    let bench = Bench::new().await;
    let restarted = |epoch| {
        let keyring = Arc::clone(&bench.keyring);
        Verifier::new(keyring, ISSUER.to_owned(), Moment::from_seconds(epoch), 600)
    };
    let raw = crate::RawToken::parse(&bench.mint()).unwrap();
    let now = Moment::from_seconds(START + 1);
    for (epoch, taken) in [(START - 1, true), (START, false), (START + 1, false)] {
        let verdict = restarted(epoch).verify(&raw, now).await;
        match verdict {
            Ok(_) => assert!(taken, "{epoch}"),
            Err(Refusal::Expired(_)) => assert!(!taken, "{epoch}"),
            Err(other) => panic!("{other:?}"),
        }
    }
}

#[tokio::test]
async fn the_bearer_of_a_genuine_token_is_no_stranger() {
    let bench = Bench::new().await;
    let late = bench.sign_with(json!({"iat": START - 60, "exp": START - 30}));
    let refusal = bench.verify(&late).await.unwrap_err();
    assert_eq!(refusal.slug(), Slug::TokenExpired);
    assert_eq!(refusal.genuine().unwrap().subject().as_str(), "alice");
    let early = bench.sign_with(json!({"nbf": START + 60}));
    let refusal = bench.verify(&early).await.unwrap_err();
    assert_eq!(refusal.slug(), Slug::TokenNotYetValid);
    assert!(refusal.genuine().is_some());
    let foreign = bench.sign_with(json!({"iss": "https://other.example.com"}));
    let refusal = bench.verify(&foreign).await.unwrap_err();
    assert_eq!(refusal.slug(), Slug::TokenInvalid);
    assert!(refusal.genuine().is_none());
}
