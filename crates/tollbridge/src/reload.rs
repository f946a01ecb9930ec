//! Reload: parse, check, swap. On failure the old configuration stays and says so. Live sessions
//! are never touched: each holds the route it was admitted by.

use std::{
    fs,
    net::SocketAddr,
    path::PathBuf,
    sync::{Arc, Mutex, OnceLock, PoisonError, Weak},
    time::Duration,
};

use async_trait::async_trait;
use tokio::sync::Notify;
use tollbridge_config::Settings;
use tollbridge_domain::{Act, Actor};
use tollbridge_http::{ReloadError, ReloadReport, Shared, Steering, chain};
use tollbridge_node::Before;

use crate::certificate::{Fresh, Presented};

/// How often the file is looked at.
const EVERY: Duration = Duration::from_secs(1);

/// The configuration's file, and what was in it when somebody last looked.
pub(crate) struct Source {
    path: PathBuf,
    looks: Mutex<Looks>,
}

/// What was found in a file.
struct Looks {
    /// The text that was loaded, or tried.
    taken: Option<Vec<u8>>,
    /// Another one, found by the last look: whoever writes it may not be done yet.
    found: Option<Vec<u8>>,
}

impl Source {
    /// To be made before the file is loaded: what changes in between is then found later.
    pub(crate) fn at(path: PathBuf) -> Self {
        let taken = fs::read(&path).ok();
        let looks = Mutex::new(Looks { taken, found: None });
        Self { path, looks }
    }

    /// Looks again; whether there is another text than was taken, the same as at the last look: half of
    /// a file that is being written is not.
    fn has_changed(&self) -> bool {
        let now = fs::read(&self.path).ok();
        let mut looks = self.looks.lock().unwrap_or_else(PoisonError::into_inner);
        if now.is_none() || now == looks.taken {
            looks.found = None;
            return false;
        }
        let settled = now == looks.found;
        if settled {
            looks.taken = looks.found.take();
        } else {
            looks.found = now;
        }
        settled
    }

    /// What is there now is taken.
    fn take(&self) {
        let now = fs::read(&self.path).ok();
        let mut looks = self.looks.lock().unwrap_or_else(PoisonError::into_inner);
        looks.taken = now;
        looks.found = None;
    }
}

/// What the admin API and signals steer.
pub(crate) struct Helm {
    source: Option<Source>,
    public: SocketAddr,
    /// Where the public listener speaks TLS.
    presented: Option<Arc<Presented>>,
    shared: OnceLock<Weak<Shared>>,
    /// What the process started with: what needs a restart is measured by it.
    started: Settings,
    /// What is in force.
    in_force: Mutex<Arc<Settings>>,
    /// One reload at a time.
    turn: tokio::sync::Mutex<()>,
    drain: Notify,
}

impl Helm {
    /// `source` is `None` where the configuration is not a file: the demo.
    pub(crate) fn new(
        source: Option<Source>,
        public: SocketAddr,
        presented: Option<Arc<Presented>>,
        settings: Settings,
    ) -> Self {
        Self {
            source,
            public,
            presented,
            shared: OnceLock::new(),
            in_force: Mutex::new(Arc::new(settings.clone())),
            started: settings,
            turn: tokio::sync::Mutex::new(()),
            drain: Notify::new(),
        }
    }

    /// Ties the knot: the shared state holds the helm and the helm steers the shared state.
    pub(crate) fn hold(&self, shared: &Arc<Shared>) {
        let _held = self.shared.set(Arc::downgrade(shared));
    }

    /// Returns once a drain is ordered.
    pub(crate) async fn drain_ordered(&self) {
        self.drain.notified().await;
    }

    /// How long a drain may take, as configured now.
    pub(crate) fn drain_window(&self) -> Duration {
        self.in_force().server.drain_window
    }

    fn in_force(&self) -> Arc<Settings> {
        let settings = self.in_force.lock().unwrap_or_else(PoisonError::into_inner);
        Arc::clone(&settings)
    }

    /// Whether there is a file to read again.
    pub(crate) const fn reloads(&self) -> bool {
        self.source.is_some()
    }

    /// Reloads on a signal.
    pub(crate) async fn reload_by_signal(&self) {
        let _reported = self.reload(&unasked("signal")).await;
    }

    async fn swap(&self, act: &Act) -> Result<ReloadReport, ReloadError> {
        let _turn = self.turn.lock().await;
        let shared = self
            .shared
            .get()
            .and_then(Weak::upgrade)
            .ok_or_else(|| refused("the server is stopping"))?;
        let source = self
            .source
            .as_ref()
            .ok_or_else(|| refused("this server has no configuration file"))?;
        // What is read now is not to be read again by the watch.
        source.take();
        let loaded = tollbridge_config::load(&source.path, &tollbridge_config::environment)
            .map_err(refused)?;
        let mut settings = loaded.settings;
        // A file that somebody has emptied is no wish to serve nobody.
        if settings.routes.is_empty() && !self.in_force().routes.is_empty() {
            return Err(refused("the file has no routes any more"));
        }
        let needs_restart = needs_restart(&self.started, &settings);
        let pair = self.read_pair(&settings)?;
        self.keep_windows(&mut settings);
        self.keep_tls(&mut settings);
        let (was_written, was) = (self.in_force(), shared.generation.load_full());
        let number = was.number + 1;
        let before = Before {
            settings: &was_written,
            generation: &was,
        };
        let generation = tollbridge_node::generation(
            &settings,
            number,
            self.public,
            Some(&shared.api_keys),
            Some(before),
        )
        .map_err(refused)?;
        follow_master(&shared, &settings).await?;
        shared.store.record_act(act, shared.clock.now()).await?;
        shared
            .keyring
            .set_policy(tollbridge_node::policy(&settings));
        let generation = generation.watched(&shared.metrics);
        generation.renew_credentials();
        shared.generation.store(Arc::new(generation));
        if let (Some(presented), Some(pair)) = (&self.presented, pair) {
            presented.serve(pair);
        }
        let mut in_force = self.in_force.lock().unwrap_or_else(PoisonError::into_inner);
        *in_force = Arc::new(settings);
        Ok(ReloadReport {
            generation: number,
            needs_restart,
        })
    }

