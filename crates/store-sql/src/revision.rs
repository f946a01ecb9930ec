//! The counters by which a running server notices what a command line changed.

use async_trait::async_trait;
use sqlx::SqliteConnection;
use tollbridge_store::{Revision, Revisions, StoreError, Watermark};

use crate::{Sqlite, error::failed, row::Reading};

/// A set that is watched.
#[derive(Clone, Copy)]
pub(crate) enum Set {
    Keys,
    ApiKeys,
    Revocations,
}

impl Set {
    fn name(self) -> &'static str {
        match self {
            Self::Keys => "keys",
            Self::ApiKeys => "api_keys",
            Self::Revocations => "revocations",
        }
    }
}

#[async_trait]
impl Revisions for Sqlite {
    async fn watermark(&self) -> Result<Watermark, StoreError> {
        let row = sqlx::query(
            "SELECT max(value) FILTER (WHERE name = 'keys') AS keys,
                    max(value) FILTER (WHERE name = 'api_keys') AS api_keys,
                    max(value) FILTER (WHERE name = 'revocations') AS revocations
             FROM revisions",
        )
        .fetch_one(&self.readers)
        .await
        .map_err(failed("read the revisions"))?;
        let kind = "the revisions";
        let row = Reading { row: &row, kind };
        Ok(Watermark {
            keys: Revision(row.value("keys")?),
            api_keys: Revision(row.value("api_keys")?),
            revocations: Revision(row.value("revocations")?),
        })
    }
}

/// Moves a set's revision, in the transaction that changes the set.
pub(crate) async fn advance(connection: &mut SqliteConnection, set: Set) -> Result<(), StoreError> {
    sqlx::query("UPDATE revisions SET value = value + 1 WHERE name = ?1")
        .bind(set.name())
        .execute(connection)
        .await
        .map_err(failed("move a revision"))?;
    Ok(())
}

/// The same if it still stands where it was read.
pub(crate) async fn advance_from(
    connection: &mut SqliteConnection,
    set: Set,
    expected: Revision,
) -> Result<Revision, StoreError> {
    let moved: Option<i64> = sqlx::query_scalar(
        "UPDATE revisions SET value = value + 1 WHERE name = ?1 AND value = ?2 RETURNING value",
    )
    .bind(set.name())
    .bind(expected.0)
    .fetch_optional(connection)
    .await
    .map_err(failed("move a revision"))?;
    moved.map(Revision).ok_or(StoreError::Conflict)
}
