//! The line from the page's backend to its own server, where that speaks TLS: awc is given streams
//! that are TLS already.

use std::{io, net::SocketAddr, sync::Arc};

use actix_rt::net::TcpStream;
use actix_tls::connect::{ConnectError, ConnectInfo, Connection};
use actix_web::dev::{Service, fn_service};
use awc::http::Uri;
use rustls::ClientConfig;
use tollbridge_stream::{Line, Proof};
use url::Host;

use super::certificate::LOCALHOST;

/// Leads to this address, whatever is asked for there, and to nobody but whom `trust` trusts.
pub(super) fn secured(
    to: SocketAddr,
    trust: &Arc<ClientConfig>,
) -> awc::Connector<
    impl Service<ConnectInfo<Uri>, Response = Connection<Uri, Line>, Error = ConnectError>
    + Clone
    + 'static,
> {
    let trust = Arc::clone(trust);
    let service = fn_service(move |ask: ConnectInfo<Uri>| {
        let trust = Arc::clone(&trust);
        async move {
            let line = open(to, trust).await.map_err(ConnectError::Io)?;
            Ok::<_, ConnectError>(Connection::new(ask.request().clone(), line))
        }
    });
    awc::Connector::new().connector(service)
}

async fn open(to: SocketAddr, trust: Arc<ClientConfig>) -> io::Result<Line> {
    let proof = Proof::of(trust, Some(Host::Domain(LOCALHOST)));
    let proof = proof.ok_or_else(|| io::Error::other("a certificate for nobody"))?;
    Line::open(TcpStream::connect(to).await?, Some(&proof)).await
}
