//! The schema: embedded, applied all or none, never guessed at.

use std::time::Duration;

use sqlx::{
    ConnectOptions, Connection, SqlSafeStr, SqliteConnection,
    migrate::{Migrate, MigrateError, Migration, MigrationType},
};
use tollbridge_store::StoreError;

use crate::{
    connect::{PATIENCE, options},
    error::{failed, is_busy},
    place::{Place, unusable},
};

/// What a migration did.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct MigrateReport {
    /// The schema's number before; 0 for a new store.
    pub before: i64,
    /// Its number now.
    pub after: i64,
    /// What was applied, in order; empty where it was up to date.
    pub applied: Vec<&'static str>,
}

/// Makes the store where it is missing and brings its schema up to date.
///
/// # Errors
/// As [`crate::Sqlite::open`].
pub async fn migrate(url: &str) -> Result<MigrateReport, StoreError> {
    let place = Place::parse(url)?;
    place.create_if_absent()?;
    place.inspect()?;
    bring_up(&place).await
}

/// Applies what is pending. Writes nothing where nothing is.
pub(crate) async fn bring_up(place: &Place) -> Result<MigrateReport, StoreError> {
    let connected = options(place).connect().await;
    let mut connection = connected.map_err(failed("open the file"))?;
    let report = bring_up_over(&mut connection).await;
    // Where closing fails, the file is as it was left; there is nothing to undo.
    let _ = connection.close().await;
    report
}

async fn bring_up_over(connection: &mut SqliteConnection) -> Result<MigrateReport, StoreError> {
    use_write_ahead_log(connection).await?;
    let mut before = applied(connection).await?;
    if before.len() < EMBEDDED.len() {
        // Decided again under the lock: another process may be at it, too.
        let begun = connection.begin_with("BEGIN IMMEDIATE").await;
        let mut transaction = begun.map_err(failed("migrate"))?;
        before = applied(&mut transaction).await?;
        apply_all_but(&before, &mut transaction).await?;
        transaction.commit().await.map_err(failed("migrate"))?;
    }
    let pending = EMBEDDED.iter().skip(before.len());
    Ok(MigrateReport {
        before: before.last().copied().unwrap_or(0),
        after: NEWEST,
        applied: pending.map(|(_, name, _)| *name).collect(),
    })
}

async fn apply_all_but(
    applied: &[i64],
    connection: &mut SqliteConnection,
) -> Result<(), StoreError> {
    let ledger = connection.ensure_migrations_table(LEDGER).await;
    ledger.map_err(refused)?;
    for migration in embedded() {
        if !applied.contains(&migration.version) {
            let done = connection.apply(LEDGER, &migration).await;
            done.map_err(refused)?;
        }
    }
    Ok(())
}

/// The mode stays with the file, but two who set it at once get "locked" at once, without the
/// busy timeout: so it is asked for again.
async fn use_write_ahead_log(connection: &mut SqliteConnection) -> Result<(), StoreError> {
    for _ in 0..PATIENCE.as_millis() / RETRY.as_millis() {
        let asked = sqlx::query_scalar("PRAGMA journal_mode = WAL");
        match asked.fetch_one(&mut *connection).await {
            Ok(mode) => return expect_wal(mode),
            Err(error) if is_busy(&error) => tokio::time::sleep(RETRY).await,
            Err(error) => return Err(failed("use a write-ahead log")(error)),
        }
    }
    Err(unusable("another process keeps it locked".to_owned()))
}

fn expect_wal(mode: String) -> Result<(), StoreError> {
    match mode.as_str() {
        "wal" => Ok(()),
        _ => Err(unusable(
            "its disk allows no write-ahead log; move it to a local one".to_owned(),
        )),
    }
}

/// The numbers of the applied migrations, each one of ours and unchanged.
async fn applied(connection: &mut SqliteConnection) -> Result<Vec<i64>, StoreError> {
    let tables: Vec<String> = sqlx::query_scalar(
        "SELECT name FROM sqlite_schema WHERE type = 'table' AND name NOT LIKE 'sqlite~_%' ESCAPE '~'",
    )
    .fetch_all(&mut *connection)
    .await
    .map_err(failed("read the schema"))?;
    if tables.is_empty() {
        return Ok(Vec::new());
    }
    if !tables.iter().any(|table| table == LEDGER) {
        return Err(unusable(
            "the file is another program's database; name a new file".to_owned(),
        ));
    }
    let rows: Vec<(i64, Vec<u8>)> =
        sqlx::query_as("SELECT version, checksum FROM _sqlx_migrations ORDER BY version")
            .fetch_all(&mut *connection)
            .await
            .map_err(failed("read the schema"))?;
    rows.into_iter().map(known).collect()
}

fn known((version, checksum): (i64, Vec<u8>)) -> Result<i64, StoreError> {
    let ours = embedded().find(|ours| ours.version == version);
    let ours = ours.ok_or_else(|| newer(version))?;
    if *ours.checksum == checksum {
        Ok(version)
    } else {
        Err(altered(version))
    }
}

