//! Signing keys: compare-and-set of the whole set.

use std::sync::Arc;

use tokio::task::JoinSet;
use tollbridge_domain::Moment;

use super::fixture::{act, key, log};
use crate::{Algorithm, KeyRecord, Revision, Stage, Store, StoreError};

const NOW: Moment = Moment::from_seconds(1_000);

/// What [`crate::KeyStore`] promises.
pub async fn keys(store: &dyn Store) {
    assert_eq!(store.keys().await.unwrap(), (vec![], Revision::default()));

    let younger = key("kid-b", Stage::Staged, 20);
    let older = ecdsa("kid-a");
    let made = [act("key.created", "kid-a"), act("key.created", "kid-b")];
    let first = store
        .change_keys(
            Revision::default(),
            &[younger.clone(), older.clone()],
            &made,
            NOW,
        )
        .await
        .unwrap();
    let (read, revision) = store.keys().await.unwrap();
    assert_eq!(
        read,
        [older.clone(), younger.clone()],
        "oldest first, every field kept"
    );
    assert_eq!(revision, first);

    a_stale_revision_writes_nothing(store, &older).await;

    let retired = KeyRecord {
        stage: Stage::Retired,
        sealed: None,
        retired_at: Some(NOW),
        revoked_at: Some(NOW),
        ..older
    };
    let act = [act("key.retired", "kid-a")];
    let second = store
        .change_keys(first, std::slice::from_ref(&retired), &act, NOW)
        .await
        .unwrap();
    assert!(second > first);
    let (read, _) = store.keys().await.unwrap();
    assert_eq!(
        read,
        [retired, younger],
        "replaced by kid, the material gone"
    );
    assert_eq!(log(store).await.len(), 3, "one record an act");
}

async fn a_stale_revision_writes_nothing(store: &dyn Store, held: &KeyRecord) {
    let before = (store.keys().await.unwrap(), log(store).await);
    let change = KeyRecord {
        stage: Stage::Retired,
        ..held.clone()
    };
    let refused = store
        .change_keys(
            Revision::default(),
            &[change, key("kid-c", Stage::Staged, 30)],
            &[act("key.rotated", "kid-c")],
            NOW,
        )
        .await;
    assert!(matches!(refused, Err(StoreError::Conflict)), "{refused:?}");
    let after = (store.keys().await.unwrap(), log(store).await);
    assert_eq!(before, after, "neither a key nor an audit record");
}

fn ecdsa(kid: &str) -> KeyRecord {
    KeyRecord {
        algorithm: Algorithm::ES256,
        public: vec![4; 65],
        activated_at: Some(Moment::from_seconds(11)),
        retire_at: Some(Moment::from_seconds(900)),
        ..key(kid, Stage::Active, 10)
    }
}

/// K05: of many who decide on the same set at once, exactly one writes, 50 times over.
pub async fn keys_race(store: Arc<dyn Store>) {
    for round in 0..50 {
        let (_, revision) = store.keys().await.unwrap();
        let mut racers = JoinSet::new();
        for racer in 0..8 {
            let store = Arc::clone(&store);
            racers.spawn(async move {
                let kid = format!("kid-{round}-{racer}");
                let record = key(&kid, Stage::Staged, 1);
                let act = [act("key.rotated", &kid)];
                store.change_keys(revision, &[record], &act, NOW).await
            });
        }
        let verdicts = racers.join_all().await;
        let won = verdicts.iter().filter(|verdict| verdict.is_ok()).count();
        let lost = verdicts
            .iter()
            .filter(|verdict| matches!(verdict, Err(StoreError::Conflict)))
            .count();
        assert_eq!((won, lost), (1, 7), "round {round}: {verdicts:?}");
    }
    assert_eq!(store.keys().await.unwrap().0.len(), 50);
    assert_eq!(log(&*store).await.len(), 50);
}
