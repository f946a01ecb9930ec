//! What can go wrong with a store.

/// A store did not do what it was asked.
#[derive(Debug, thiserror::Error)]
pub enum StoreError {
    /// The store could not be reached or did not answer in time.
    #[error("the store could not be reached: {what}")]
    Unreachable {
        /// The operation that failed.
        what: &'static str,
        /// The driver's own words.
        #[source]
        source: Box<dyn std::error::Error + Send + Sync>,
    },
    /// Somebody else changed the record first; read again and retry.
    #[error("the record was changed meanwhile")]
    Conflict,
    /// What was read makes no sense.
    #[error("the store holds a record that cannot be read: {what}")]
    Corrupt {
        /// Which record, without its contents.
        what: String,
    },
    /// Nothing can be written: read-only file, full disk.
    #[error("the store refuses writes: {why}")]
    ReadOnly {
        /// The driver's own words.
        why: String,
    },
    /// Another server holds the store.
    #[error("another server holds this store: {holder}")]
    Held {
        /// What is known of the holder.
        holder: String,
    },
    /// The store cannot be used as it is: wrong schema, file mode, location.
    #[error("the store cannot be opened: {why}")]
    Unusable {
        /// What is wrong and what to do about it.
        why: String,
    },
}
