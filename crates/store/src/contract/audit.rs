//! The audit log: every fact, in order, nothing changed on the way.

use tollbridge_domain::Moment;

use super::fixture::{act, log};
use crate::{AuditEntry, AuditQuery, Store};

/// What [`crate::AuditLog`] promises.
pub async fn audit(store: &dyn Store) {
    assert!(log(store).await.is_empty());
    let at = Moment::from_seconds(1_000);
    let reload = act("config.reloaded", "tollbridge.toml");
    store.record_act(&reload, at).await.unwrap();
    store.append(&[]).await.unwrap();
    store.append(&batch()).await.unwrap();

    let read = log(store).await;
    assert_eq!(read.len(), 151);
    assert!(
        read.is_sorted_by(|newer, older| newer.seq > older.seq),
        "newest first"
    );
    let oldest = read.last().unwrap();
    let expected = AuditEntry {
        seq: oldest.seq,
        ..AuditEntry::of_act(&reload, at)
    };
    assert_eq!(*oldest, expected);
    let newest = AuditEntry {
        seq: read[0].seq,
        ..batch().remove(149)
    };
    assert_eq!(read[0], newest, "every field kept");
    queries(store, &read).await;
}

async fn queries(store: &dyn Store, whole: &[AuditEntry]) {
    let query = AuditQuery::default();
    let hundred = store.audit(&query).await.unwrap();
    assert_eq!(hundred, whole[..100], "0 means 100");

    let query = AuditQuery {
        after: Some(whole[20].seq),
        before: Some(whole[9].seq),
        limit: 1_000,
        ..AuditQuery::default()
    };
    assert_eq!(
        store.audit(&query).await.unwrap(),
        whole[10..20],
        "both ends excluded"
    );

    let query = AuditQuery {
        event: Some("token.minted".to_owned()),
        limit: 3,
        ..AuditQuery::default()
    };
    let minted = store.audit(&query).await.unwrap();
    assert_eq!(minted.len(), 3);
    assert!(minted.iter().all(|entry| entry.event == "token.minted"));
    assert_eq!(minted[0].seq, whole[1].seq, "the newest of them");
}

fn batch() -> Vec<AuditEntry> {
    (0..150)
        .map(|n: i64| AuditEntry {
            seq: 0,
            at: Moment::from_seconds(2_000 + n),
            who: "caller:backend'; --".to_owned(),
            from: "203.0.113.7".to_owned(),
            event: if n % 2 == 0 {
                "token.minted"
            } else {
                "bridge.refused"
            }
            .to_owned(),
            target: format!("ümit-{n}"),
            why: String::new(),
            result: "token_used".to_owned(),
            facts: serde_json::json!({ "route": "voice", "n": n, "nested": [null, 1.5] }),
        })
        .collect()
}
