//! Records to test with.

use tollbridge_domain::{Act, Actor, CallerName, KeyId, Moment, RouteName};

use crate::{
    Algorithm, ApiKeyRecord, AuditEntry, AuditQuery, KeyRecord, Revocation, RevokedThing, Scope,
    Stage, Store,
};

/// An operator act.
#[must_use]
pub fn act(event: &'static str, target: &str) -> Act {
    Act {
        actor: Actor {
            who: "cli:root".to_owned(),
            from: "local".to_owned(),
        },
        event,
        target: target.to_owned(),
        why: "for the test".to_owned(),
    }
}

/// A signing key made at this second.
#[must_use]
pub fn key(kid: &str, stage: Stage, created_at: i64) -> KeyRecord {
    let created_at = Moment::from_seconds(created_at);
    KeyRecord {
        kid: KeyId::parse(kid).unwrap(),
        algorithm: Algorithm::EdDSA,
        stage,
        public: vec![7; 32],
        sealed: Some(vec![0xA5; 96]),
        created_at,
        activate_at: Some(created_at.plus(600)),
        activated_at: None,
        retire_at: None,
        retired_at: None,
        revoked_at: None,
    }
}

/// An API key for minting, made at this second.
#[must_use]
pub fn api_key(id: &str, name: &str, created_at: i64) -> ApiKeyRecord {
    ApiKeyRecord {
        id: id.to_owned(),
        name: name.to_owned(),
        hash: [9; 32],
        scope: Scope::Mint,
        caller: Some(CallerName::parse("backend").unwrap()),
        routes: vec![
            RouteName::parse("voice").unwrap(),
            RouteName::parse("tts-2").unwrap(),
        ],
        created_at: Moment::from_seconds(created_at),
        expires_at: Some(Moment::from_seconds(created_at + 1_000)),
        revoked_at: None,
        last_used_at: None,
    }
}

/// A revocation made at one second and remembered until another.
#[must_use]
pub fn revocation(thing: RevokedThing, value: &str, at: i64, forget_at: i64) -> Revocation {
    Revocation {
        thing,
        value: value.to_owned(),
        issued_until: Moment::from_seconds(at),
        until: None,
        forget_at: Moment::from_seconds(forget_at),
        reason: "laptop stolen".to_owned(),
        at: Moment::from_seconds(at),
    }
}

/// The whole log, newest first.
pub(super) async fn log(store: &dyn Store) -> Vec<AuditEntry> {
    let everything = AuditQuery {
        limit: 10_000,
        ..AuditQuery::default()
    };
    store.audit(&everything).await.unwrap()
}
