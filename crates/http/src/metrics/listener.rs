//! What keeps a listener from taking connections.

use prometheus::{IntCounter, IntCounterVec, Registry};

use super::counters;

/// The metrics of one listener. They stand at 0 from the start, so that an alert sees the first one.
#[derive(Clone)]
pub struct ListenerMetrics {
    /// A connection could not be accepted: descriptors or memory ran out.
    pub(crate) accept: IntCounter,
    /// A worker had all the connections it may have, and newcomers waited.
    pub(crate) full: IntCounter,
    /// A worker's thread panicked or could not listen.
    pub(crate) worker: IntCounter,
}

pub(super) fn registered(registry: &Registry) -> prometheus::Result<IntCounterVec> {
    counters(
        registry,
        "listener_failures_total",
        "Times a listener took no connection, or lost some.",
        &["listener", "reason"],
    )
}

impl ListenerMetrics {
    pub(super) fn of(failures: &IntCounterVec, listener: &str) -> Self {
        let reason = |reason| failures.with_label_values(&[listener, reason]);
        Self {
            accept: reason("accept"),
            full: reason("full"),
            worker: reason("worker"),
        }
    }
}
