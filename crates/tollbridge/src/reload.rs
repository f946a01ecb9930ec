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
use tollbridge_authn::ApiKeys;
use tollbridge_config::Settings;
use tollbridge_http::{ReloadReport, Shared, Steering};

use crate::{local, wire};

/// How often the file is looked at.
const EVERY: Duration = Duration::from_secs(1);

/// What the admin API and signals steer.
pub(crate) struct Helm {
    path: Option<PathBuf>,
    public: SocketAddr,
    api_keys: Arc<ApiKeys>,
    shared: OnceLock<Weak<Shared>>,
    in_force: Mutex<Settings>,
    drain: Notify,
}

impl Helm {
    /// `path` is `None` where the configuration is not a file: the demo.
    pub(crate) fn new(
        path: Option<PathBuf>,
        public: SocketAddr,
        api_keys: Arc<ApiKeys>,
        settings: Settings,
    ) -> Self {
        Self {
            path,
            public,
            api_keys,
            shared: OnceLock::new(),
            in_force: Mutex::new(settings),
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
        self.in_force
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .server
            .drain_window
    }

    async fn swap(&self) -> Result<ReloadReport, String> {
        let shared = self
            .shared
            .get()
            .and_then(Weak::upgrade)
            .ok_or("the server is stopping")?;
        let path = self
            .path
            .as_ref()
            .ok_or("this server has no configuration file")?;
        let loaded = tollbridge_config::load(path, &local::environment)
            .map_err(|problems| problems.to_string())?;
        self.follow_keys(&shared, &loaded.settings).await?;
        let mut in_force = self.in_force.lock().unwrap_or_else(PoisonError::into_inner);
        let number = shared.generation.load().number + 1;
        let generation =
            wire::generation(&loaded.settings, number, self.public, Some(&self.api_keys))
                .map_err(|error| error.to_string())?;
        let needs_restart = needs_restart(&in_force, &loaded.settings);
        shared.generation.store(Arc::new(generation));
        *in_force = loaded.settings;
        Ok(ReloadReport {
            generation: number,
            needs_restart,
        })
    }

    /// The rotation policy and the master key, which `keys rewrap` may have changed.
    async fn follow_keys(&self, shared: &Shared, settings: &Settings) -> Result<(), String> {
        let master = local::master_key(&settings.keys.master_key, true)
            .map_err(|failure| failure.to_string())?;
        shared
            .keyring
            .adopt_master(master)
            .await
            .map_err(|error| format!("keys.master_key: {}", tollbridge_http::chain(&error)))?;
        shared.keyring.set_policy(local::policy(settings));
        Ok(())
    }

    fn report(&self, outcome: &Result<ReloadReport, String>) {
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
            Err(problems) => tracing::error!(
                event = "config.reload_failed",
                reason = problems,
                "the configuration was not taken; the old one stays"
            ),
        }
    }

    /// Reloads whenever the file's text changes. Polled, not notified: it sees a file that is
    /// replaced, mounted or linked anew alike.
    pub(crate) async fn watch(self: Arc<Self>) {
        let Some(path) = self.path.clone() else {
            return;
        };
        let read = || fs::read(&path).ok();
        let mut known = read();
        let mut ticker = tokio::time::interval(EVERY);
        loop {
            ticker.tick().await;
            let text = read();
            if text.is_some() && text != known {
                known = text;
                let _reported = self.reload().await;
            }
        }
    }
}

#[async_trait]
impl Steering for Helm {
    async fn reload(&self) -> Result<ReloadReport, String> {
        let outcome = self.swap().await;
        self.report(&outcome);
        outcome
    }

    fn drain(&self) {
        self.drain.notify_one();
    }
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
