//! The in-process adapters keep the contract.

use std::sync::Arc;

use tollbridge_domain::SystemClock;
use tollbridge_store::{
    contract,
    memory::{MemoryLeases, MemoryStore, MemoryUsed},
};

#[tokio::test]
async fn keys() {
    contract::keys(&MemoryStore::new()).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn keys_race() {
    contract::keys_race(Arc::new(MemoryStore::new())).await;
}

#[tokio::test]
async fn api_keys() {
    contract::api_keys(&MemoryStore::new()).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn api_keys_race() {
    contract::api_keys_race(Arc::new(MemoryStore::new())).await;
}

#[tokio::test]
async fn revocations() {
    contract::revocations(&MemoryStore::new()).await;
}

#[tokio::test]
async fn audit() {
    contract::audit(&MemoryStore::new()).await;
}

#[tokio::test]
async fn epoch() {
    contract::epoch(&MemoryStore::new()).await;
}

#[tokio::test]
async fn watermark() {
    contract::watermark(&MemoryStore::new()).await;
}

#[tokio::test]
async fn used() {
    let used = MemoryUsed::new(Arc::new(SystemClock));
    contract::used(&used, &SystemClock).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn used_race() {
    let used = Arc::new(MemoryUsed::new(Arc::new(SystemClock)));
    contract::used_race(used, &SystemClock).await;
}

#[tokio::test]
async fn leases() {
    contract::leases(&MemoryLeases::new()).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn leases_race() {
    contract::leases_race(Arc::new(MemoryLeases::new())).await;
}