    /// The verifier holds tokens to the longest window of the start. Until the restart the mint
    /// does too, or it would mint what nobody redeems.
    fn keep_windows(&self, settings: &mut Settings) {
        let longest = self.started.tokens.max_redeem_within;
        settings.tokens.max_redeem_within = longest;
        if settings.tokens.redeem_within > longest {
            settings.tokens.redeem_within = self.started.tokens.redeem_within;
        }
    }

    /// The certificate that the settings name now, where there is somebody to serve it.
    fn read_pair(&self, settings: &Settings) -> Result<Option<Fresh>, ReloadError> {
        self.presented
            .as_ref()
            .and(settings.server.tls.as_ref())
            .map(Fresh::read)
            .transpose()
            .map_err(refused)
    }

    /// A listener does not begin or cease to speak TLS while it listens.
    fn keep_tls(&self, settings: &mut Settings) {
        let started = &self.started.server.tls;
        if settings.server.tls.is_some() != started.is_some() {
            settings.server.tls.clone_from(started);
        }
    }

    fn report(&self, outcome: &Result<ReloadReport, ReloadError>) {
        let Some(shared) = self.shared.get().and_then(Weak::upgrade) else {
            return;
        };
        shared.metrics.reload_ok.set(i64::from(outcome.is_ok()));
        shared.metrics.reload_at.set(shared.clock.now().seconds());
        match outcome {
            Ok(report) => tracing::info!(
                event = "config.reloaded",
                generation = report.generation,
                needs_restart = report.needs_restart.join(" "),
                "the configuration was read again"
            ),
            Err(error) => tracing::error!(
                event = "config.reload_failed",
                reason = chain(error),
                "the configuration was not taken; the old one stays"
            ),
        }
    }

    /// Reloads whenever the file's text has changed and then stayed the same for a look, and serves
    /// whatever certificate is in its files. Polled, not notified: it sees a file that is replaced,
    /// mounted or linked anew alike.
    pub(crate) async fn watch(self: Arc<Self>) {
        let Some(source) = &self.source else {
            return;
        };
        let mut ticker = tokio::time::interval(EVERY);
        loop {
            ticker.tick().await;
            if source.has_changed() {
                let _reported = self.reload(&unasked("file")).await;
            }
            if let Some(presented) = &self.presented {
                presented.look();
            }
        }
    }
}

#[async_trait]
impl Steering for Helm {
    async fn reload(&self, act: &Act) -> Result<ReloadReport, ReloadError> {
        let outcome = self.swap(act).await;
        self.report(&outcome);
        outcome
    }

    fn drain(&self) {
        self.drain.notify_one();
    }
}

/// The master key, which `keys rewrap` may have changed.
async fn follow_master(shared: &Shared, settings: &Settings) -> Result<(), ReloadError> {
    let master = tollbridge_node::master_key(&settings.keys.master_key, true).map_err(refused)?;
    let adopted = shared.keyring.adopt_master(master).await;
    adopted.map_err(|error| ReloadError::Refused(format!("keys.master_key: {}", chain(&error))))
}

/// A reload that no operator asked for by name.
fn unasked(from: &str) -> Act {
    Act {
        actor: Actor {
            from: from.to_owned(),
            ..Actor::system()
        },
        event: "config.reloaded",
        target: String::new(),
        why: String::new(),
    }
}

fn refused(why: impl ToString) -> ReloadError {
    ReloadError::Refused(why.to_string())
}

/// Settings that are read only at the start.
fn needs_restart(old: &Settings, new: &Settings) -> Vec<String> {
    let mut keys = Vec::new();
    let mut differs = |key: &str, differs: bool| {
        if differs {
            keys.push(key.to_owned());
        }
    };
    differs("server.listen", old.server.listen != new.server.listen);
    differs("server.workers", old.server.workers != new.server.workers);
    differs(
        "server.handshake_timeout",
        old.server.handshake_timeout != new.server.handshake_timeout,
    );
    differs(
        "server.tls",
        old.server.tls.is_some() != new.server.tls.is_some(),
    );
    differs("admin.listen", old.admin.listen != new.admin.listen);
    differs("store.url", old.store.url != new.store.url);
    differs(
        "tokens.max_redeem_within",
        old.tokens.max_redeem_within != new.tokens.max_redeem_within,
    );
    let issuer = |settings: &Settings| {
        settings
            .tokens
            .issuer
            .clone()
            .or_else(|| settings.server.public_url.clone())
    };
    differs("tokens.issuer", issuer(old) != issuer(new));
    differs("log", format!("{:?}", old.log) != format!("{:?}", new.log));
    keys
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn half_a_file_is_not_taken_while_it_is_written() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("tollbridge.toml");
        fs::write(&path, "old").unwrap();
        let source = Source::at(path.clone());
        assert!(!source.has_changed());
        fs::write(&path, "").unwrap();
        assert!(!source.has_changed());
        fs::write(&path, "new").unwrap();
        assert!(!source.has_changed());
        assert!(source.has_changed());
        assert!(!source.has_changed());
        fs::write(&path, "newer").unwrap();
        source.take();
        assert!(!source.has_changed());
        assert!(!source.has_changed());
    }
}
