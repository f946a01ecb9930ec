//! The connection as awc sees it.

use std::{
    fmt,
    io::{self, IoSlice},
    pin::Pin,
    task::{Context, Poll},
};

use actix_rt::net::{ActixStream, Ready};
use actix_service::Service;
use actix_tls::connect::{ConnectError, ConnectInfo, Connection, ConnectorService};
use awc::http::Uri;
use tokio::{
    io::{AsyncRead, AsyncWrite, ReadBuf},
    net::TcpStream,
    task_local,
};
use tokio_util::either::Either;
use tollbridge_stream::Tls;

use crate::tls::Proof;

task_local! {
    /// What the server that the current task asks must prove. awc hands its TCP service nothing
    /// but an address, and an address does not say whom its asker trusts.
    static PROOF: Option<Proof>;
}

/// Asks with this proof wanted of whoever answers.
pub(crate) async fn proving<F: Future>(proof: Option<Proof>, ask: F) -> F::Output {
    PROOF.scope(proof, ask).await
}

/// Resolves, connects, and secures the connection where the current task wants that.
#[derive(Clone, Default)]
pub(crate) struct Tcp(ConnectorService);

impl Service<ConnectInfo<Uri>> for Tcp {
    type Response = Connection<Uri, Line>;
    type Error = ConnectError;
    type Future = Pin<Box<dyn Future<Output = Result<Self::Response, ConnectError>>>>;

    fn poll_ready(&self, cx: &mut Context<'_>) -> Poll<Result<(), ConnectError>> {
        Service::<ConnectInfo<Uri>>::poll_ready(&self.0, cx)
    }

    fn call(&self, target: ConnectInfo<Uri>) -> Self::Future {
        let connecting = self.0.call(target);
        Box::pin(async move {
            let (stream, uri) = connecting.await?.into_parts();
            let line = secure(stream).await.map_err(ConnectError::Io)?;
            Ok(Connection::new(uri, line))
        })
    }
}

/// Over TLS nothing is written before the server has proved who it is.
async fn secure(stream: TcpStream) -> io::Result<Line> {
    let wanted = PROOF.try_with(|proof| {
        let proof = proof.as_ref()?;
        Some((proof.config.clone(), proof.name.clone()))
    });
    // Outside of `proving` nothing may be asked at all.
    let wanted = wanted.map_err(io::Error::other)?;
    Ok(Line(match wanted {
        None => Either::Left(stream),
        Some((config, name)) => {
            let tls = tollbridge_stream::connect(stream, config, name).await?;
            Either::Right(Box::new(tls))
        }
    }))
}

/// What an answer travels on, with or without TLS.
pub(crate) struct Line(Either<TcpStream, Box<Tls<TcpStream>>>);

impl Line {
    fn tcp(&self) -> &TcpStream {
        match &self.0 {
            Either::Left(stream) => stream,
            Either::Right(tls) => tls.get_ref(),
        }
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
        buf: &[u8],
    ) -> Poll<io::Result<usize>> {
        Pin::new(&mut self.0).poll_write(cx, buf)
    }

    fn poll_write_vectored(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        bufs: &[IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        Pin::new(&mut self.0).poll_write_vectored(cx, bufs)
    }

    fn is_write_vectored(&self) -> bool {
        self.0.is_write_vectored()
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
        ActixStream::poll_read_ready(self.tcp(), cx)
    }

    fn poll_write_ready(&self, cx: &mut Context<'_>) -> Poll<io::Result<Ready>> {
        ActixStream::poll_write_ready(self.tcp(), cx)
    }
}

impl fmt::Debug for Line {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Line").field(self.tcp()).finish()
    }
}
