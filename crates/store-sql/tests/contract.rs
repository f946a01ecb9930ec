//! The SQLite adapter keeps the contract.

#![expect(
    clippy::expect_used,
    reason = "a test that cannot be set up has failed"
)]

use std::sync::Arc;

use tempfile::TempDir;
use tollbridge_store::contract;
use tollbridge_store_sql::{Mode, Sqlite};

/// A store that lasts as long as the folder beside it.
async fn fresh() -> (TempDir, Sqlite) {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let url = format!("sqlite:{}/tollbridge.db", folder.path().display());
    let store = Sqlite::open(&url, Mode::Create).await;
    (folder, store.expect("a new store"))
}

#[tokio::test]
async fn keys() {
    let (_folder, store) = fresh().await;
    contract::keys(&store).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn keys_race() {
    let (_folder, store) = fresh().await;
    contract::keys_race(Arc::new(store)).await;
}

#[tokio::test]
async fn api_keys() {
    let (_folder, store) = fresh().await;
    contract::api_keys(&store).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn api_keys_race() {
    let (_folder, store) = fresh().await;
    contract::api_keys_race(Arc::new(store)).await;
}

#[tokio::test]
async fn revocations() {
    let (_folder, store) = fresh().await;
    contract::revocations(&store).await;
}

#[tokio::test]
async fn audit() {
    let (_folder, store) = fresh().await;
    contract::audit(&store).await;
}

#[tokio::test]
async fn epoch() {
    let (_folder, store) = fresh().await;
    contract::epoch(&store).await;
}

#[tokio::test]
async fn watermark() {
    let (_folder, store) = fresh().await;
    contract::watermark(&store).await;
}
