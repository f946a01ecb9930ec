//! API keys: unique while they live, revoked by either name.

use std::sync::Arc;

use tokio::task::JoinSet;
use tollbridge_domain::Moment;

use super::fixture::{act, api_key, log};
use crate::{ApiKeyRecord, ApiKeyStore, Scope, Store, StoreError};

const NOW: Moment = Moment::from_seconds(1_000);

/// What [`crate::ApiKeyStore`] promises.
pub async fn api_keys(store: &dyn Store) {
    let first = api_key("ak_first0000000", "backend", 10);
    let admin = ApiKeyRecord {
        scope: Scope::Admin,
        caller: None,
        routes: vec![],
        expires_at: None,
        ..api_key("ak_admin0000000", "ops", 5)
    };
    add(store, &first).await.unwrap();
    add(store, &admin).await.unwrap();
    let read = store.api_keys().await.unwrap();
    assert_eq!(
        read,
        [admin.clone(), first.clone()],
        "oldest first, every field kept"
    );

    a_live_name_is_taken(store, &first).await;
    revoking_by_name_frees_the_name(store).await;
    an_id_goes_before_a_name(store, &admin.id).await;
    use_is_noted_and_never_goes_back(store).await;
}

async fn a_live_name_is_taken(store: &dyn Store, first: &ApiKeyRecord) {
    let records = log(store).await.len();
    let same_name = api_key("ak_second000000", "backend", 20);
    let same_id = api_key(&first.id, "another", 20);
    for duplicate in [same_name, same_id] {
        let refused = add(store, &duplicate).await;
        assert!(matches!(refused, Err(StoreError::Conflict)), "{refused:?}");
    }
    assert_eq!(store.api_keys().await.unwrap().len(), 2);
    assert_eq!(
        log(store).await.len(),
        records,
        "nothing happened, nothing is on record"
    );
}

async fn revoking_by_name_frees_the_name(store: &dyn Store) {
    assert!(revoke(store, "backend").await);
    assert!(!revoke(store, "backend").await, "it is revoked already");
    assert!(!revoke(store, "nobody").await);
    let newest = log(store).await.remove(0);
    assert_eq!((newest.event.as_str(), newest.at), ("apikey.revoked", NOW));

    add(store, &api_key("ak_second000000", "backend", 20))
        .await
        .unwrap();
    let read = store.api_keys().await.unwrap();
    assert_eq!(find(&read, "ak_first0000000").revoked_at, Some(NOW));
    assert_eq!(find(&read, "ak_second000000").revoked_at, None);
    assert!(revoke(store, "ak_second000000").await, "by id as well");
}

/// The oldest key by that name must not shield the key that has it for an id.
async fn an_id_goes_before_a_name(store: &dyn Store, id: &str) {
    add(store, &api_key("ak_decoy0000000", id, 1))
        .await
        .unwrap();
    assert!(revoke(store, id).await);
    let read = store.api_keys().await.unwrap();
    assert_eq!(find(&read, id).revoked_at, Some(NOW));
    assert_eq!(find(&read, "ak_decoy0000000").revoked_at, None);
}

async fn use_is_noted_and_never_goes_back(store: &dyn Store) {
    let id = "ak_decoy0000000";
    for second in [500, 300] {
        let used = [
            (id.to_owned(), Moment::from_seconds(second)),
            ("ak_unknown00000".to_owned(), NOW),
        ];
        store.touch_api_keys(&used).await.unwrap();
    }
    let read = store.api_keys().await.unwrap();
    assert_eq!(
        find(&read, id).last_used_at,
        Some(Moment::from_seconds(500))
    );
}

/// Of many keys of one name added at once, one is.
pub async fn api_keys_race(store: Arc<dyn Store>) {
    let mut racers = JoinSet::new();
    for racer in 0..16 {
        let store = Arc::clone(&store);
        racers.spawn(async move {
            let key = api_key(&format!("ak_racer{racer:07}"), "backend", 10);
            add(&*store, &key).await.is_ok()
        });
    }
    let verdicts = racers.join_all().await;
    assert_eq!(verdicts.iter().filter(|won| **won).count(), 1);
    assert_eq!(log(&*store).await.len(), 1);
}

async fn add(store: &dyn Store, key: &ApiKeyRecord) -> Result<(), StoreError> {
    let act = act("apikey.created", &key.id);
    ApiKeyStore::add_api_key(store, key, &act).await
}

async fn revoke(store: &dyn Store, id: &str) -> bool {
    let act = act("apikey.revoked", id);
    store.revoke_api_key(id, NOW, &act).await.unwrap()
}

fn find<'a>(keys: &'a [ApiKeyRecord], id: &str) -> &'a ApiKeyRecord {
    keys.iter().find(|key| key.id == id).unwrap()
}
