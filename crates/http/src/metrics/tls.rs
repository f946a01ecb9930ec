//! What the TLS listener tells: how long its certificate lasts, who did not get in.

use prometheus::{IntCounterVec, IntGaugeVec, Registry};
use tollbridge_domain::Moment;

use super::{counters, gauges};

/// The metrics of a listener that speaks TLS; without one, none of them is shown.
#[derive(Clone)]
pub struct TlsMetrics {
    not_after: IntGaugeVec,
    reload_ok: IntGaugeVec,
    failures: IntCounterVec,
}

impl TlsMetrics {
    pub(super) fn registered(registry: &Registry) -> prometheus::Result<Self> {
        Ok(Self {
            not_after: gauges(
                registry,
                "tls_certificate_not_after_timestamp_seconds",
                "The last second of the certificate that is served.",
                &[],
            )?,
            reload_ok: gauges(
                registry,
                "tls_certificate_last_reload_successful",
                "Whether the certificate in the files is the one that is served.",
                &[],
            )?,
            failures: counters(
                registry,
                "tls_handshake_failures_total",
                "TLS handshakes of clients that failed.",
                &["reason"],
            )?,
        })
    }

    /// From now on a certificate is served that lasts until `not_after`.
    pub fn serves(&self, not_after: Moment) {
        let none: &[&str] = &[];
        self.not_after
            .with_label_values(none)
            .set(not_after.seconds());
        self.reload_ok.with_label_values(none).set(1);
    }

    /// What the files hold now was not taken.
    pub fn stays(&self) {
        let none: &[&str] = &[];
        self.reload_ok.with_label_values(none).set(0);
    }

    /// A client did not get through its handshake.
    pub(crate) fn failed(&self, reason: &str) {
        self.failures.with_label_values(&[reason]).inc();
    }
}
