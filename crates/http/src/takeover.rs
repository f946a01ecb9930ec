//! The client's side as the socket itself: what the binary's own listener uses.
//!
//! actix hands an upgrade request over with its socket. The same app decides (routing, middleware,
//! handler), and where the answer is 101 the handler has left in the response's extensions what is
//! to happen with the connection. Unlike the portable leg a socket can end its own half, write its
//! last frame and still listen: that is how a close frame arrives, and how the server closes first
//! (RFC 6455, 7.1.1).

use std::{io, net::TcpListener, rc::Rc, sync::Arc, time::Duration};

use actix_codec::Framed;
use actix_http::{
    HttpMessage as _, HttpService, Protocol, Request,
    body::{BodySize, BoxBody},
    h1,
};
use actix_service::{
    IntoServiceFactory, Service, ServiceFactory, ServiceFactoryExt as _,
    boxed::{self, BoxServiceFactory},
    fn_factory, fn_service, map_config,
};
use actix_web::{
    Error,
    dev::{AppConfig, ServiceResponse},
    rt::net::TcpStream,
};
use futures_util::SinkExt as _;
use tokio::io::{AsyncRead, AsyncReadExt as _, AsyncWrite, AsyncWriteExt as _};
use tollbridge_stream::{Early, Line};

pub(crate) mod clients;
mod gate;
mod handshakes;
mod leg;
mod patience;
mod slots;
mod tls;
mod workers;

use self::{clients::Client, gate::Gated, handshakes::Handshakes};
pub(crate) use self::{gate::Gate, leg::ClientLeg};
pub use self::{
    tls::{ServerPair, ServerPairError, ServerTls},
    workers::Workers,
};
use crate::ListenerMetrics;

/// Marks a request whose socket may be taken over.
pub(crate) struct Offered;

/// What happens to the connection after its 101; left in the response's extensions.
pub(crate) struct Opened(pub(crate) Box<dyn FnOnce(ClientLeg)>);

/// How a listener treats connections.
#[derive(Clone)]
pub struct Listening {
    /// Threads.
    pub workers: usize,
    /// Most connections a worker has before their session begins.
    pub connections: usize,
    /// How long a request's head may take, and a TLS handshake before it.
    pub head_timeout: Duration,
    /// What the listener proves itself with; `None`: it speaks plain HTTP.
    pub tls: Option<Arc<ServerTls>>,
    /// Where it counts what it could not take.
    pub metrics: ListenerMetrics,
}

/// Serves an app on a socket that is bound already. `app` makes it, once a worker and kind of
/// request.
///
/// # Errors
/// Where the socket cannot be listened on.
pub fn serve<F, I, S>(listener: TcpListener, listening: Listening, app: F) -> io::Result<Workers>
where
    F: Fn() -> I + Clone + Send + 'static,
    I: IntoServiceFactory<S, Request>,
    S: ServiceFactory<
            Request,
            Config = AppConfig,
            Response = ServiceResponse<BoxBody>,
            Error = Error,
            InitError = (),
        > + 'static,
{
    let address = listener.local_addr()?;
    let size = (listening.workers, listening.connections);
    let metrics = listening.metrics.clone();
    Workers::start(listener, size, metrics, move || {
        let (app, listening) = (app.clone(), listening.clone());
        async move {
            let tls = listening.tls.clone();
            let plain = app().into_factory().map_err(|error| error.error_response());
            let http = HttpService::build()
                .client_request_timeout(listening.head_timeout)
                .client_disconnect_timeout(LINGER)
                .local_addr(address)
                .on_connect_ext(move |io: &Gated, data| {
                    data.insert(io.gate());
                    if let Some(client) = Client::of(io.line(), tls.as_ref()) {
                        data.insert(client);
                    }
                })
                .upgrade(upgrades(app))
                .finish(map_config(plain, |()| AppConfig::default()));
            let http = Rc::new(http.new_service(()).await.ok()?);
            let timeout = listening.head_timeout;
            let tls = listening.tls;
            let handshakes = tls.map(|tls| Rc::new(Handshakes::new(tls, timeout)));
            Some(move |io: TcpStream, peer| {
                let (http, handshakes) = (Rc::clone(&http), handshakes.clone());
                async move {
                    let Ok(()) = io.set_nodelay(true) else { return };
                    let io = match handshakes {
                        Some(handshakes) => handshakes.accept(io).await,
                        None => Ok(Line::Plain(io)),
                    };
                    let Ok(io) = io else { return };
                    let call = (Gated::new(io, timeout), Protocol::Http1, Some(peer));
                    // What it ended with has been answered and counted.
                    let _ended = http.call(call).await;
                }
            })
        }
    })
}

