//! The process's signals: reload, stop, stop at once.

use std::sync::Arc;

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
        let window = helm.drain_window();
        let hurry = CancellationToken::new();
        let hurried = hurry.clone();
        let listening = actix_rt::spawn(async move {
            self.stop().await;
            hurried.cancel();
        });
        shared.drain(window, hurry).await;
        listening.abort();
    }

    async fn until_ordered(&mut self, helm: &Arc<Helm>) {
        loop {
            tokio::select! {
                _ = self.term.recv() => return,
                _ = self.int.recv() => return,
                () = helm.drain_ordered() => return,
                _ = self.hup.recv() => {
                    // Without a file there is nothing to read again, and a closed terminal is all it can
                    // mean.
                    if !helm.reloads() {
                        return;
                    }
                    helm.reload_by_signal().await;
                }
            }
        }
    }

    async fn stop(&mut self) {
        tokio::select! { _ = self.term.recv() => {}, _ = self.int.recv() => {} }
    }
}
