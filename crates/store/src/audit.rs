//! Append-only facts.

use async_trait::async_trait;
use serde::{Deserialize, Serialize};
use tollbridge_domain::{Act, Moment};

use crate::StoreError;

/// One fact of the audit log.
#[derive(Clone, Debug, Deserialize, Eq, PartialEq, Serialize)]
pub struct AuditEntry {
    /// Position in the log; 0 before it is written.
    pub seq: i64,
    /// When.
    pub at: Moment,
    /// Who.
    pub who: String,
    /// From where.
    pub from: String,
    /// Dotted verb of the closed vocabulary.
    pub event: String,
    /// To what.
    pub target: String,
    /// Why.
    pub why: String,
    /// `ok`, or the slug of a refusal or an ending.
    pub result: String,
    /// Further facts (session, route, counts); never a secret.
    pub facts: serde_json::Value,
}

impl AuditEntry {
    /// The record of an operator act.
    #[must_use]
    pub fn of_act(act: &Act, at: Moment) -> Self {
        Self {
            seq: 0,
            at,
            who: act.actor.who.clone(),
            from: act.actor.from.clone(),
            event: act.event.to_owned(),
            target: act.target.clone(),
            why: act.why.clone(),
            result: "ok".to_owned(),
            facts: serde_json::Value::Null,
        }
    }
}

/// What to read of the audit log.
#[derive(Clone, Debug, Default, Eq, PartialEq)]
pub struct AuditQuery {
    /// Only entries after this position.
    pub after: Option<i64>,
    /// Only entries before this position.
    pub before: Option<i64>,
    /// Only this event.
    pub event: Option<String>,
    /// At most this many, newest first; 0 means 100.
    pub limit: u32,
}

impl AuditQuery {
    /// How many entries to read at most.
    #[must_use]
    pub fn rows(&self) -> usize {
        match self.limit {
            0 => 100,
            limit => usize::try_from(limit).unwrap_or(usize::MAX),
        }
    }
}

/// The audit log.
#[async_trait]
pub trait AuditLog: Send + Sync {
    /// Writes one operator act durably, before it is carried out.
    async fn record_act(&self, act: &Act, at: Moment) -> Result<(), StoreError>;

    /// Writes a batch of facts.
    async fn append(&self, entries: &[AuditEntry]) -> Result<(), StoreError>;

    /// Reads, newest first.
    async fn audit(&self, query: &AuditQuery) -> Result<Vec<AuditEntry>, StoreError>;
}
