//! The end of a node: no more work, every session told, everybody owed an answer waited for.

use std::{
    sync::atomic::Ordering,
    time::{Duration, Instant},
};

use tokio_util::sync::CancellationToken;

use crate::shared::Shared;

/// What a refusal by close takes at the longest.
const REFUSAL: Duration = Duration::from_secs(2);

impl Shared {
    /// Takes no more work, tells the open sessions over `window` and waits for them; returns how
    /// many were cut. `hurry` tells all that are left at once, and waits no longer than three seconds
    /// more.
    pub async fn drain(&self, window: Duration, hurry: CancellationToken) -> usize {
        self.health.drain();
        tracing::info!(
            event = "drain.started",
            sessions = self.registry.len(),
            window_s = window.as_secs(),
            "draining"
        );
        let until = Instant::now() + window;
        let entered = self.all_entered(until, &hurry);
        let (mut cut, ()) = tokio::join!(self.registry.drain(window, hurry.clone()), entered);
        // None may have been open when the drain began.
        if !self.registry.is_empty() && Instant::now() < until {
            // Sessions that were being dialled when the drain began, told as they opened.
            let left = until.saturating_duration_since(Instant::now());
            cut = self.registry.drain(left, hurry).await;
        }
        tracing::info!(event = "drain.finished", cut, "drained");
        cut
    }

    /// Waits for everybody who is owed an answer and has no session: bearers whose upstream is being
    /// dialled, each of whom has spent a use; clients who were let in to be told why not, or to bring
    /// their token.
    async fn all_entered(&self, until: Instant, hurry: &CancellationToken) {
        let mut look = tokio::time::interval(Duration::from_millis(20));
        let mut only_refused_since = None;
        while Instant::now() < until && !hurry.is_cancelled() {
            if self.entering.load(Ordering::SeqCst) == 0 && self.waiting.is_empty() {
                // Whoever comes with a token is refused, and others may come for as long as we listen.
                let since = *only_refused_since.get_or_insert_with(Instant::now);
                if self.refusing.load(Ordering::SeqCst) == 0 || since.elapsed() >= REFUSAL {
                    return;
                }
            }
            look.tick().await;
        }
    }
}
