//! Keys through their life.

use std::{sync::Arc, time::Duration};

use tollbridge_domain::KeyId;
use tollbridge_store::{Algorithm, KeyStore as _, Stage, memory::MemoryStore};

use super::{START, acts, fresh, open, operator, policy, stages, try_open, watched::Watched};
use crate::{KeyringError, PUBLISH_WAIT, Policy, Transition, tests::Hands};

#[tokio::test]
async fn the_first_start_makes_and_activates_one_key() {
    let (keyring, store, clock) = fresh().await;
    let kid = keyring.snapshot().signer().unwrap().kid().clone();
    assert_eq!(stages(&keyring), [Stage::Active]);
    assert_eq!(
        acts(&store).await,
        ["created", "staged", "activated"].map(|event| format!("key.{event} {kid}"))
    );
    let again = open(store.clone(), &clock).await;
    assert_eq!(*again.snapshot().signer().unwrap().kid(), kid);
    assert_eq!(acts(&store).await.len(), 3);
}

#[tokio::test]
async fn the_active_key_signs_and_its_signature_verifies_under_either_algorithm() {
    for algorithm in [Algorithm::EdDSA, Algorithm::ES256] {
        let store = Arc::new(MemoryStore::new());
        let wanted = Policy {
            algorithm,
            ..policy()
        };
        let keyring = try_open(store, &Hands::at(START), super::master(1), wanted)
            .await
            .unwrap();
        let snapshot = keyring.snapshot();
        let signer = snapshot.signer().unwrap();
        let signature = signer.sign(b"message");
        assert_eq!(signature.len(), 64);
        let verifier = snapshot.verifier(signer.kid()).unwrap();
        assert_eq!(verifier.algorithm(), algorithm);
        assert!(verifier.verify(b"message", &signature));
        assert!(!verifier.verify(b"massage", &signature));
    }
}

#[tokio::test]
async fn a_rotation_publishes_then_activates_then_retires_and_erases() {
    let (keyring, store, clock) = fresh().await;
    let old = keyring.snapshot().signer().unwrap().kid().clone();
    let rotation = keyring.rotate(false, &operator(), "spring").await.unwrap();
    assert_eq!(rotation.previous.as_ref(), Some(&old));
    assert_eq!(rotation.activates_at.seconds(), START + 600);
    assert_eq!(stages(&keyring), [Stage::Active, Stage::Staged]);
    assert_eq!(*keyring.snapshot().signer().unwrap().kid(), old);

    clock.advance(599);
    assert_eq!(keyring.tick().await.unwrap(), []);
    clock.advance(1);
    let activated = Transition::Activated {
        kid: rotation.kid.clone(),
        previous: Some(old.clone()),
    };
    assert_eq!(keyring.tick().await.unwrap(), [activated]);
    assert_eq!(*keyring.snapshot().signer().unwrap().kid(), rotation.kid);
    assert!(keyring.verifier(&old).await.is_some());

    clock.advance(609);
    assert_eq!(keyring.tick().await.unwrap(), []);
    assert!(keyring.verifier(&old).await.is_some());
    clock.advance(1);
    let retired = Transition::Retired { kid: old.clone() };
    assert_eq!(keyring.tick().await.unwrap(), [retired]);
    assert!(keyring.verifier(&old).await.is_none());
    let (records, _) = store.keys().await.unwrap();
    let erased = records.iter().find(|key| key.kid == old).unwrap();
    assert_eq!((erased.stage, &erased.sealed), (Stage::Retired, &None));
    let retirement = rotation.previous_retires_at.unwrap();
    assert_eq!(erased.retired_at, Some(retirement));
}

#[tokio::test]
async fn a_second_rotation_uses_the_key_that_is_staged() {
    let (keyring, _, clock) = fresh().await;
    let first = keyring.rotate(false, &operator(), "").await.unwrap();
    clock.advance(10);
    let second = keyring.rotate(false, &operator(), "").await.unwrap();
    assert!(second.reused && !first.reused);
    assert_eq!(second.kid, first.kid);
    assert_eq!(second.activates_at, first.activates_at);
    let now = keyring.rotate(true, &operator(), "").await.unwrap();
    assert!(now.reused);
    assert_eq!(now.activates_at.seconds(), START + 10);
    assert_eq!(*keyring.snapshot().signer().unwrap().kid(), first.kid);
}

#[tokio::test(start_paused = true)]
async fn an_immediate_rotation_publishes_two_seconds_before_it_signs() {
    let (keyring, _, clock) = fresh().await;
    let before = tokio::time::Instant::now();
    let rotating = tokio::spawn({
        let keyring = keyring.clone();
        async move { keyring.rotate(true, &operator(), "").await }
    });
    tokio::time::sleep(Duration::from_millis(1999)).await;
    assert_eq!(stages(&keyring), [Stage::Active, Stage::Staged]);
    // Somebody else's ticks within the wait must not be faster.
    clock.advance(2);
    assert_eq!(keyring.tick().await.unwrap(), []);
    let rotation = rotating.await.unwrap().unwrap();
    assert_eq!(before.elapsed(), PUBLISH_WAIT);
    assert_eq!(rotation.activates_at.seconds(), START + 2);
    assert_eq!(stages(&keyring), [Stage::Retiring, Stage::Active]);
    assert_eq!(*keyring.snapshot().signer().unwrap().kid(), rotation.kid);
}

