//! Opening the file: one connection that writes, a few that read.

use std::time::Duration;

use sqlx::{
    Connection, SqliteConnection, SqlitePool, Transaction,
    sqlite::{SqliteConnectOptions, SqlitePoolOptions, SqliteSynchronous},
};
use tollbridge_store::StoreError;

use crate::{
    error::{corrupt, failed},
    migrate::bring_up,
    place::Place,
};

/// Whether a missing file is made.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Mode {
    /// Make it, readable by its owner alone; its folder must exist.
    Create,
    /// Refuse.
    Existing,
}

/// The storage ports over one SQLite file. Clones share their connections.
#[derive(Clone, Debug)]
pub struct Sqlite {
    pub(crate) writer: SqlitePool,
    pub(crate) readers: SqlitePool,
}

impl Sqlite {
    /// Opens `sqlite:PATH` and brings its schema up to date. Nothing is written where it is, so
    /// that a file that may not be written can still be read if its folder may be.
    ///
    /// # Errors
    /// [`StoreError::Unusable`] where the file is missing, open to other users, somebody else's,
    /// or of a newer schema.
    pub async fn open(url: &str, mode: Mode) -> Result<Self, StoreError> {
        let place = Place::parse(url)?;
        if mode == Mode::Create {
            place.create_if_absent()?;
        }
        place.inspect()?;
        bring_up(&place).await?;
        Ok(Self {
            writer: pool(WRITERS).connect_lazy_with(options(&place)),
            readers: pool(READERS).connect_lazy_with(options(&place).pragma("query_only", "ON")),
        })
    }

    /// Has SQLite check the whole file.
    ///
    /// # Errors
    /// [`StoreError::Corrupt`] with SQLite's first finding.
    pub async fn integrity(&self) -> Result<(), StoreError> {
        let finding: String = sqlx::query_scalar("PRAGMA integrity_check(1)")
            .fetch_one(&self.readers)
            .await
            .map_err(failed("check the file"))?;
        match finding.as_str() {
            "ok" => Ok(()),
            _ => Err(corrupt(finding)),
        }
    }

    /// Closes every connection, waiting for those in use.
    pub async fn close(&self) {
        self.readers.close().await;
        self.writer.close().await;
    }

    /// Begins a transaction that has the right to write from its start: one that first reads and
    /// then asks for it can be refused halfway.
    pub(crate) async fn begin(
        &self,
        what: &'static str,
    ) -> Result<Transaction<'static, sqlx::Sqlite>, StoreError> {
        let begun = self.writer.begin_with("BEGIN IMMEDIATE").await;
        begun.map_err(failed(what))
    }
}

/// How every connection is made.
pub(crate) fn options(place: &Place) -> SqliteConnectOptions {
    use sqlx::ConnectOptions;

    SqliteConnectOptions::new()
        .filename(place.path())
        .busy_timeout(PATIENCE)
        .foreign_keys(true)
        .synchronous(SqliteSynchronous::Full)
        // What is deleted is overwritten: retired key material must not linger in free pages.
        .pragma("secure_delete", "ON")
        // What an INSERT OR REPLACE deletes fires triggers too: the audit log's refuses it.
        .pragma("recursive_triggers", "ON")
        // KiB a connection: rows are appended and seldom read, so that SQLite's 2 MiB would fill up for nothing.
        .pragma("cache_size", "-256")
        .pragma("trusted_schema", "OFF")
        .disable_statement_logging()
}

fn pool(most: u32) -> SqlitePoolOptions {
    SqlitePoolOptions::new()
        .max_connections(most)
        .acquire_timeout(PATIENCE)
        .idle_timeout(None)
        .max_lifetime(None)
        // There is no network to lose it: asking whether it is there is a journey to its thread.
        .test_before_acquire(false)
        .before_acquire(|connection, _| Box::pin(async { Ok(is_sound(connection)) }))
}

/// SQLite rolls back by itself where the disk is full; the driver then still counts a transaction
/// and would refuse to begin another for ever. Such a connection is replaced.
fn is_sound(connection: &SqliteConnection) -> bool {
    !connection.is_in_transaction()
}

/// Longest wait for a connection, and for another process' lock.
pub(crate) const PATIENCE: Duration = Duration::from_secs(5);

/// SQLite has one writer at a time: queueing here is fairer than spinning on its lock.
const WRITERS: u32 = 1;

const READERS: u32 = 4;

#[cfg(test)]
mod tests {
    use tollbridge_domain::Moment;
    use tollbridge_store::{AuditLog, EpochStore, contract::act};

    use super::*;

