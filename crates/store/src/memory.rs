//! Every port in process: coordination for one node, and a whole store for tests and `demo`.

mod leases;
mod store;
mod used;

use std::sync::{Mutex, MutexGuard, PoisonError};

pub use self::{leases::MemoryLeases, store::MemoryStore, used::MemoryUsed};

/// No critical section here leaves its book half written, so a panic elsewhere while one was held
/// is no reason to refuse everybody from then on.
fn open<T>(book: &Mutex<T>) -> MutexGuard<'_, T> {
    book.lock().unwrap_or_else(PoisonError::into_inner)
}