/// K05, the second half: the process dies between staging and activation.
#[tokio::test(start_paused = true)]
async fn an_immediate_rotation_that_was_cut_off_is_finished_by_a_later_tick() {
    let (keyring, store, clock) = fresh().await;
    let actor = operator();
    let rotating = keyring.rotate(true, &actor, "");
    let cut = tokio::time::timeout(Duration::from_secs(1), rotating).await;
    assert!(cut.is_err());
    drop(keyring);
    let keyring = open(store, &clock).await;
    assert_eq!(stages(&keyring), [Stage::Active, Stage::Staged]);
    clock.advance(3);
    assert_eq!(keyring.tick().await.unwrap().len(), 1);
    assert_eq!(stages(&keyring), [Stage::Retiring, Stage::Active]);
}

#[tokio::test]
async fn keys_rotate_by_themselves_with_the_lead() {
    let (store, clock) = (Arc::new(MemoryStore::new()), Hands::at(START));
    let wanted = Policy {
        rotate_every: Some(86_400),
        ..policy()
    };
    let keyring = try_open(store, &clock, super::master(1), wanted)
        .await
        .unwrap();
    clock.advance(86_400 - 601);
    assert_eq!(keyring.tick().await.unwrap(), []);
    clock.advance(1);
    assert!(matches!(
        keyring.tick().await.unwrap()[..],
        [Transition::Staged { activates_at, .. }] if activates_at.seconds() == START + 86_400
    ));
    clock.advance(600);
    assert_eq!(keyring.tick().await.unwrap().len(), 1);
    assert_eq!(stages(&keyring), [Stage::Retiring, Stage::Active]);
}

/// K04.
#[tokio::test]
async fn revoking_the_active_key_activates_another_in_the_same_change() {
    let (keyring, store, clock) = fresh().await;
    let other_node = open(store.clone(), &clock).await;
    let bad = keyring.snapshot().signer().unwrap().kid().clone();
    let (_, before) = store.keys().await.unwrap();
    let revoked = keyring.revoke(&bad, &operator(), "leaked").await.unwrap();
    let (_, after) = store.keys().await.unwrap();
    assert_eq!(after.0, before.0 + 1);
    let successor = revoked.successor.unwrap();
    assert_eq!(*keyring.snapshot().signer().unwrap().kid(), successor);
    assert!(keyring.verifier(&bad).await.is_none());

    assert!(other_node.refresh().await.unwrap());
    assert!(other_node.verifier(&bad).await.is_none());
    assert_eq!(*other_node.snapshot().signer().unwrap().kid(), successor);
    assert_eq!(other_node.snapshot().revoked_kids().next(), Some(&bad));
    assert!(!other_node.refresh().await.unwrap());

    let (records, _) = store.keys().await.unwrap();
    let record = records.iter().find(|key| key.kid == bad).unwrap();
    assert_eq!((record.stage, &record.sealed), (Stage::Retired, &None));
    assert_eq!(record.revoked_at.unwrap().seconds(), START);
    let acts = acts(&store).await;
    assert!(acts.contains(&format!("key.activated {successor}")));
    assert!(acts.contains(&format!("key.revoked {bad}")));
}

#[tokio::test]
async fn a_staged_key_succeeds_a_revoked_one_and_revoking_again_is_only_recorded() {
    let (keyring, store, _) = fresh().await;
    let bad = keyring.snapshot().signer().unwrap().kid().clone();
    let staged = keyring.rotate(false, &operator(), "").await.unwrap().kid;
    let revoked = keyring.revoke(&bad, &operator(), "").await.unwrap();
    assert_eq!(revoked.successor, Some(staged));
    let known = acts(&store).await;
    let again = keyring.revoke(&bad, &operator(), "").await.unwrap();
    assert!(again.already && again.successor.is_none());
    let repeated = [known, vec![format!("key.revoked {bad}")]].concat();
    assert_eq!(acts(&store).await, repeated);
    let unknown = KeyId::parse("nobody").unwrap();
    assert!(matches!(
        keyring.revoke(&unknown, &operator(), "").await,
        Err(KeyringError::UnknownKey(kid)) if kid == unknown
    ));
}

#[tokio::test(start_paused = true)]
async fn an_immediate_rotation_whose_key_is_revoked_meanwhile_says_so() {
    let (keyring, _, _) = fresh().await;
    let rotating = tokio::spawn({
        let keyring = keyring.clone();
        async move { keyring.rotate(true, &operator(), "").await }
    });
    tokio::time::sleep(Duration::from_secs(1)).await;
    let staged = keyring.snapshot().records()[1].kid.clone();
    keyring.revoke(&staged, &operator(), "").await.unwrap();
    let rotated = rotating.await.unwrap();
    assert!(matches!(rotated, Err(KeyringError::Superseded(kid)) if kid == staged));
    assert_eq!(stages(&keyring), [Stage::Active, Stage::Retired]);
}

/// K05: two nodes, at the same moment, 50 times.
#[tokio::test(start_paused = true)]
async fn two_who_rotate_at_once_agree_on_one_key() {
    let watched = Arc::new(Watched::default());
    let clock = Hands::at(START);
    let one = open(watched.clone(), &clock).await;
    let two = open(watched.clone(), &clock).await;
    for round in 0..50 {
        let immediately = round % 2 == 0;
        let (actor, why) = (operator(), "at once");
        let (left, right) = tokio::join!(
            one.rotate(immediately, &actor, why),
            two.rotate(immediately, &actor, why)
        );
        assert_eq!(left.unwrap().kid, right.unwrap().kid, "round {round}");
        clock.advance(700);
        let (left, right) = tokio::join!(one.tick(), two.tick());
        left.unwrap();
        right.unwrap();
        let (keys, _) = watched.keys().await.unwrap();
        let count = |stage| keys.iter().filter(|key| key.stage == stage).count();
        assert_eq!((count(Stage::Active), count(Stage::Staged)), (1, 0));
    }
}
