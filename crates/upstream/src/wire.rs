//! The TCP connection below everything, and what has happened on it so far.

use std::{
    cell::Cell,
    io::{self, IoSlice},
    pin::Pin,
    rc::Rc,
    task::{Context, Poll},
};

use actix_rt::net::{ActixStream, Ready, TcpStream};
use actix_service::Service;
use actix_tls::connect::{ConnectError, ConnectInfo, Connection, ConnectorService};
use awc::http::Uri;
use tokio::{
    io::{AsyncRead, AsyncWrite, ReadBuf},
    task_local,
};

task_local! {
    /// The dial that the current task is busy with. awc hands its TCP service nothing but an
    /// address, and the dial needs to know what became of its own connection.
    static DIAL: Rc<Progress>;
}

/// How far one dial has come.
#[derive(Debug, Default)]
pub(crate) struct Progress {
    connected: Cell<bool>,
    read: Cell<bool>,
    wrote: Cell<bool>,
}

impl Progress {
    /// Runs `dial` with this as its progress.
    pub(crate) async fn follow<F: Future>(self: &Rc<Self>, dial: F) -> F::Output {
        DIAL.scope(Rc::clone(self), dial).await
    }

    /// Whether there was a TCP connection at all.
    pub(crate) const fn connected(&self) -> bool {
        self.connected.get()
    }

    /// Whether a byte of the handshake request can have left. Without TLS the request is the
    /// first thing written. With TLS nothing of it is written before the server has spoken, since
    /// early data is off.
    pub(crate) const fn request_may_have_left(&self, tls: bool) -> bool {
        if tls {
            self.read.get()
        } else {
            self.wrote.get()
        }
    }
}

/// Resolves, connects, and turns Nagle's algorithm off: with it, a message of 64 KiB waits 40 ms
/// for the peer's delayed acknowledgement.
#[derive(Clone, Default)]
pub(crate) struct Tcp(ConnectorService);

impl Service<ConnectInfo<Uri>> for Tcp {
    type Response = Connection<Uri, Wire>;
    type Error = ConnectError;
    type Future = Pin<Box<dyn Future<Output = Result<Self::Response, ConnectError>>>>;

    fn poll_ready(&self, cx: &mut Context<'_>) -> Poll<Result<(), ConnectError>> {
        Service::<ConnectInfo<Uri>>::poll_ready(&self.0, cx)
    }

    fn call(&self, target: ConnectInfo<Uri>) -> Self::Future {
        let connecting = self.0.call(target);
        Box::pin(async move {
            let (stream, uri) = connecting.await?.into_parts();
            stream.set_nodelay(true).map_err(ConnectError::Io)?;
            let progress = DIAL.try_with(Rc::clone).unwrap_or_default();
            progress.connected.set(true);
            Ok(Connection::new(uri, Wire { stream, progress }))
        })
    }
}

/// A TCP stream that notes what passed through it.
#[derive(Debug)]
pub(crate) struct Wire {
    stream: TcpStream,
    progress: Rc<Progress>,
}

impl AsyncRead for Wire {
    fn poll_read(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buf: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        let before = buf.filled().len();
        let polled = Pin::new(&mut self.stream).poll_read(cx, buf);
        if buf.filled().len() > before {
            self.progress.read.set(true);
        }
        polled
    }
}

impl AsyncWrite for Wire {
    fn poll_write(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buf: &[u8],
    ) -> Poll<io::Result<usize>> {
        let polled = Pin::new(&mut self.stream).poll_write(cx, buf);
        self.note_write(polled)
    }

    fn poll_write_vectored(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        bufs: &[IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        let polled = Pin::new(&mut self.stream).poll_write_vectored(cx, bufs);
        self.note_write(polled)
    }

    fn is_write_vectored(&self) -> bool {
        self.stream.is_write_vectored()
    }

    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_flush(cx)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_shutdown(cx)
    }
}

impl ActixStream for Wire {
    fn poll_read_ready(&self, cx: &mut Context<'_>) -> Poll<io::Result<Ready>> {
        ActixStream::poll_read_ready(&self.stream, cx)
    }

    fn poll_write_ready(&self, cx: &mut Context<'_>) -> Poll<io::Result<Ready>> {
        ActixStream::poll_write_ready(&self.stream, cx)
    }
}

impl Wire {
    fn note_write(&self, polled: Poll<io::Result<usize>>) -> Poll<io::Result<usize>> {
        if matches!(polled, Poll::Ready(Ok(1..))) {
            self.progress.wrote.set(true);
        }
        polled
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
        let progress = Rc::new(Progress::default());
        let connection = progress
            .follow(Tcp::default().call(ConnectInfo::new(uri.parse().unwrap())))
            .await
            .unwrap();
        assert!(connection.io_ref().stream.nodelay().unwrap());
        assert!(progress.connected());
        assert!(!progress.request_may_have_left(false));
    }
}
