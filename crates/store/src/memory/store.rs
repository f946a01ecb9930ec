//! What must last, in process: it lasts as long as the process.

use std::sync::Mutex;

use async_trait::async_trait;
use tollbridge_domain::{Act, Moment};

use super::open;
use crate::{
    ApiKeyRecord, ApiKeyStore, AuditEntry, AuditLog, AuditQuery, EpochStore, KeyRecord, KeyStore,
    Revision, Revisions, Revocation, RevocationStore, StoreError, Watermark,
};

/// A whole store in process, for tests and for `demo`: nothing survives it.
#[derive(Default)]
pub struct MemoryStore {
    state: Mutex<State>,
}

impl MemoryStore {
    /// An empty store.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }
}

#[derive(Default)]
struct State {
    at: Watermark,
    keys: Vec<KeyRecord>,
    api_keys: Vec<ApiKeyRecord>,
    revocations: Vec<Revocation>,
    audit: Vec<AuditEntry>,
    last_seq: i64,
    epoch: Option<Moment>,
}

#[async_trait]
impl KeyStore for MemoryStore {
    async fn keys(&self) -> Result<(Vec<KeyRecord>, Revision), StoreError> {
        let state = open(&self.state);
        Ok((state.keys.clone(), state.at.keys))
    }

    async fn change_keys(
        &self,
        expected: Revision,
        records: &[KeyRecord],
        acts: &[Act],
        at: Moment,
    ) -> Result<Revision, StoreError> {
        let mut state = open(&self.state);
        if state.at.keys != expected {
            return Err(StoreError::Conflict);
        }
        for act in acts {
            state.write(AuditEntry::of_act(act, at));
        }
        for record in records {
            state.put_key(record);
        }
        state.at.keys.0 += 1;
        Ok(state.at.keys)
    }
}

#[async_trait]
impl ApiKeyStore for MemoryStore {
    async fn api_keys(&self) -> Result<Vec<ApiKeyRecord>, StoreError> {
        Ok(open(&self.state).api_keys.clone())
    }

    async fn add_api_key(&self, key: &ApiKeyRecord, act: &Act) -> Result<(), StoreError> {
        let mut state = open(&self.state);
        let taken = |held: &ApiKeyRecord| {
            held.id == key.id || (held.revoked_at.is_none() && held.name == key.name)
        };
        if state.api_keys.iter().any(taken) {
            return Err(StoreError::Conflict);
        }
        state.write(AuditEntry::of_act(act, key.created_at));
        state.api_keys.push(key.clone());
        state.api_keys.sort_by_key(|key| key.created_at);
        state.at.api_keys.0 += 1;
        Ok(())
    }

    async fn revoke_api_key(&self, id: &str, at: Moment, act: &Act) -> Result<bool, StoreError> {
        let mut state = open(&self.state);
        let Some(found) = state.live_api_key(id) else {
            return Ok(false);
        };
        if let Some(key) = state.api_keys.get_mut(found) {
            key.revoked_at = Some(at);
        }
        state.write(AuditEntry::of_act(act, at));
        state.at.api_keys.0 += 1;
        Ok(true)
    }

    async fn touch_api_keys(&self, used: &[(String, Moment)]) -> Result<(), StoreError> {
        let mut state = open(&self.state);
        for (id, at) in used {
            if let Some(key) = state.api_keys.iter_mut().find(|key| key.id == *id) {
                key.last_used_at = key.last_used_at.max(Some(*at));
            }
        }
        Ok(())
    }
}

#[async_trait]
impl RevocationStore for MemoryStore {
    async fn revocations(&self, now: Moment) -> Result<Vec<Revocation>, StoreError> {
        let state = open(&self.state);
        let matters = |held: &&Revocation| held.forget_at >= now;
        Ok(state.revocations.iter().filter(matters).cloned().collect())
    }

    async fn add_revocation(&self, revocation: &Revocation, act: &Act) -> Result<(), StoreError> {
        let mut state = open(&self.state);
        state.write(AuditEntry::of_act(act, revocation.at));
        state
            .revocations
            .retain(|held| held.forget_at >= revocation.at);
        state.revocations.push(revocation.clone());
        state.at.revocations.0 += 1;
        Ok(())
    }
}

#[async_trait]
impl AuditLog for MemoryStore {
    async fn record_act(&self, act: &Act, at: Moment) -> Result<(), StoreError> {
        open(&self.state).write(AuditEntry::of_act(act, at));
        Ok(())
    }

    async fn append(&self, entries: &[AuditEntry]) -> Result<(), StoreError> {
        let mut state = open(&self.state);
        for entry in entries {
            state.write(entry.clone());
        }
        Ok(())
    }

    async fn audit(&self, query: &AuditQuery) -> Result<Vec<AuditEntry>, StoreError> {
        let state = open(&self.state);
        let asked = |entry: &&AuditEntry| {
            query.after.is_none_or(|after| entry.seq > after)
                && query.before.is_none_or(|before| entry.seq < before)
                && query
                    .event
                    .as_ref()
                    .is_none_or(|event| entry.event == *event)
        };
        let newest_first = state.audit.iter().rev().filter(asked);
        Ok(newest_first.take(query.rows()).cloned().collect())
    }
}

#[async_trait]
impl EpochStore for MemoryStore {
    async fn advance_epoch(&self, now: Moment) -> Result<Moment, StoreError> {
        let mut state = open(&self.state);
        let epoch = state.epoch.map_or(now, |held| held.max(now));
        state.epoch = Some(epoch);
        Ok(epoch)
    }
}

#[async_trait]
impl Revisions for MemoryStore {
    async fn watermark(&self) -> Result<Watermark, StoreError> {
        Ok(open(&self.state).at)
    }
}

impl State {
    fn put_key(&mut self, record: &KeyRecord) {
        match self.keys.iter_mut().find(|held| held.kid == record.kid) {
            Some(held) => *held = record.clone(),
            None => self.keys.push(record.clone()),
        }
        self.keys.sort_by_key(|key| key.created_at);
    }

    /// An id goes before a name, should one key be named like another's id.
    fn live_api_key(&self, id: &str) -> Option<usize> {
        let live = |by: fn(&ApiKeyRecord) -> &str| {
            self.api_keys
                .iter()
                .position(|key| key.revoked_at.is_none() && by(key) == id)
        };
        live(|key| &key.id).or_else(|| live(|key| &key.name))
    }

    fn write(&mut self, mut entry: AuditEntry) {
        self.last_seq += 1;
        entry.seq = self.last_seq;
        if self.audit.len() >= AUDIT_KEPT {
            self.audit.drain(..AUDIT_KEPT / 10);
        }
        self.audit.push(entry);
    }
}

/// A demonstration left running for weeks must not grow for ever; a real store keeps everything.
const AUDIT_KEPT: usize = 10_000;
