//! A node inside somebody else's server.

use std::{net::SocketAddr, path::Path, sync::Arc, time::Duration};

use actix_web::web::{Data, ServiceConfig};
use async_trait::async_trait;
use tokio_util::sync::CancellationToken;
use tollbridge_config::Settings;
use tollbridge_domain::Act;
use tollbridge_http::{Metrics, ReloadError, ReloadReport, Shared, Steering};

use crate::{
    error::NodeError,
    node::{Node, Running},
};

/// Tollbridge among the handlers of an actix-web application: [`mint`](Self::mint) goes behind the
/// application's own login, [`bridge`](Self::bridge) beside it.
///
/// ```no_run
/// # async fn run() -> Result<(), Box<dyn std::error::Error>> {
/// use actix_web::{App, HttpServer};
/// use tollbridge_node::Embedded;
///
/// let tollbridge = Embedded::from_file("tollbridge.toml").await?;
/// let mounted = tollbridge.clone();
/// let server = HttpServer::new(move || {
///     App::new()
///         // .service(web::scope("/voice").wrap(your_login).configure(|cfg| mounted.mint(cfg)))
///         .configure(|cfg| mounted.bridge(cfg))
/// })
/// .disable_signals()
/// .bind("127.0.0.1:8080")?
/// .run();
/// let handle = server.handle();
/// actix_web::rt::spawn(server);
/// actix_web::rt::signal::ctrl_c().await?; // and SIGTERM
/// tollbridge.close(std::time::Duration::from_secs(20)).await;
/// handle.stop(true).await;
/// # Ok(()) }
/// ```
#[derive(Clone)]
pub struct Embedded {
    shared: Data<Shared>,
    running: Arc<std::sync::Mutex<Option<Running>>>,
}

impl Embedded {
    /// Opens the node of these settings and starts what it does in the background, on the thread
    /// that calls: call it inside the actix system, before the server is made.
    ///
    /// `server.listen` and `server.tls` are the application's business and not looked at;
    /// `server.public_url` says where browsers reach the application.
    ///
    /// # Errors
    /// As [`Node::open`].
    pub async fn open(settings: &Settings) -> Result<Self, NodeError> {
        let version = env!("CARGO_PKG_VERSION");
        let metrics =
            Metrics::new(version).map_err(|error| NodeError::of("the metrics", &error))?;
        let public: SocketAddr = settings.server.listen;
        let node = Node::open(version, settings, public, metrics, Arc::new(Fixed)).await?;
        let shared = Data::from(Arc::clone(&node.shared));
        Ok(Self {
            shared,
            running: Arc::new(std::sync::Mutex::new(Some(node.start().await))),
        })
    }

    /// As [`Embedded::open`], with the settings of a file and the environment over it.
    ///
    /// # Errors
    /// Also where the file is wrong: every mistake in it, with line and column.
    pub async fn from_file(path: impl AsRef<Path>) -> Result<Self, NodeError> {
        let loaded = tollbridge_config::load(path.as_ref(), &tollbridge_config::environment)
            .map_err(|problems| NodeError::Configuration(problems.to_string()))?;
        for warning in &loaded.warnings {
            tracing::warn!(event = "config.warning", "{warning}");
        }
        Self::open(&loaded.settings).await
    }

    /// Mounts the mint: `v1/tokens` and `v1/realtime/client_secrets`. What is in front of it has
    /// put an [`Identity`](tollbridge_http::Identity) into the request's extensions, or leaves it to
    /// the configured callers.
    pub fn mint(&self, cfg: &mut ServiceConfig) {
        tollbridge_http::mint(self.shared.clone())(cfg);
    }

    /// Mounts the bridge: `v1/bridge/{route}`, the routes' own paths, and the public keys. Keep it
    /// out of middleware that compresses, limits bodies or times requests, and at the root: the
    /// paths are absolute.
    pub fn bridge(&self, cfg: &mut ServiceConfig) {
        tollbridge_http::bridge(self.shared.clone())(cfg);
    }

    /// What handlers share: the live sessions, the metrics, the audit.
    #[must_use]
    pub fn shared(&self) -> &Shared {
        &self.shared
    }

    /// Takes no more work, tells the open sessions over this time and waits for them; returns how
    /// many were cut. To be called before the server is stopped.
    pub async fn drain(&self, window: Duration) -> usize {
        self.shared.drain(window, CancellationToken::new()).await
    }

    /// Drains, writes what is left to write, and lets go of the store. Of several clones the first
    /// that closes does so.
    pub async fn close(&self, window: Duration) -> usize {
        let cut = self.drain(window).await;
        let running = self
            .running
            .lock()
            .unwrap_or_else(std::sync::PoisonError::into_inner)
            .take();
        if let Some(running) = running {
            running.stop().await;
        }
        cut
    }
}

/// Nobody steers an embedded node but its application.
struct Fixed;

#[async_trait]
impl Steering for Fixed {
    async fn reload(&self, _act: &Act) -> Result<ReloadReport, ReloadError> {
        let why = "this node is part of an application, which reads its settings once";
        Err(ReloadError::Refused(why.to_owned()))
    }

    fn drain(&self) {}
}
