//! One server from its first to its last breath.

use std::{
    net::{SocketAddr, TcpListener},
    sync::Arc,
    time::Duration,
};

use actix_web::{App, HttpServer, dev::Server, middleware::from_fn, web};
use arc_swap::ArcSwap;
use futures_util::future::OptionFuture;
use tokio::net::TcpSocket;
use tollbridge_authn::ApiKeys;
use tollbridge_config::Settings;
use tollbridge_domain::{Clock, Entropy, Moment, SystemClock};
use tollbridge_http::{
    AuditWriter, Denials, Door, Health, Listening, Metrics, Revoked, Shared, Steering, Worker,
    Workers, admin, layer, public, serve, sink,
};
use tollbridge_keyring::RingEntropy;
use tollbridge_relay::Registry;
use tollbridge_store::{EpochStore, RevocationStore, Store, StoreError, memory};
use tollbridge_store_sql::{Mode, ServerLock};
use tollbridge_token::{Minter, Verifier};

use crate::{
    certificate::Presented,
    failure::Failure,
    local, refresh,
    reload::{Helm, Source},
    signals::Signals,
    socket, wire,
};

/// The version, as people and `build_info` see it.
const VERSION: &str = env!("CARGO_PKG_VERSION");

/// Connections that may be open at once, a worker: the sessions' own cap is what people meet.
const CONNECTIONS: usize = 65_536;

/// Connections that may be open at once on the admin listener.
const ADMIN_CONNECTIONS: usize = 1024;

/// Connections that may wait to be accepted: what Linux allows by default. The standard library's 128
/// are gone in a moment where thousands come back after a restart.
const BACKLOG: u32 = 4096;

/// Pages and helpers of the demo, mounted on the public listener.
pub(crate) type Extra = Arc<dyn Fn(&mut web::ServiceConfig) + Send + Sync>;

/// A server that has everything it needs and does not listen yet.
pub(crate) struct Ready {
    shared: Arc<Shared>,
    helm: Arc<Helm>,
    writer: AuditWriter,
    settings: Settings,
    public: TcpListener,
    admin: TcpListener,
    presented: Option<Arc<Presented>>,
    epoch: Moment,
    _lock: ServerLock,
}

impl Ready {
    /// Takes the lock, the store, the keys and the ports.
    pub(crate) async fn prepare(
        settings: Settings,
        config: Option<Source>,
    ) -> Result<Self, Failure> {
        tollbridge_token::install();
        let public = bind(settings.server.listen, "server.listen")?;
        let admin = bind(settings.admin.listen, "admin.listen")?;
        let lock = ServerLock::hold(&settings.store.url).map_err(|error| match error {
            StoreError::Held { .. } => Failure::Failed(format!(
                "{error}; with coordination \"memory:\" exactly one server may hold a store"
            )),
            other => Failure::of("the store", &other),
        })?;
        let store = local::open_store(&settings, Mode::Create).await?;
        let keyring = local::open_keys(&settings, store.clone()).await?;
        let clock: Arc<dyn Clock> = Arc::new(SystemClock);
        let entropy: Arc<dyn Entropy> = Arc::new(RingEntropy::default());
        let epoch = store
            .advance_epoch(clock.now())
            .await
            .map_err(|error| Failure::of("the store", &error))?;
        let address = public
            .local_addr()
            .map_err(|error| Failure::of("server.listen", &error))?;
        let api_keys = ApiKeys::load(store.clone())
            .await
            .map_err(|error| Failure::of("the store", &error))?;
        let api_keys = Arc::new(api_keys);
        let generation = wire::generation(&settings, 1, address, Some(&api_keys))
            .map_err(|error| Failure::Configuration(error.to_string()))?;
        let metrics = Metrics::new(VERSION).map_err(|error| Failure::of("the metrics", &error))?;
        let generation = generation.watched(&metrics);
        let presented = Presented::where_written(&settings, &metrics, &clock)?;
        let helm = Arc::new(Helm::new(
            config,
            address,
            presented.clone(),
            Arc::clone(&api_keys),
            settings.clone(),
        ));
        let issuer = wire::issuer(&settings, address);
        let (audit, writer) = sink(store.clone());
        let revoked = Revoked::new(store.clone() as Arc<dyn RevocationStore>);
        revoked
            .refresh(clock.now())
            .await
            .map_err(|error| Failure::of("the store", &error))?;
        let life = generation.max_redeem_within;
        let shared = Arc::new(Shared {
            version: VERSION,
            started: clock.now(),
            minter: Minter::new(
                Arc::clone(&keyring),
                issuer.clone(),
                Arc::clone(&clock),
                Arc::clone(&entropy),
            ),
            verifier: Verifier::new(Arc::clone(&keyring), issuer, epoch, life),
            used: Arc::new(memory::MemoryUsed::new(Arc::clone(&clock))),
            leases: Arc::new(memory::MemoryLeases::new()),
            registry: Registry::new(),
            revoked,
            audit,
            metrics,
            denials: Denials::default(),
            generation: ArcSwap::from_pointee(generation),
            steering: Arc::clone(&helm) as Arc<dyn Steering>,
            health: Health::default(),
            entering: std::sync::atomic::AtomicUsize::new(0),
            refusing: std::sync::atomic::AtomicUsize::new(0),
            waiting: std::sync::Mutex::default(),
            store: store as Arc<dyn Store>,
            keyring,
            api_keys,
            clock,
            entropy,
        });
        helm.hold(&shared);
        Ok(Self {
            shared,
            helm,
            writer,
            settings,
            public,
            admin,
            presented,
            epoch,
            _lock: lock,
        })
    }