    async fn fresh() -> (tempfile::TempDir, Sqlite) {
        let folder = tempfile::tempdir().unwrap();
        let url = format!("sqlite:{}/t.db", folder.path().display());
        (folder, Sqlite::open(&url, Mode::Create).await.unwrap())
    }

    async fn record(store: &Sqlite) -> Result<(), StoreError> {
        let act = act("config.reloaded", &"x".repeat(4_000));
        store.record_act(&act, Moment::from_seconds(1)).await
    }

    async fn pragma(pool: &SqlitePool, text: &'static str) -> i64 {
        sqlx::query_scalar(text).fetch_one(pool).await.unwrap()
    }

    async fn cap(store: &Sqlite, pages: i64) {
        let cap = sqlx::AssertSqlSafe(format!("PRAGMA max_page_count = {pages}"));
        sqlx::query(cap).execute(&store.writer).await.unwrap();
    }

    #[tokio::test]
    async fn what_must_last_is_on_disk_before_a_call_returns() {
        let (_folder, store) = fresh().await;
        const FULL: i64 = 2;
        for pool in [&store.writer, &store.readers] {
            assert_eq!(pragma(pool, "PRAGMA synchronous").await, FULL);
            assert_eq!(pragma(pool, "PRAGMA foreign_keys").await, 1);
            assert_eq!(pragma(pool, "PRAGMA secure_delete").await, 1);
            assert_eq!(pragma(pool, "PRAGMA busy_timeout").await, 5_000);
        }
        let mode: String = sqlx::query_scalar("PRAGMA journal_mode")
            .fetch_one(&store.readers)
            .await
            .unwrap();
        assert_eq!(mode, "wal");
    }

    /// S05, disk full: refused by name, nothing half written, and over when there is room again.
    #[tokio::test]
    async fn a_full_disk_refuses_writes_and_heals() {
        let (_folder, store) = fresh().await;
        let pages = pragma(&store.writer, "PRAGMA page_count").await;
        cap(&store, pages).await;
        let mut written = 0;
        let refused = loop {
            match record(&store).await {
                Ok(()) => written += 1,
                Err(error) => break error,
            }
            assert!(written < 100, "the cap never took effect");
        };
        assert!(
            matches!(refused, StoreError::ReadOnly { .. }),
            "{refused:?}"
        );

        cap(&store, pages + 1_000).await;
        record(&store).await.unwrap();
        assert_eq!(
            store.audit(&Default::default()).await.unwrap().len(),
            written + 1
        );
        store.integrity().await.unwrap();
    }

    /// What SQLite does where the disk fills up while it writes the log.
    #[tokio::test]
    async fn a_transaction_that_sqlite_rolled_back_itself_costs_one_connection() {
        let (_folder, store) = fresh().await;
        let mut transaction = store.begin("test").await.unwrap();
        let unasked = sqlx::query("ROLLBACK").execute(&mut *transaction).await;
        unasked.unwrap();
        drop(transaction);
        record(&store).await.unwrap();
    }

    #[tokio::test]
    async fn a_read_only_file_refuses_writes_and_still_reads() {
        let (_folder, store) = fresh().await;
        record(&store).await.unwrap();
        sqlx::query("PRAGMA query_only = ON")
            .execute(&store.writer)
            .await
            .unwrap();
        let refused = store.advance_epoch(Moment::from_seconds(1)).await;
        assert!(
            matches!(refused, Err(StoreError::ReadOnly { .. })),
            "{refused:?}"
        );
        assert_eq!(store.audit(&Default::default()).await.unwrap().len(), 1);
    }

    #[tokio::test]
    async fn a_transaction_dropped_halfway_leaves_nothing_and_blocks_nobody() {
        let (_folder, store) = fresh().await;
        let mut transaction = store.begin("test").await.unwrap();
        sqlx::query("UPDATE revisions SET value = 99")
            .execute(&mut *transaction)
            .await
            .unwrap();
        drop(transaction);
        record(&store).await.unwrap();
        assert_eq!(
            pragma(&store.readers, "SELECT max(value) FROM revisions").await,
            0
        );
    }

    #[tokio::test]
    async fn the_audit_log_refuses_to_be_changed() {
        let (_folder, store) = fresh().await;
        record(&store).await.unwrap();
        for attempt in [
            "UPDATE audit SET who = 'nobody'",
            "DELETE FROM audit",
            "INSERT OR REPLACE INTO audit SELECT seq, 0, '', '', '', '', '', '', '' FROM audit",
        ] {
            let refused = sqlx::query(attempt)
                .execute(&store.writer)
                .await
                .unwrap_err();
            assert!(
                refused.to_string().contains("append-only"),
                "{attempt}: {refused}"
            );
        }
    }
}
