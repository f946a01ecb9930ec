//! From the driver's errors to [`StoreError`]. SQLite's messages name tables and columns, never
//! values, so they may be kept.

use sqlx::error::{DatabaseError, ErrorKind};
use tollbridge_store::StoreError;

/// For `map_err`: what was being done, then what became of it.
pub(crate) fn failed(what: &'static str) -> impl FnOnce(sqlx::Error) -> StoreError {
    move |error| match error.as_database_error() {
        Some(database) => judge(what, database).unwrap_or_else(|| unreachable(what, error)),
        None => undecodable(&error).unwrap_or_else(|| unreachable(what, error)),
    }
}

/// Whether somebody else holds the file's lock.
pub(crate) fn is_busy(error: &sqlx::Error) -> bool {
    error
        .as_database_error()
        .is_some_and(|database| matches!(code(database), BUSY | LOCKED))
}

pub(crate) fn corrupt(what: impl Into<String>) -> StoreError {
    StoreError::Corrupt { what: what.into() }
}

fn judge(what: &'static str, error: &dyn DatabaseError) -> Option<StoreError> {
    let why = || format!("{what}: {}", error.message());
    match code(error) {
        READONLY | FULL => Some(StoreError::ReadOnly { why: why() }),
        CORRUPT => Some(corrupt("the database file")),
        NOT_A_DATABASE => Some(StoreError::Unusable {
            why: "the file is not a SQLite database".to_owned(),
        }),
        // A missing table or column.
        ERROR | CANNOT_OPEN | PERMISSION => Some(StoreError::Unusable { why: why() }),
        _ if error.kind() == ErrorKind::UniqueViolation => Some(StoreError::Conflict),
        _ => None,
    }
}

fn undecodable(error: &sqlx::Error) -> Option<StoreError> {
    match error {
        sqlx::Error::ColumnDecode { index, .. } => Some(corrupt(format!("column {index}"))),
        sqlx::Error::ColumnNotFound(name) => Some(corrupt(format!("column {name}"))),
        sqlx::Error::RowNotFound => Some(corrupt("a row that is always there")),
        _ => None,
    }
}

fn unreachable(what: &'static str, error: sqlx::Error) -> StoreError {
    StoreError::Unreachable {
        what,
        source: Box::new(error),
    }
}

/// The primary result code: an extended one keeps it in its lowest byte.
fn code(error: &dyn DatabaseError) -> i32 {
    let extended = error.code().and_then(|code| code.parse::<i32>().ok());
    extended.unwrap_or(0) & 0xff
}

// https://www.sqlite.org/rescode.html
const ERROR: i32 = 1;
const PERMISSION: i32 = 3;
const BUSY: i32 = 5;
const LOCKED: i32 = 6;
const READONLY: i32 = 8;
const CORRUPT: i32 = 11;
const FULL: i32 = 13;
const CANNOT_OPEN: i32 = 14;
const NOT_A_DATABASE: i32 = 26;