    /// Where the public listener is, as an address of the web.
    pub(crate) fn public_base(&self) -> Result<String, Failure> {
        Ok(format!(
            "{}://{}",
            wire::scheme(&self.settings),
            self.public()?
        ))
    }

    /// Where the public listener is.
    pub(crate) fn public(&self) -> Result<SocketAddr, Failure> {
        self.public
            .local_addr()
            .map_err(|error| Failure::of("server.listen", &error))
    }

    /// Where the admin listener is.
    pub(crate) fn admin(&self) -> Result<SocketAddr, Failure> {
        self.admin
            .local_addr()
            .map_err(|error| Failure::of("admin.listen", &error))
    }

    /// What handlers share; the demo makes its API keys with it.
    pub(crate) const fn shared(&self) -> &Arc<Shared> {
        &self.shared
    }

    /// Listens, serves, drains, stops. `announce` runs once requests are answered.
    pub(crate) async fn run(
        self,
        extra: Option<Extra>,
        announce: impl FnOnce(),
    ) -> Result<(), Failure> {
        self.outlast_epoch().await;
        let signals = Signals::listen()?;
        let store = local::store_path(&self.settings)?;
        let socket_path = socket::path(&store);
        let public = self.serve_public(extra)?;
        let (admin, on_socket) = self.serve_admin(&socket_path)?;
        let socket_handle = on_socket.as_ref().map(Server::handle);
        let on_socket = actix_rt::spawn(OptionFuture::from(on_socket));
        let writer = actix_rt::spawn(self.writer.run());
        let refresher = actix_rt::spawn(refresh::run(Arc::clone(&self.shared)));
        let watcher = actix_rt::spawn(Arc::clone(&self.helm).watch());
        announce();
        tracing::info!(
            event = "server.started",
            version = VERSION,
            "the server listens"
        );
        signals.wait_and_drain(&self.shared, &self.helm).await;
        tokio::join!(public.stop(), admin.stop(), async {
            if let Some(handle) = socket_handle {
                handle.stop(true).await;
            }
        });
        let _stopped = on_socket.await;
        watcher.abort();
        refresher.abort();
        let written = tokio::time::timeout(Duration::from_secs(2), self.shared.audit.flush()).await;
        writer.abort();
        if written.is_err() {
            tracing::error!(
                event = "audit.lost",
                "the last facts could not be written in time"
            );
        }
        let _absent = std::fs::remove_file(&socket_path);
        tracing::info!(event = "server.stopped", "the server has stopped");
        Ok(())
    }

