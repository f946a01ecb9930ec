//! The process's signals: reload, stop, stop at once.

use std::{
    sync::{Arc, atomic::Ordering},
    time::{Duration, Instant},
};

use tokio::signal::unix::{Signal, SignalKind, signal};
use tokio_util::sync::CancellationToken;
use tollbridge_http::Shared;

use crate::{failure::Failure, reload::Helm};

/// The signals that are heard. To be made before anybody is told that the server runs: one that
/// comes earlier ends the process where it stands.
pub(crate) struct Signals {
    term: Signal,
    int: Signal,
    hup: Signal,
}

impl Signals {
    /// Begins to listen.
    pub(crate) fn listen() -> Result<Self, Failure> {
        let listen = |kind| signal(kind).map_err(|error| Failure::of("signals", &error));
        Ok(Self {
            term: listen(SignalKind::terminate())?,
            int: listen(SignalKind::interrupt())?,
            hup: listen(SignalKind::hangup())?,
        })
    }

    /// Waits for the first order to stop, then drains; a second signal cuts at once.
    pub(crate) async fn wait_and_drain(mut self, shared: &Arc<Shared>, helm: &Arc<Helm>) {
        self.until_ordered(helm).await;
        shared.health.drain();
        let open = shared.registry.len();
        let window = helm.drain_window();
        tracing::info!(
            event = "drain.started",
            sessions = open,
            window_s = window.as_secs(),
            "draining"
        );
        let hurry = CancellationToken::new();
        let hurried = hurry.clone();
        let listening = actix_rt::spawn(async move {
            self.stop().await;
            hurried.cancel();
        });
        let until = Instant::now() + window;
        let entered = all_entered(shared, until, hurry.clone());
        let (mut cut, ()) = tokio::join!(shared.registry.drain(window, hurry.clone()), entered);
        if cut > 0 && Instant::now() < until {
            // Sessions that were being dialled when the drain began, told as they opened.
            cut = shared.registry.drain(until - Instant::now(), hurry).await;
        }
        listening.abort();
        tracing::info!(event = "drain.finished", cut, "drained");
    }

    async fn until_ordered(&mut self, helm: &Arc<Helm>) {
        loop {
            tokio::select! {
                _ = self.term.recv() => return,
                _ = self.int.recv() => return,
                () = helm.drain_ordered() => return,
                _ = self.hup.recv() => helm.reload_by_signal().await,
            }
        }
    }

    async fn stop(&mut self) {
        tokio::select! { _ = self.term.recv() => {}, _ = self.int.recv() => {} }
    }
}

/// Waits for bearers whose upstream is being dialled: each has spent a use and is owed an answer.
async fn all_entered(shared: &Shared, until: Instant, hurry: CancellationToken) {
    let mut look = tokio::time::interval(Duration::from_millis(20));
    while shared.entering.load(Ordering::SeqCst) > 0
        && Instant::now() < until
        && !hurry.is_cancelled()
    {
        look.tick().await;
    }
}
