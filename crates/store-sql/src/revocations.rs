//! Revocations.

use async_trait::async_trait;
use sqlx::sqlite::SqliteRow;
use tollbridge_domain::{Act, Moment};
use tollbridge_store::{AuditEntry, Revocation, RevocationStore, RevokedThing, StoreError};

use crate::{
    Sqlite, audit,
    error::failed,
    revision::{Set, advance},
    row::{Reading, seconds},
};

#[async_trait]
impl RevocationStore for Sqlite {
    async fn revocations(&self, now: Moment) -> Result<Vec<Revocation>, StoreError> {
        let rows = sqlx::query("SELECT * FROM revocations WHERE forget_at >= ?1 ORDER BY seq")
            .bind(now.seconds())
            .fetch_all(&self.readers)
            .await
            .map_err(failed("read the revocations"))?;
        rows.iter().map(read).collect()
    }

    async fn add_revocation(&self, revocation: &Revocation, act: &Act) -> Result<(), StoreError> {
        let mut transaction = self.begin("add a revocation").await?;
        audit::write(&mut transaction, &AuditEntry::of_act(act, revocation.at)).await?;
        // Nothing else drops them, so a reader's clock that is wrong costs nobody a revocation.
        sqlx::query("DELETE FROM revocations WHERE forget_at < ?1")
            .bind(revocation.at.seconds())
            .execute(&mut *transaction)
            .await
            .map_err(failed("add a revocation"))?;
        sqlx::query(
            "INSERT INTO revocations (thing, value, issued_until, until, forget_at, reason, at)
             VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7)",
        )
        .bind(thing_word(revocation.thing))
        .bind(&revocation.value)
        .bind(revocation.issued_until.seconds())
        .bind(seconds(revocation.until))
        .bind(revocation.forget_at.seconds())
        .bind(&revocation.reason)
        .bind(revocation.at.seconds())
        .execute(&mut *transaction)
        .await
        .map_err(failed("add a revocation"))?;
        advance(&mut transaction, Set::Revocations).await?;
        let committed = transaction.commit().await;
        committed.map_err(failed("add a revocation"))
    }
}

fn read(row: &SqliteRow) -> Result<Revocation, StoreError> {
    let kind = "a revocation";
    let row = Reading { row, kind };
    Ok(Revocation {
        thing: row.parsed("thing", thing_of)?,
        value: row.value("value")?,
        issued_until: row.moment("issued_until")?,
        until: row.moment_if_any("until")?,
        forget_at: row.moment("forget_at")?,
        reason: row.value("reason")?,
        at: row.moment("at")?,
    })
}

fn thing_word(thing: RevokedThing) -> &'static str {
    match thing {
        RevokedThing::Jti => "jti",
        RevokedThing::Subject => "subject",
        RevokedThing::Route => "route",
        RevokedThing::Kid => "kid",
        RevokedThing::ClientId => "client_id",
    }
}

fn thing_of(word: &str) -> Option<RevokedThing> {
    let all = [
        RevokedThing::Jti,
        RevokedThing::Subject,
        RevokedThing::Route,
        RevokedThing::Kid,
        RevokedThing::ClientId,
    ];
    all.into_iter().find(|one| thing_word(*one) == word)
}
