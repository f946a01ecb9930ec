//! Signing keys.

use async_trait::async_trait;
use sqlx::{SqliteConnection, sqlite::SqliteRow};
use tollbridge_domain::{Act, KeyId, Moment};
use tollbridge_store::{Algorithm, AuditEntry, KeyRecord, KeyStore, Revision, Stage, StoreError};

use crate::{
    Sqlite, audit,
    error::failed,
    revision::{Set, advance_from},
    row::{Reading, seconds},
};

#[async_trait]
impl KeyStore for Sqlite {
    async fn keys(&self) -> Result<(Vec<KeyRecord>, Revision), StoreError> {
        // One statement is one snapshot: the keys and their revision belong together.
        let rows = sqlx::query(
            "SELECT revisions.value AS revision, keys.* FROM revisions LEFT JOIN keys
             WHERE revisions.name = 'keys' ORDER BY keys.created_at, keys.rowid",
        )
        .fetch_all(&self.readers)
        .await
        .map_err(failed("read the keys"))?;
        let mut revision = Revision::default();
        let mut records = Vec::with_capacity(rows.len());
        for row in &rows {
            let reading = reading(row);
            revision = Revision(reading.value("revision")?);
            if reading.value::<Option<&str>>("kid")?.is_some() {
                records.push(read(&reading)?);
            }
        }
        Ok((records, revision))
    }

    async fn change_keys(
        &self,
        expected: Revision,
        records: &[KeyRecord],
        acts: &[Act],
        at: Moment,
    ) -> Result<Revision, StoreError> {
        let mut transaction = self.begin("change the keys").await?;
        let revision = advance_from(&mut transaction, Set::Keys, expected).await?;
        for act in acts {
            audit::write(&mut transaction, &AuditEntry::of_act(act, at)).await?;
        }
        for record in records {
            write(&mut transaction, record).await?;
        }
        let committed = transaction.commit().await;
        committed.map_err(failed("change the keys"))?;
        self.forget_old_material().await;
        Ok(revision)
    }
}

impl Sqlite {
    /// The write-ahead log still holds the pages as they were. Emptying it after every change of
    /// keys, rare as they are, makes "erased" true; where readers are in the way, the next change
    /// or the next checkpoint does it, so a failure is no reason to fail a change that is made.
    async fn forget_old_material(&self) {
        let emptying = sqlx::query("PRAGMA wal_checkpoint(TRUNCATE)");
        let _ = emptying.execute(&self.writer).await;
    }
}

async fn write(connection: &mut SqliteConnection, record: &KeyRecord) -> Result<(), StoreError> {
    sqlx::query(
        "INSERT INTO keys (kid, algorithm, stage, public, sealed, created_at, activate_at,
                           activated_at, retire_at, retired_at, revoked_at)
         VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11)
         ON CONFLICT (kid) DO UPDATE SET
             algorithm = ?2, stage = ?3, public = ?4, sealed = ?5, created_at = ?6,
             activate_at = ?7, activated_at = ?8, retire_at = ?9, retired_at = ?10,
             revoked_at = ?11",
    )
    .bind(record.kid.as_str())
    .bind(algorithm_word(record.algorithm))
    .bind(stage_word(record.stage))
    .bind(record.public.as_slice())
    .bind(record.sealed.as_deref())
    .bind(record.created_at.seconds())
    .bind(seconds(record.activate_at))
    .bind(seconds(record.activated_at))
    .bind(seconds(record.retire_at))
    .bind(seconds(record.retired_at))
    .bind(seconds(record.revoked_at))
    .execute(connection)
    .await
    .map_err(failed("write a key"))?;
    Ok(())
}

fn reading(row: &SqliteRow) -> Reading<'_> {
    Reading {
        row,
        kind: "a signing key",
    }
}

fn read(row: &Reading<'_>) -> Result<KeyRecord, StoreError> {
    Ok(KeyRecord {
        kid: row.parsed("kid", |text| KeyId::parse(text).ok())?,
        algorithm: row.parsed("algorithm", algorithm_of)?,
        stage: row.parsed("stage", stage_of)?,
        public: row.value("public")?,
        sealed: row.value("sealed")?,
        created_at: row.moment("created_at")?,
        activate_at: row.moment_if_any("activate_at")?,
        activated_at: row.moment_if_any("activated_at")?,
        retire_at: row.moment_if_any("retire_at")?,
        retired_at: row.moment_if_any("retired_at")?,
        revoked_at: row.moment_if_any("revoked_at")?,
    })
}

fn algorithm_word(algorithm: Algorithm) -> &'static str {
    match algorithm {
        Algorithm::EdDSA => "EdDSA",
        Algorithm::ES256 => "ES256",
    }
}

fn algorithm_of(word: &str) -> Option<Algorithm> {
    let all = [Algorithm::EdDSA, Algorithm::ES256];
    all.into_iter().find(|one| algorithm_word(*one) == word)
}

fn stage_word(stage: Stage) -> &'static str {
    match stage {
        Stage::Staged => "staged",
        Stage::Active => "active",
        Stage::Retiring => "retiring",
        Stage::Retired => "retired",
    }
}

fn stage_of(word: &str) -> Option<Stage> {
    let all = [
        Stage::Staged,
        Stage::Active,
        Stage::Retiring,
        Stage::Retired,
    ];
    all.into_iter().find(|one| stage_word(*one) == word)
}
