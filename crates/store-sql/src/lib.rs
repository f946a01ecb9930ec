//! The storage ports over SQL: one SQLite file, its schema, its locks.
//!
//! One file a port. What must last is on disk before a call returns: write-ahead log with
//! `synchronous=FULL`, every change and its audit records in one transaction.

mod api_keys;
mod audit;
mod connect;
mod epoch;
mod error;
mod keys;
mod lock;
mod migrate;
mod place;
mod revision;
mod revocations;
mod row;

pub use self::{
    connect::{Mode, Sqlite},
    lock::ServerLock,
    migrate::{MigrateReport, migrate},
};
