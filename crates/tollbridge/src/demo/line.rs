//! The line from the page's backend to its own server, where that speaks TLS: awc is given streams
//! that are TLS already.

use std::{
    io,
    net::SocketAddr,
    pin::Pin,
    sync::Arc,
    task::{Context, Poll},
};

use actix_rt::net::{ActixStream, Ready, TcpStream};
use actix_tls::connect::{ConnectError, ConnectInfo, Connection};
use actix_web::dev::{Service, fn_service};
use awc::http::Uri;
use rustls::ClientConfig;
use rustls_pki_types::ServerName;
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tollbridge_stream::Tls;

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
            let line = Line::open(to, trust).await.map_err(ConnectError::Io)?;
            Ok::<_, ConnectError>(Connection::new(ask.request().clone(), line))
        }
    });
    awc::Connector::new().connector(service)
}

/// A TLS stream as awc wants it.
#[derive(Debug)]
pub(super) struct Line(Tls<TcpStream>);

impl Line {
    async fn open(to: SocketAddr, trust: Arc<ClientConfig>) -> io::Result<Self> {
        let name = ServerName::try_from(LOCALHOST).map_err(io::Error::other)?;
        let stream = TcpStream::connect(to).await?;
        tollbridge_stream::connect(stream, trust, name)
            .await
            .map(Self)
    }
}

impl AsyncRead for Line {
    fn poll_read(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buf: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        Pin::new(&mut self.0).poll_read(cx, buf)
    }
}

impl AsyncWrite for Line {
    fn poll_write(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<io::Result<usize>> {
        Pin::new(&mut self.0).poll_write(cx, bytes)
    }

    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.0).poll_flush(cx)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.0).poll_shutdown(cx)
    }
}

impl ActixStream for Line {
    fn poll_read_ready(&self, cx: &mut Context<'_>) -> Poll<io::Result<Ready>> {
        ActixStream::poll_read_ready(self.0.get_ref(), cx)
    }

    fn poll_write_ready(&self, cx: &mut Context<'_>) -> Poll<io::Result<Ready>> {
        ActixStream::poll_write_ready(self.0.get_ref(), cx)
    }
}
