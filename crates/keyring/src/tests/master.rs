//! Sealing and the master key, seen through the keyring.

use std::sync::Arc;

use tollbridge_store::{KeyStore as _, Stage, memory::MemoryStore};

use super::{START, acts, fresh, master, open, operator, policy, stages, try_open};
use crate::{KeyringError, SigningKey, seal};

#[tokio::test]
async fn another_master_key_is_refused_and_nothing_changes() {
    let (_, store, clock) = fresh().await;
    let before = store.keys().await.unwrap();
    let refused = try_open(store.clone(), &clock, master(2), policy()).await;
    assert!(matches!(refused, Err(KeyringError::WrongMaster(_))));
    assert_eq!(store.keys().await.unwrap(), before);
}

#[tokio::test]
async fn private_keys_are_sealed_at_rest_and_absent_from_debug() {
    let (keyring, store, _) = fresh().await;
    let (records, _) = store.keys().await.unwrap();
    let sealed = records[0].sealed.clone().unwrap();
    let pkcs8 = seal::open(&master(1), &records[0].kid, &sealed).unwrap();
    let key = SigningKey::from_pkcs8(records[0].algorithm, &pkcs8).unwrap();
    assert_eq!(*key.kid(), records[0].kid);
    assert!(
        !sealed
            .windows(16)
            .any(|window| pkcs8.windows(16).any(|part| part == window))
    );
    let seed = format!("{:?}", &pkcs8[16..24]);
    let seed = seed.trim_matches(['[', ']']);
    let printed = format!("{keyring:?} {key:?} {:?}", keyring.snapshot().records());
    assert!(!printed.contains(seed));
    assert!(
        keyring
            .snapshot()
            .records()
            .iter()
            .all(|key| key.sealed.is_none())
    );
}

#[tokio::test]
async fn rewrapping_changes_the_master_key_and_no_key() {
    let (keyring, store, clock) = fresh().await;
    keyring.rotate(false, &operator(), "").await.unwrap();
    let signer = keyring.snapshot().signer().unwrap().kid().clone();
    keyring.rewrap(master(2), &operator()).await.unwrap();
    let old = try_open(store.clone(), &clock, master(1), policy()).await;
    assert!(matches!(old, Err(KeyringError::WrongMaster(_))));
    let new = try_open(store.clone(), &clock, master(2), policy())
        .await
        .unwrap();
    assert_eq!(*new.snapshot().signer().unwrap().kid(), signer);
    let rewrapped = |act: &String| act.starts_with("key.rewrapped");
    assert_eq!(acts(&store).await.into_iter().filter(rewrapped).count(), 2);
    // The process that did it goes on under the new one.
    clock.advance(600);
    keyring.tick().await.unwrap();
    assert_eq!(stages(&keyring), [Stage::Retiring, Stage::Active]);
}

#[tokio::test]
async fn a_server_that_missed_a_rewrap_seals_nothing_under_the_old_master_key() {
    let (server, store, clock) = fresh().await;
    let cli = open(store.clone(), &clock).await;
    cli.rewrap(master(2), &operator()).await.unwrap();
    server.refresh().await.unwrap();
    let refused = server.rotate(false, &operator(), "").await;
    assert!(matches!(refused, Err(KeyringError::WrongMaster(_))));
    assert!(server.snapshot().signer().is_some());
    assert!(server.adopt_master(master(3)).await.is_err());
    server.adopt_master(master(2)).await.unwrap();
    server.rotate(false, &operator(), "").await.unwrap();
}

#[tokio::test]
async fn a_revocation_takes_effect_even_where_the_new_key_cannot_be_opened() {
    let (server, store, clock) = fresh().await;
    let cli = open(store.clone(), &clock).await;
    let bad = cli.snapshot().signer().unwrap().kid().clone();
    cli.rewrap(master(2), &operator()).await.unwrap();
    cli.revoke(&bad, &operator(), "leaked").await.unwrap();
    assert!(matches!(
        server.refresh().await,
        Err(KeyringError::WrongMaster(_))
    ));
    assert!(server.verifier(&bad).await.is_none());
    assert!(server.snapshot().signer().is_none());
    server.adopt_master(master(2)).await.unwrap();
    assert!(server.snapshot().signer().is_some());
}

#[tokio::test]
async fn a_record_under_a_wrong_name_is_refused() {
    let (_, store, clock) = fresh().await;
    let (mut records, _) = store.keys().await.unwrap();
    records[0].public[0] ^= 1;
    let damaged = MemoryStore::new();
    let (_, revision) = damaged.keys().await.unwrap();
    let now = tollbridge_domain::Moment::from_seconds(START);
    damaged
        .change_keys(revision, &records, &[], now)
        .await
        .unwrap();
    let refused = try_open(Arc::new(damaged), &clock, master(1), policy()).await;
    assert!(matches!(refused, Err(KeyringError::Corrupt(_))));
}
