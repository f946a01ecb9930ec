//! What routes' hooks answer.

use std::time::Duration;

use prometheus::{HistogramVec, IntCounterVec, Registry};
use tollbridge_hook::{Unavailable, Verdict};

use super::{counters, histograms};

/// The metrics of hooks; without one, none of them is shown.
#[derive(Clone)]
pub struct HookMetrics {
    answers: IntCounterVec,
    seconds: HistogramVec,
}

impl HookMetrics {
    pub(super) fn registered(registry: &Registry) -> prometheus::Result<Self> {
        Ok(Self {
            answers: counters(
                registry,
                "hook_answers_total",
                "What hooks answered.",
                &["route", "outcome"],
            )?,
            seconds: histograms(
                registry,
                "hook_duration_seconds",
                "Time until a hook's answer.",
                &["route", "outcome"],
                (0.001, 2.0, 14),
            )?,
        })
    }

    /// The route's hook was asked, or could not be.
    pub(crate) fn answered(
        &self,
        route: &str,
        outcome: &Result<Verdict, Unavailable>,
        took: Duration,
    ) {
        let outcome = match outcome {
            Ok(Verdict::Allowed(_)) => "allowed",
            Ok(Verdict::Denied(_)) => "denied",
            Ok(Verdict::Beyond(_)) | Err(Unavailable(_)) => "unavailable",
        };
        let labels = [route, outcome];
        self.answers.with_label_values(&labels).inc();
        let seconds = self.seconds.with_label_values(&labels);
        seconds.observe(took.as_secs_f64());
    }
}
