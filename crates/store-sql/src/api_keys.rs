//! API keys.

use async_trait::async_trait;
use sqlx::sqlite::SqliteRow;
use tollbridge_domain::{Act, CallerName, Moment, RouteName};
use tollbridge_store::{ApiKeyRecord, ApiKeyStore, AuditEntry, Scope, StoreError};

use crate::{
    Sqlite, audit,
    error::failed,
    revision::{Set, advance},
    row::{Reading, seconds},
};

#[async_trait]
impl ApiKeyStore for Sqlite {
    async fn api_keys(&self) -> Result<Vec<ApiKeyRecord>, StoreError> {
        let rows = sqlx::query("SELECT * FROM api_keys ORDER BY created_at, rowid")
            .fetch_all(&self.readers)
            .await
            .map_err(failed("read the API keys"))?;
        rows.iter().map(read).collect()
    }

    async fn add_api_key(&self, key: &ApiKeyRecord, act: &Act) -> Result<(), StoreError> {
        let mut transaction = self.begin("add an API key").await?;
        audit::write(&mut transaction, &AuditEntry::of_act(act, key.created_at)).await?;
        // The table's keys and its index on live names are what refuses a duplicate.
        sqlx::query(
            "INSERT INTO api_keys (id, name, hash, scope, caller, routes, created_at, expires_at,
                                   revoked_at, last_used_at)
             VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10)",
        )
        .bind(&key.id)
        .bind(&key.name)
        .bind(key.hash.as_slice())
        .bind(scope_word(key.scope))
        .bind(key.caller.as_ref().map(CallerName::as_str))
        .bind(serde_json::json!(key.routes).to_string())
        .bind(key.created_at.seconds())
        .bind(seconds(key.expires_at))
        .bind(seconds(key.revoked_at))
        .bind(seconds(key.last_used_at))
        .execute(&mut *transaction)
        .await
        .map_err(failed("add an API key"))?;
        advance(&mut transaction, Set::ApiKeys).await?;
        transaction.commit().await.map_err(failed("add an API key"))
    }

    async fn revoke_api_key(&self, id: &str, at: Moment, act: &Act) -> Result<bool, StoreError> {
        let mut transaction = self.begin("revoke an API key").await?;
        // An id goes before a name, should one key be named like another's id.
        let revoked = sqlx::query(
            "UPDATE api_keys SET revoked_at = ?2 WHERE id = (
                 SELECT id FROM api_keys WHERE revoked_at IS NULL AND (id = ?1 OR name = ?1)
                 ORDER BY id = ?1 DESC LIMIT 1)",
        )
        .bind(id)
        .bind(at.seconds())
        .execute(&mut *transaction)
        .await
        .map_err(failed("revoke an API key"))?;
        if revoked.rows_affected() == 0 {
            return Ok(false);
        }
        audit::write(&mut transaction, &AuditEntry::of_act(act, at)).await?;
        advance(&mut transaction, Set::ApiKeys).await?;
        let committed = transaction.commit().await;
        committed.map_err(failed("revoke an API key"))?;
        Ok(true)
    }

    async fn touch_api_keys(&self, used: &[(String, Moment)]) -> Result<(), StoreError> {
        if used.is_empty() {
            return Ok(());
        }
        let mut transaction = self.begin("note the use of API keys").await?;
        for (id, at) in used {
            sqlx::query(
                "UPDATE api_keys SET last_used_at = max(coalesce(last_used_at, ?2), ?2)
                 WHERE id = ?1",
            )
            .bind(id)
            .bind(at.seconds())
            .execute(&mut *transaction)
            .await
            .map_err(failed("note the use of API keys"))?;
        }
        let committed = transaction.commit().await;
        committed.map_err(failed("note the use of API keys"))
    }
}

fn read(row: &SqliteRow) -> Result<ApiKeyRecord, StoreError> {
    let kind = "an API key";
    let row = Reading { row, kind };
    let hash: &[u8] = row.value("hash")?;
    Ok(ApiKeyRecord {
        id: row.value("id")?,
        name: row.value("name")?,
        hash: hash.try_into().map_err(|_length| row.unreadable("hash"))?,
        scope: row.parsed("scope", scope_of)?,
        caller: row.parsed_if_any("caller", |text| CallerName::parse(text).ok())?,
        routes: row.parsed("routes", routes_of)?,
        created_at: row.moment("created_at")?,
        expires_at: row.moment_if_any("expires_at")?,
        revoked_at: row.moment_if_any("revoked_at")?,
        last_used_at: row.moment_if_any("last_used_at")?,
    })
}

fn routes_of(json: &str) -> Option<Vec<RouteName>> {
    serde_json::from_str(json).ok()
}

fn scope_word(scope: Scope) -> &'static str {
    match scope {
        Scope::Mint => "mint",
        Scope::Viewer => "viewer",
        Scope::Admin => "admin",
    }
}

fn scope_of(word: &str) -> Option<Scope> {
    let all = [Scope::Mint, Scope::Viewer, Scope::Admin];
    all.into_iter().find(|one| scope_word(*one) == word)
}
