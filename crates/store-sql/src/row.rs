//! Reading rows back into records.

use sqlx::{ColumnIndex, Decode, Row, Type, sqlite::SqliteRow};
use tollbridge_domain::Moment;
use tollbridge_store::StoreError;

use crate::error::corrupt;

/// One row of a kind of record; what cannot be read is named by kind and column, never by value.
pub(crate) struct Reading<'r> {
    pub(crate) row: &'r SqliteRow,
    pub(crate) kind: &'static str,
}

impl<'r> Reading<'r> {
    /// A column as the driver reads it.
    pub(crate) fn value<T>(&self, column: &'static str) -> Result<T, StoreError>
    where
        T: Decode<'r, sqlx::Sqlite> + Type<sqlx::Sqlite>,
        &'static str: ColumnIndex<SqliteRow>,
    {
        let read = self.row.try_get(column);
        read.map_err(|_source| self.unreadable(column))
    }

    /// A column of text, parsed.
    pub(crate) fn parsed<T>(
        &self,
        column: &'static str,
        parse: impl FnOnce(&str) -> Option<T>,
    ) -> Result<T, StoreError> {
        parse(self.value(column)?).ok_or_else(|| self.unreadable(column))
    }

    /// A column of text or nothing, parsed.
    pub(crate) fn parsed_if_any<T>(
        &self,
        column: &'static str,
        parse: impl FnOnce(&str) -> Option<T>,
    ) -> Result<Option<T>, StoreError> {
        match self.value::<Option<&str>>(column)? {
            Some(text) => parse(text).map(Some).ok_or_else(|| self.unreadable(column)),
            None => Ok(None),
        }
    }

    /// A column of seconds since 1970.
    pub(crate) fn moment(&self, column: &'static str) -> Result<Moment, StoreError> {
        self.value(column).map(Moment::from_seconds)
    }

    /// A column of seconds since 1970 or nothing.
    pub(crate) fn moment_if_any(&self, column: &'static str) -> Result<Option<Moment>, StoreError> {
        let seconds: Option<i64> = self.value(column)?;
        Ok(seconds.map(Moment::from_seconds))
    }

    /// For a column that holds nonsense.
    pub(crate) fn unreadable(&self, column: &str) -> StoreError {
        corrupt(format!("{} ({column})", self.kind))
    }
}

/// As it is bound.
pub(crate) fn seconds(moment: Option<Moment>) -> Option<i64> {
    moment.map(Moment::seconds)
}