fn embedded() -> impl Iterator<Item = Migration> {
    EMBEDDED.iter().map(|(version, name, sql)| {
        let simple = MigrationType::Simple;
        Migration::new(*version, (*name).into(), simple, sql.into_sql_str(), false)
    })
}

fn refused(error: MigrateError) -> StoreError {
    match error {
        MigrateError::Execute(error) | MigrateError::ExecuteMigration(error, _) => {
            failed("migrate")(error)
        }
        other => unusable(other.to_string()),
    }
}

fn newer(version: i64) -> StoreError {
    unusable(format!(
        "its schema is number {version}, this program knows {NEWEST}; use a newer tollbridge"
    ))
}

fn altered(version: i64) -> StoreError {
    unusable(format!(
        "its schema number {version} is not the released one; restore a backup"
    ))
}

/// Number, name and text of every migration, in order; see `migrations/README.md`.
const EMBEDDED: &[(i64, &str, &str)] = &[
    (
        1,
        "0001_ports",
        include_str!("../../../migrations/sqlite/0001_ports.sql"),
    ),
    (
        2,
        "0002_audit_inserts_are_cheap",
        include_str!("../../../migrations/sqlite/0002_audit_inserts_are_cheap.sql"),
    ),
];

const NEWEST: i64 = EMBEDDED[EMBEDDED.len() - 1].0;

/// The driver's own name for it.
const LEDGER: &str = "_sqlx_migrations";

const RETRY: Duration = Duration::from_millis(50);

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{Mode, Sqlite};

    fn url(folder: &tempfile::TempDir) -> String {
        format!("sqlite:{}/t.db", folder.path().display())
    }

    async fn alter(url: &str, sql: &'static str) {
        let store = Sqlite::open(url, Mode::Create).await.unwrap();
        sqlx::query(sql).execute(&store.writer).await.unwrap();
        store.close().await;
    }

    async fn refusal(url: &str) -> String {
        let refused = Sqlite::open(url, Mode::Existing).await.unwrap_err();
        assert!(
            matches!(refused, StoreError::Unusable { .. }),
            "{refused:?}"
        );
        refused.to_string()
    }

    #[test]
    fn every_file_of_the_folder_is_embedded_in_order() {
        let folder = concat!(env!("CARGO_MANIFEST_DIR"), "/../../migrations/sqlite");
        let mut files: Vec<String> = std::fs::read_dir(folder)
            .unwrap()
            .map(|entry| entry.unwrap().file_name().into_string().unwrap())
            .collect();
        files.sort();
        let embedded = EMBEDDED.iter().map(|(_, name, _)| format!("{name}.sql"));
        assert_eq!(files, embedded.collect::<Vec<_>>());
        for (place, (version, name, _)) in (1..).zip(EMBEDDED) {
            assert_eq!((*version, &name[..5]), (place, &*format!("{place:04}_")));
        }
    }

    #[tokio::test]
    async fn migrating_twice_applies_once() {
        let folder = tempfile::tempdir().unwrap();
        let first = migrate(&url(&folder)).await.unwrap();
        assert_eq!((first.before, first.after), (0, NEWEST));
        assert_eq!(first.applied.len(), EMBEDDED.len());
        let second = migrate(&url(&folder)).await.unwrap();
        assert_eq!((second.before, second.after), (NEWEST, NEWEST));
        assert!(second.applied.is_empty());
    }

    #[tokio::test(flavor = "multi_thread")]
    async fn many_who_open_a_new_store_at_once_all_can() {
        for _ in 0..5 {
            let folder = tempfile::tempdir().unwrap();
            let mut openers = tokio::task::JoinSet::new();
            for _ in 0..8 {
                let url = url(&folder);
                openers.spawn(async move { Sqlite::open(&url, Mode::Create).await });
            }
            for opened in openers.join_all().await {
                opened.unwrap().close().await;
            }
        }
    }

    #[tokio::test]
    async fn a_newer_schema_is_refused_by_number() {
        let folder = tempfile::tempdir().unwrap();
        let later = "INSERT INTO _sqlx_migrations VALUES (999, 'later', 0, TRUE, x'00', 0)";
        alter(&url(&folder), later).await;
        assert!(refusal(&url(&folder)).await.contains("999"));
    }

    #[tokio::test]
    async fn an_altered_schema_is_refused() {
        let folder = tempfile::tempdir().unwrap();
        alter(
            &url(&folder),
            "UPDATE _sqlx_migrations SET checksum = x'00'",
        )
        .await;
        assert!(
            refusal(&url(&folder))
                .await
                .contains("not the released one")
        );
    }

    #[tokio::test]
    async fn another_programs_database_is_left_alone() {
        let folder = tempfile::tempdir().unwrap();
        alter(&url(&folder), "DROP TABLE _sqlx_migrations").await;
        assert!(refusal(&url(&folder)).await.contains("another program"));
    }
}
