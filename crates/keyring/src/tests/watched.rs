//! A store that counts what it is asked, and fails or stalls when told.

use std::sync::{
    Arc,
    atomic::{AtomicBool, AtomicUsize, Ordering},
};

use async_trait::async_trait;
use tollbridge_domain::{Act, Moment};
use tollbridge_store::{
    ApiKeyRecord, ApiKeyStore, AuditEntry, AuditLog, AuditQuery, EpochStore, KeyRecord, KeyStore,
    Revision, Revisions, Revocation, RevocationStore, StoreError, Watermark, memory::MemoryStore,
};

#[derive(Default)]
pub(super) struct Watched {
    pub(super) inner: Arc<MemoryStore>,
    pub(super) reads: AtomicUsize,
    pub(super) failing: AtomicBool,
    pub(super) stalling: AtomicBool,
}

impl Watched {
    pub(super) fn reads(&self) -> usize {
        self.reads.load(Ordering::SeqCst)
    }

    async fn answer(&self) -> Result<(), StoreError> {
        if self.stalling.load(Ordering::SeqCst) {
            std::future::pending::<()>().await;
        }
        if self.failing.load(Ordering::SeqCst) {
            return Err(StoreError::Unreachable {
                what: "test",
                source: "down".into(),
            });
        }
        Ok(())
    }
}

#[async_trait]
impl KeyStore for Watched {
    async fn keys(&self) -> Result<(Vec<KeyRecord>, Revision), StoreError> {
        self.reads.fetch_add(1, Ordering::SeqCst);
        tokio::task::yield_now().await;
        self.answer().await?;
        self.inner.keys().await
    }

    async fn change_keys(
        &self,
        expected: Revision,
        records: &[KeyRecord],
        acts: &[Act],
        at: Moment,
    ) -> Result<Revision, StoreError> {
        self.answer().await?;
        // Others get their chance between a read and its write.
        tokio::task::yield_now().await;
        self.inner.change_keys(expected, records, acts, at).await
    }
}

#[async_trait]
impl ApiKeyStore for Watched {
    async fn api_keys(&self) -> Result<Vec<ApiKeyRecord>, StoreError> {
        self.inner.api_keys().await
    }

    async fn add_api_key(&self, key: &ApiKeyRecord, act: &Act) -> Result<(), StoreError> {
        self.inner.add_api_key(key, act).await
    }

    async fn revoke_api_key(&self, id: &str, at: Moment, act: &Act) -> Result<bool, StoreError> {
        self.inner.revoke_api_key(id, at, act).await
    }

    async fn touch_api_keys(&self, used: &[(String, Moment)]) -> Result<(), StoreError> {
        self.inner.touch_api_keys(used).await
    }
}

#[async_trait]
impl RevocationStore for Watched {
    async fn revocations(&self, now: Moment) -> Result<Vec<Revocation>, StoreError> {
        self.inner.revocations(now).await
    }

    async fn add_revocation(&self, revocation: &Revocation, act: &Act) -> Result<(), StoreError> {
        self.inner.add_revocation(revocation, act).await
    }
}

#[async_trait]
impl AuditLog for Watched {
    async fn record_act(&self, act: &Act, at: Moment) -> Result<(), StoreError> {
        self.inner.record_act(act, at).await
    }

    async fn append(&self, entries: &[AuditEntry]) -> Result<(), StoreError> {
        self.inner.append(entries).await
    }

    async fn audit(&self, query: &AuditQuery) -> Result<Vec<AuditEntry>, StoreError> {
        self.inner.audit(query).await
    }
}

#[async_trait]
impl EpochStore for Watched {
    async fn advance_epoch(&self, now: Moment) -> Result<Moment, StoreError> {
        self.inner.advance_epoch(now).await
    }
}

#[async_trait]
impl Revisions for Watched {
    async fn watermark(&self) -> Result<Watermark, StoreError> {
        self.inner.watermark().await
    }
}
