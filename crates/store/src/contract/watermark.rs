//! The watermark: moves with a change of a set, and with nothing else.

use tollbridge_domain::Moment;

use super::fixture::{act, api_key, key, revocation};
use crate::{Revision, RevokedThing, Stage, Store, Watermark};

/// What [`crate::Revisions`] promises.
pub async fn watermark(store: &dyn Store) {
    let now = Moment::from_seconds(1_000);
    let mut stands = Watermark::default();
    assert_eq!(store.watermark().await.unwrap(), stands);

    let record = [key("kid-a", Stage::Active, 10)];
    let acts = [act("key.created", "kid-a")];
    stands.keys = store
        .change_keys(Revision::default(), &record, &acts, now)
        .await
        .unwrap();
    assert!(stands.keys > Revision::default());
    assert_eq!(
        store.watermark().await.unwrap(),
        stands,
        "only the keys moved"
    );

    let created = act("apikey.created", "backend");
    let api_key = api_key("ak_first0000000", "backend", 10);
    store.add_api_key(&api_key, &created).await.unwrap();
    stands = only_api_keys_moved(store, stands).await;

    let revoked = act("apikey.revoked", "backend");
    assert!(
        store
            .revoke_api_key("backend", now, &revoked)
            .await
            .unwrap()
    );
    stands = only_api_keys_moved(store, stands).await;

    let revocation = revocation(RevokedThing::Route, "voice", 1_000, 2_000);
    let added = act("revocation.added", "voice");
    store.add_revocation(&revocation, &added).await.unwrap();
    let moved = store.watermark().await.unwrap();
    assert!(moved.revocations > stands.revocations);
    stands.revocations = moved.revocations;
    assert_eq!(moved, stands, "only the revocations moved");

    what_changes_no_set_moves_nothing(store, now).await;
    assert_eq!(store.watermark().await.unwrap(), stands);
}

async fn only_api_keys_moved(store: &dyn Store, before: Watermark) -> Watermark {
    let after = store.watermark().await.unwrap();
    assert!(after.api_keys > before.api_keys);
    let expected = Watermark {
        api_keys: after.api_keys,
        ..before
    };
    assert_eq!(after, expected);
    after
}

async fn what_changes_no_set_moves_nothing(store: &dyn Store, now: Moment) {
    let used = [("ak_first0000000".to_owned(), now)];
    store.touch_api_keys(&used).await.unwrap();
    let act = act("apikey.revoked", "nobody");
    assert!(!store.revoke_api_key("nobody", now, &act).await.unwrap());
    let duplicate = store.change_keys(Revision(-1), &[], &[], now).await;
    assert!(duplicate.is_err());
    store.record_act(&act, now).await.unwrap();
    store.advance_epoch(now).await.unwrap();
}
