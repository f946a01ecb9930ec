//! Revocations: kept while they matter, no longer.

use tollbridge_domain::Moment;

use super::fixture::{act, log, revocation};
use crate::{Revocation, RevokedThing, Store};

/// What [`crate::RevocationStore`] promises.
pub async fn revocations(store: &dyn Store) {
    let things = [
        RevokedThing::Jti,
        RevokedThing::Subject,
        RevokedThing::Route,
        RevokedThing::Kid,
        RevokedThing::ClientId,
    ];
    let mut written = Vec::new();
    for thing in things {
        written.push(Revocation {
            until: Some(Moment::from_seconds(400)),
            ..revocation(thing, "ümit@example.com", 100, 500)
        });
    }
    for one in &written {
        add(store, one).await;
    }
    assert_eq!(at(store, 100).await, written, "in order, every field kept");
    assert_eq!(at(store, 500).await.len(), 5, "through the last second");
    assert_eq!(at(store, 501).await.len(), 0);
    assert_eq!(at(store, 500).await.len(), 5, "reading drops nothing");

    the_same_twice_are_two(store, &written[0]).await;
    adding_drops_what_no_longer_matters(store).await;
}

/// A second revocation must not shorten the first, so neither replaces the other.
async fn the_same_twice_are_two(store: &dyn Store, first: &Revocation) {
    let weaker = Revocation {
        until: None,
        ..first.clone()
    };
    add(store, &weaker).await;
    let held = at(store, 100).await;
    assert!(held.contains(first) && held.contains(&weaker));
}

async fn adding_drops_what_no_longer_matters(store: &dyn Store) {
    add(store, &revocation(RevokedThing::Jti, "late", 501, 900)).await;
    assert_eq!(at(store, 0).await.len(), 1, "the others may go");
    let newest = log(store).await.remove(0);
    assert_eq!(newest.event, "revocation.added");
    assert_eq!(newest.at, Moment::from_seconds(501));
    assert_eq!(
        log(store).await.len(),
        7,
        "the audit log forgets none of them"
    );
}

async fn add(store: &dyn Store, revocation: &Revocation) {
    let act = act("revocation.added", &revocation.value);
    store.add_revocation(revocation, &act).await.unwrap();
}

async fn at(store: &dyn Store, second: i64) -> Vec<Revocation> {
    store
        .revocations(Moment::from_seconds(second))
        .await
        .unwrap()
}
