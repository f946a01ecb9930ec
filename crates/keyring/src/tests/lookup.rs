//! Keys that the snapshot does not know, and a store that does not answer.

use std::{
    sync::{Arc, atomic::Ordering},
    time::Duration,
};

use tollbridge_domain::KeyId;

use super::{Hands, START, open, operator, watched::Watched};
use crate::KeyringError;

fn unknown(number: u32) -> KeyId {
    KeyId::parse(&format!("unknown-{number}")).unwrap()
}

/// K06.
#[tokio::test(start_paused = true)]
async fn unknown_keys_cost_one_read_a_second_however_many_ask() {
    let watched = Arc::new(Watched::default());
    let keyring = open(watched.clone(), &Hands::at(START)).await;
    let before = watched.reads();
    let mut asking = tokio::task::JoinSet::new();
    for number in 0..1000 {
        let keyring = keyring.clone();
        asking.spawn(async move { keyring.verifier(&unknown(number)).await });
    }
    while let Some(answer) = asking.join_next().await {
        assert!(answer.unwrap().is_none());
    }
    assert_eq!(watched.reads(), before + 1);
    tokio::time::advance(Duration::from_millis(999)).await;
    assert!(keyring.verifier(&unknown(1)).await.is_none());
    assert_eq!(watched.reads(), before + 1);
    tokio::time::advance(Duration::from_millis(1)).await;
    assert!(keyring.verifier(&unknown(1)).await.is_none());
    assert_eq!(watched.reads(), before + 2);
}

#[tokio::test]
async fn a_key_that_another_node_made_is_found_at_first_sight() {
    let watched = Arc::new(Watched::default());
    let clock = Hands::at(START);
    let one = open(watched.clone(), &clock).await;
    let two = open(watched.clone(), &clock).await;
    let staged = two.rotate(false, &operator(), "").await.unwrap().kid;
    assert!(one.snapshot().verifier(&staged).is_none());
    assert!(one.verifier(&staged).await.is_some());
}

#[tokio::test]
async fn a_revoked_key_is_known_and_costs_no_read() {
    let watched = Arc::new(Watched::default());
    let keyring = open(watched.clone(), &Hands::at(START)).await;
    let bad = keyring.snapshot().signer().unwrap().kid().clone();
    keyring.revoke(&bad, &operator(), "").await.unwrap();
    let before = watched.reads();
    assert!(keyring.verifier(&bad).await.is_none());
    assert_eq!(watched.reads(), before);
}

#[tokio::test]
async fn a_store_that_fails_leaves_the_keys_as_they_are() {
    let watched = Arc::new(Watched::default());
    let clock = Hands::at(START);
    let keyring = open(watched.clone(), &clock).await;
    keyring.rotate(false, &operator(), "").await.unwrap();
    let signer = keyring.snapshot().signer().unwrap().kid().clone();
    watched.failing.store(true, Ordering::SeqCst);
    clock.advance(601);
    assert!(matches!(keyring.tick().await, Err(KeyringError::Store(_))));
    assert!(keyring.refresh().await.is_err());
    assert!(keyring.revoke(&signer, &operator(), "").await.is_err());
    assert_eq!(*keyring.snapshot().signer().unwrap().kid(), signer);
    assert!(keyring.verifier(&signer).await.is_some());
    watched.failing.store(false, Ordering::SeqCst);
    assert_eq!(keyring.tick().await.unwrap().len(), 1);
}

#[tokio::test(start_paused = true)]
async fn a_store_that_does_not_answer_is_given_up() {
    let watched = Arc::new(Watched::default());
    let keyring = open(watched.clone(), &Hands::at(START)).await;
    watched.stalling.store(true, Ordering::SeqCst);
    assert!(keyring.refresh().await.is_err());
    assert!(keyring.verifier(&unknown(1)).await.is_none());
}