    /// Tokens of this very second were perhaps minted by the server before this one, whose used
    /// tokens nobody remembers: requests are answered from the next second on.
    async fn outlast_epoch(&self) {
        let now = self.shared.clock.now();
        let ahead = self.epoch.since(now);
        if ahead > 0 {
            tracing::error!(
                event = "clock.behind",
                now = %now,
                epoch = %self.epoch,
                wait_s = ahead,
                "a server of this store has started later than now: this one listens when the clock is there"
            );
        }
        while self.shared.clock.now() <= self.epoch {
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
    }

    fn serve_public(&self, extra: Option<Extra>) -> Result<Workers, Failure> {
        let shared = web::Data::from(Arc::clone(&self.shared));
        let listener = self
            .public
            .try_clone()
            .map_err(|error| Failure::of("server.listen", &error))?;
        let listening = Listening {
            workers: self.settings.server.workers,
            connections: CONNECTIONS,
            head_timeout: self.settings.server.handshake_timeout,
            tls: self.presented.as_ref().map(|presented| presented.tls()),
        };
        serve(listener, listening, move || {
            let extra = extra.clone();
            App::new()
                .app_data(shared.clone())
                .app_data(web::ThinData(Worker::default()))
                .wrap(from_fn(layer))
                .configure(move |cfg| {
                    if let Some(extra) = &extra {
                        extra(cfg);
                    }
                })
                .configure(public)
        })
        .map_err(|error| Failure::of("server.listen", &error))
    }

    /// The admin plane twice: over TCP, where a key is needed, and over the socket beside the
    /// store, where the file's mode is the key.
    fn serve_admin(
        &self,
        socket_path: &std::path::Path,
    ) -> Result<(Workers, Option<Server>), Failure> {
        let shared = web::Data::from(Arc::clone(&self.shared));
        let app = move |door: Door| {
            App::new()
                .app_data(shared.clone())
                .app_data(door)
                .wrap(from_fn(layer))
                .configure(admin)
        };
        let over_tcp = app.clone();
        let listener = self
            .admin
            .try_clone()
            .map_err(|error| Failure::of("admin.listen", &error))?;
        let timeout = self.settings.server.handshake_timeout;
        let listening = Listening {
            workers: 1,
            connections: ADMIN_CONNECTIONS,
            head_timeout: timeout,
            tls: None,
        };
        let tcp = serve(listener, listening, move || over_tcp(Door::Tcp))
            .map_err(|error| Failure::of("admin.listen", &error))?;
        let mut on_socket = None;
        match socket::bind(socket_path) {
            Ok(listener) => {
                let unix = HttpServer::new(move || app(Door::Socket))
                    .workers(1)
                    .client_request_timeout(timeout)
                    .disable_signals()
                    .shutdown_timeout(1)
                    .listen_uds(listener)
                    .map_err(|error| Failure::of("the admin socket", &error))?;
                on_socket = Some(unix.run());
            }
            // A path too long for a socket, a file system without them: the listener remains.
            Err(error) => {
                tracing::warn!(event = "socket.failed", error = %error, "no admin socket beside the store")
            }
        }
        Ok((tcp, on_socket))
    }
}

fn bind(address: SocketAddr, key: &str) -> Result<TcpListener, Failure> {
    let bound = || {
        let socket = match address {
            SocketAddr::V4(_) => TcpSocket::new_v4()?,
            SocketAddr::V6(_) => TcpSocket::new_v6()?,
        };
        socket.set_reuseaddr(true)?;
        socket.bind(address)?;
        socket.listen(BACKLOG)?.into_std()
    };
    bound().map_err(|error| Failure::Failed(format!("{key}: cannot listen on {address}: {error}")))
}
