//! The client of the current thread.

use tollbridge_outbound::Http;

thread_local! {
    /// Connections belong to their thread, and so does what makes them.
    static HTTP: Http = Http::new();
}

/// What asks on this thread.
pub(crate) fn http() -> Http {
    HTTP.with(Clone::clone)
}
