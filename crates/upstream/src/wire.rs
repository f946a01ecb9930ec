//! The connection as awc sees it.

use std::{
    io::{self, IoSlice},
    pin::Pin,
    rc::Rc,
    task::{Context, Poll},
};

use actix_service::Service as _;
use actix_tls::connect::{ConnectInfo, ConnectorService};
use awc::{error::ConnectError, http::Uri};
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};

use crate::errand::Errand;

/// An errand's connection, lent for the length of the handshake.
#[derive(Debug)]
pub(crate) struct Wire(Rc<Errand>);

impl Wire {
    /// Resolves, connects, turns Nagle's algorithm off, and secures the connection where the errand
    /// of the current task wants that. With Nagle's algorithm a message of 64 KiB waits 40 ms for the
    /// peer's delayed acknowledgement.
    pub(crate) async fn open(uri: Uri) -> Result<Self, ConnectError> {
        let connecting = ConnectorService::default().call(ConnectInfo::new(uri));
        let (stream, _uri) = connecting.await?.into_parts();
        stream.set_nodelay(true).map_err(ConnectError::Io)?;
        let errand = Errand::current().map_err(ConnectError::Io)?;
        errand.connected(stream).await.map_err(ConnectError::Io)?;
        Ok(Self(errand))
    }

    fn note_write(&self, polled: Poll<io::Result<usize>>) -> Poll<io::Result<usize>> {
        if matches!(polled, Poll::Ready(Ok(1..))) {
            self.0.wrote();
        }
        polled
    }
}

impl AsyncRead for Wire {
    fn poll_read(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buf: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        let before = buf.filled().len();
        let polled = Pin::new(&mut *self.0.line()?).poll_read(cx, buf);
        self.0.hear(buf.filled().get(before..).unwrap_or_default());
        polled
    }
}

impl AsyncWrite for Wire {
    fn poll_write(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buf: &[u8],
    ) -> Poll<io::Result<usize>> {
        let polled = Pin::new(&mut *self.0.line()?).poll_write(cx, buf);
        self.note_write(polled)
    }

    fn poll_write_vectored(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        bufs: &[IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        let polled = Pin::new(&mut *self.0.line()?).poll_write_vectored(cx, bufs);
        self.note_write(polled)
    }

    fn is_write_vectored(&self) -> bool {
        self.0.line().is_ok_and(|line| line.is_write_vectored())
    }

    fn poll_flush(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut *self.0.line()?).poll_flush(cx)
    }

    fn poll_shutdown(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut *self.0.line()?).poll_shutdown(cx)
    }
}

#[cfg(test)]
mod tests {
    use tokio::net::TcpListener;

    use super::*;

    #[actix_rt::test]
    async fn the_connection_does_not_wait_to_send() {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let uri = format!("ws://{}/", listener.local_addr().unwrap());
        let errand = Rc::new(Errand::default());
        let wire = errand.run(Wire::open(uri.parse().unwrap())).await.unwrap();
        assert!(errand.is_connected());
        assert!(!errand.request_may_have_left());
        assert!(wire.is_write_vectored());
        let line = errand.give_back().unwrap();
        assert!(line.tcp().nodelay().unwrap());
        assert!(wire.0.line().is_err());
    }
}
