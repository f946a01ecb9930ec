//! The audit log. Triggers of the schema refuse to change or delete what it holds.

use async_trait::async_trait;
use sqlx::{QueryBuilder, Sqlite as Sqlite3, SqliteConnection, sqlite::SqliteRow};
use tollbridge_domain::{Act, Moment};
use tollbridge_store::{AuditEntry, AuditLog, AuditQuery, StoreError};

use crate::{
    Sqlite,
    error::{corrupt, failed},
    row::Reading,
};

#[async_trait]
impl AuditLog for Sqlite {
    async fn record_act(&self, act: &Act, at: Moment) -> Result<(), StoreError> {
        self.append(&[AuditEntry::of_act(act, at)]).await
    }

    async fn append(&self, entries: &[AuditEntry]) -> Result<(), StoreError> {
        if entries.is_empty() {
            return Ok(());
        }
        let mut transaction = self.begin("write the audit log").await?;
        for rows in entries.chunks(ROWS) {
            write_rows(&mut transaction, rows).await?;
        }
        let committed = transaction.commit().await;
        committed.map_err(failed("write the audit log"))
    }

    async fn audit(&self, query: &AuditQuery) -> Result<Vec<AuditEntry>, StoreError> {
        let event = query.event.as_deref();
        let words = match event {
            None => ANY,
            Some(event) if FREQUENT.contains(&event) => FREQUENT_ONE,
            Some(_) => RARE_ONE,
        };
        let mut asked = sqlx::query(words)
            .bind(query.after.unwrap_or(0))
            .bind(query.before.unwrap_or(i64::MAX))
            .bind(i64::try_from(query.rows()).unwrap_or(i64::MAX));
        if event.is_some() {
            asked = asked.bind(event);
        }
        let rows = asked.fetch_all(&self.readers).await;
        let rows = rows.map_err(failed("read the audit log"))?;
        rows.iter().map(read).collect()
    }
}

/// Writes one entry as part of somebody's transaction: no record, no act.
pub(crate) async fn write(
    connection: &mut SqliteConnection,
    entry: &AuditEntry,
) -> Result<(), StoreError> {
    write_rows(connection, std::slice::from_ref(entry)).await
}

/// Many at once: each statement is a journey to SQLite's thread and back, which costs more than
/// the row does.
async fn write_rows(
    connection: &mut SqliteConnection,
    entries: &[AuditEntry],
) -> Result<(), StoreError> {
    let facts: Vec<String> = entries.iter().map(facts).collect::<Result<_, _>>()?;
    let mut insert = QueryBuilder::<Sqlite3>::new(
        "INSERT INTO audit (at, who, from_where, event, target, why, result, facts) ",
    );
    insert.push_values(entries.iter().zip(facts), |mut row, (entry, facts)| {
        row.push_bind(entry.at.seconds())
            .push_bind(&entry.who)
            .push_bind(&entry.from)
            .push_bind(&entry.event)
            .push_bind(&entry.target)
            .push_bind(&entry.why)
            .push_bind(&entry.result)
            .push_bind(facts);
    });
    // Of the lengths that there are, only these two come again and again.
    let often = [1, ROWS].contains(&entries.len());
    let written = insert.build().persistent(often).execute(connection).await;
    written.map_err(failed("write the audit log"))?;
    Ok(())
}

/// Most rows are of these. They are in no index: one of them is found among the newest rows.
const FREQUENT: [&str; 4] = [
    "forward_auth.passed",
    "session.closed",
    "session.opened",
    "token.minted",
];

const ANY: &str = "SELECT * FROM audit WHERE seq > ?1 AND seq < ?2 ORDER BY seq DESC LIMIT ?3";

const FREQUENT_ONE: &str = "SELECT * FROM audit
    WHERE seq > ?1 AND seq < ?2 AND event = ?4 ORDER BY seq DESC LIMIT ?3";

/// In the words of the index, without which it would not serve.
const RARE_ONE: &str = "SELECT * FROM audit
    WHERE seq > ?1 AND seq < ?2 AND event = ?4
        AND event NOT IN ('forward_auth.passed', 'session.closed', 'session.opened', 'token.minted')
    ORDER BY seq DESC LIMIT ?3";

/// As JSON. `Value::to_string` writes the same through `fmt`, at three times the price.
fn facts(entry: &AuditEntry) -> Result<String, StoreError> {
    serde_json::to_string(&entry.facts).or(Err(corrupt("facts that JSON has no words for")))
}

/// Entries in one statement.
const ROWS: usize = 64;

fn read(row: &SqliteRow) -> Result<AuditEntry, StoreError> {
    let kind = "an audit entry";
    let row = Reading { row, kind };
    Ok(AuditEntry {
        seq: row.value("seq")?,
        at: row.moment("at")?,
        who: row.value("who")?,
        from: row.value("from_where")?,
        event: row.value("event")?,
        target: row.value("target")?,
        why: row.value("why")?,
        result: row.value("result")?,
        facts: row.parsed("facts", |json| serde_json::from_str(json).ok())?,
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Mode;

    #[test]
    fn what_is_frequent_is_not_looked_for_in_the_index() {
        let words = FREQUENT.map(|event| format!("'{event}'")).join(", ");
        assert!(RARE_ONE.contains(&format!("NOT IN ({words})")));
    }

    /// Among a million sessions the last rotation of a key is found at once.
    #[tokio::test]
    async fn the_index_serves_whoever_asks_for_a_rare_event() {
        let folder = tempfile::tempdir().unwrap();
        let url = format!("sqlite:{}/t.db", folder.path().display());
        let store = Sqlite::open(&url, Mode::Create).await.unwrap();
        for (words, served) in [(RARE_ONE, true), (FREQUENT_ONE, false)] {
            let plan = sqlx::AssertSqlSafe(format!("EXPLAIN QUERY PLAN {words}"));
            let plan = sqlx::query(plan).bind(0).bind(9).bind(1).bind("x");
            let rows = plan.fetch_all(&store.readers).await.unwrap();
            let kind = "a plan";
            let detail: String = Reading {
                row: &rows[0],
                kind,
            }
            .value("detail")
            .unwrap();
            assert_eq!(detail.contains("audit_rare_event"), served, "{detail}");
        }
    }
}