/// The service for upgrade requests of one worker: the same app, and the socket behind it.
fn upgrades<F, I, S>(
    app: F,
) -> BoxServiceFactory<(), (Request, Framed<Gated, h1::Codec>), (), Vanished, ()>
where
    F: Fn() -> I + Clone + 'static,
    I: IntoServiceFactory<S, Request>,
    S: ServiceFactory<
            Request,
            Config = AppConfig,
            Response = ServiceResponse<BoxBody>,
            Error = Error,
            InitError = (),
        > + 'static,
{
    boxed::factory(fn_factory(move || {
        let app = app.clone();
        async move {
            let app = Rc::new(
                app()
                    .into_factory()
                    .new_service(AppConfig::default())
                    .await?,
            );
            Ok(fn_service(move |(request, framed)| {
                let app = Rc::clone(&app);
                async move {
                    upgrade(app.as_ref(), request, framed)
                        .await
                        .or(Err(Vanished))
                }
            }))
        }
    }))
}

async fn upgrade<S>(
    app: &S,
    request: Request,
    mut framed: Framed<Gated, h1::Codec>,
) -> io::Result<()>
where
    S: Service<Request, Response = ServiceResponse<BoxBody>, Error = Error>,
{
    request.extensions_mut().insert(Offered);
    // A client that leaves while its upstream is dialled must not hold a lease until the dial ends.
    let answer = tokio::select! {
        answer = app.call(request) => answer,
        gone = framed.io_ref().gone() => return Err(gone),
    };
    let answer = match answer {
        Ok(answer) => answer.into_parts().1,
        Err(error) => error.error_response(),
    };
    let (mut answer, body) = answer.into_parts();
    let opened = answer.extensions_mut().remove::<Opened>();
    let body = match &opened {
        Some(_) => bytes::Bytes::new(),
        None => actix_web::body::to_bytes_limited(body, LONGEST_ANSWER)
            .await
            .ok()
            .and_then(Result::ok)
            .unwrap_or_default(),
    };
    let size = match &opened {
        Some(_) => BodySize::None,
        None => BodySize::Sized(u64::try_from(body.len()).unwrap_or(0)),
    };
    let head = actix_http::Response::from(answer);
    let sent = async {
        framed
            .send(h1::Message::Item((head.drop_body(), size)))
            .await
            .map_err(io::Error::other)?;
        if !body.is_empty() {
            framed
                .send(h1::Message::Chunk(Some(body)))
                .await
                .map_err(io::Error::other)?;
        }
        io::Result::Ok(())
    };
    tokio::time::timeout(ANSWER, sent)
        .await
        .map_err(io::Error::other)??;
    let parts = framed.into_parts();
    let (io, held) = parts.io.into_parts();
    match opened {
        Some(Opened(start)) => {
            let mut early = parts.read_buf;
            early.unsplit(held);
            start(ClientLeg::Socket(Early::new(early, io)));
        }
        None => end(io).await,
    }
    Ok(())
}

/// The client was gone before its answer.
#[derive(Debug, thiserror::Error)]
#[error("the client vanished before the answer to its upgrade")]
struct Vanished;

impl From<Vanished> for actix_http::Response<BoxBody> {
    /// Never sent: there is nobody.
    fn from(_: Vanished) -> Self {
        Self::bad_request()
    }
}

/// Ends a connection whose upgrade was refused: what it still sends is discarded for a moment, so
/// that no reset overtakes the answer.
async fn end(mut io: impl AsyncRead + AsyncWrite + Unpin) {
    let goodbye = async {
        io.shutdown().await?;
        let mut scratch = [0; 4096];
        while io.read(&mut scratch).await? > 0 {}
        io::Result::Ok(())
    };
    let _gone = tokio::time::timeout(LINGER, goodbye).await;
}

/// How long a head of a few hundred bytes may take to be written.
const ANSWER: Duration = Duration::from_secs(5);

/// How long a refused peer may go on talking.
const LINGER: Duration = Duration::from_secs(1);

/// More than any problem body has.
const LONGEST_ANSWER: usize = 64 * 1024;
