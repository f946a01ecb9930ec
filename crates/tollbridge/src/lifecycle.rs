//! One server from its first to its last breath.

use std::{
    net::{SocketAddr, TcpListener},
    sync::Arc,
};

use actix_web::{App, HttpServer, dev::Server, middleware::from_fn, web};
use futures_util::future::OptionFuture;
use tokio::net::TcpSocket;
use tollbridge_config::Settings;
use tollbridge_domain::{Clock, SystemClock};
use tollbridge_http::{
    Door, Listening, Metrics, Shared, Steering, Worker, Workers, admin, layer, public, serve,
};
use tollbridge_node::Node;

use crate::{
    certificate::Presented,
    failure::Failure,
    reload::{Helm, Source},
    signals::Signals,
    socket,
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
    node: Node,
    helm: Arc<Helm>,
    settings: Settings,
    public: TcpListener,
    admin: TcpListener,
    presented: Option<Arc<Presented>>,
}

impl Ready {
    /// Takes the lock, the store, the keys and the ports.
    pub(crate) async fn prepare(
        settings: Settings,
        config: Option<Source>,
    ) -> Result<Self, Failure> {
        let public = bind(settings.server.listen, "server.listen")?;
        let admin = bind(settings.admin.listen, "admin.listen")?;
        let address = public
            .local_addr()
            .map_err(|error| Failure::of("server.listen", &error))?;
        let metrics = Metrics::new(VERSION).map_err(|error| Failure::of("the metrics", &error))?;
        let clock: Arc<dyn Clock> = Arc::new(SystemClock);
        let presented = Presented::where_written(&settings, &metrics, &clock)?;
        let helm = Helm::new(config, address, presented.clone(), settings.clone());
        let helm = Arc::new(helm);
        let steering = Arc::clone(&helm) as Arc<dyn Steering>;
        let node = Node::open(VERSION, &settings, address, metrics, steering).await?;
        helm.hold(&node.shared);
        Ok(Self {
            node,
            helm,
            settings,
            public,
            admin,
            presented,
        })
    }

    /// Where the public listener is, as an address of the web.
    pub(crate) fn public_base(&self) -> Result<String, Failure> {
        Ok(format!(
            "{}://{}",
            tollbridge_node::scheme(&self.settings),
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
        &self.node.shared
    }

    /// Listens, serves, drains, stops. `announce` runs once requests are answered.
    pub(crate) async fn run(
        self,
        extra: Option<Extra>,
        announce: impl FnOnce(),
    ) -> Result<(), Failure> {
        let signals = Signals::listen()?;
        let socket_path = socket::path(&tollbridge_node::store_path(&self.settings)?);
        let shared = Arc::clone(&self.node.shared);
        let running = self.node.start().await;
        let listeners = Listeners {
            shared: &shared,
            settings: &self.settings,
            presented: self.presented.as_ref(),
        };
        let public = listeners.public(self.public, extra)?;
        let (admin, on_socket) = listeners.admin(self.admin, &socket_path)?;
        let socket_handle = on_socket.as_ref().map(Server::handle);
        let on_socket = actix_rt::spawn(OptionFuture::from(on_socket));
        let watcher = actix_rt::spawn(Arc::clone(&self.helm).watch());
        announce();
        tracing::info!(
            event = "server.started",
            version = VERSION,
            "the server listens"
        );
        signals.wait_and_drain(&shared, &self.helm).await;
        tokio::join!(public.stop(), admin.stop(), async {
            if let Some(handle) = socket_handle {
                handle.stop(true).await;
            }
        });
        let _stopped = on_socket.await;
        watcher.abort();
        running.stop().await;
        let _absent = std::fs::remove_file(&socket_path);
        tracing::info!(event = "server.stopped", "the server has stopped");
        Ok(())
    }
}

/// What the listeners of one server have in common.
struct Listeners<'a> {
    shared: &'a Arc<Shared>,
    settings: &'a Settings,
    presented: Option<&'a Arc<Presented>>,
}

impl Listeners<'_> {
    fn public(&self, listener: TcpListener, extra: Option<Extra>) -> Result<Workers, Failure> {
        let shared = web::Data::from(Arc::clone(self.shared));
        let listening = Listening {
            workers: self.settings.server.workers,
            connections: CONNECTIONS,
            head_timeout: self.settings.server.handshake_timeout,
            tls: self.presented.map(|presented| presented.tls()),
            metrics: self.shared.metrics.listener("public"),
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
                .configure(public(shared.clone()))
        })
        .map_err(|error| Failure::of("server.listen", &error))
    }

    /// The admin plane twice: over TCP, where a key is needed, and over the socket beside the
    /// store, where the file's mode is the key.
    fn admin(
        &self,
        listener: TcpListener,
        socket_path: &std::path::Path,
    ) -> Result<(Workers, Option<Server>), Failure> {
        let shared = web::Data::from(Arc::clone(self.shared));
        let app = move |door: Door| {
            App::new()
                .app_data(shared.clone())
                .app_data(door)
                .wrap(from_fn(layer))
                .configure(admin)
        };
        let over_tcp = app.clone();
        let timeout = self.settings.server.handshake_timeout;
        let listening = Listening {
            workers: 1,
            connections: ADMIN_CONNECTIONS,
            head_timeout: timeout,
            tls: None,
            metrics: self.shared.metrics.listener("admin"),
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
