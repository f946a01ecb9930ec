//! From a byte stream to a TLS stream.

use std::{future::poll_fn, io, pin::Pin, sync::Arc, task::Poll};

use rustls::{
    ClientConfig, ProtocolVersion, ServerConfig, client::UnbufferedClientConnection,
    server::UnbufferedServerConnection,
};
use rustls_pki_types::ServerName;
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};

use crate::{
    Tls,
    engine::{Engine, Turn, failure},
    tls::Courier,
};

/// Speaks TLS to a server that must prove to be `name`.
///
/// The client's last message of the handshake goes with the first write, or with the first read
/// where nothing is written.
///
/// # Errors
/// Of kind `InvalidData` around a [`rustls::Error`] where the server is not trusted or breaks the
/// rules; `UnexpectedEof` where it leaves; whatever the stream below reports.
///
/// # Cancellation
/// Dropping the future drops the connection. There is no deadline but the caller's.
pub async fn connect<IO: AsyncRead + AsyncWrite + Unpin>(
    io: IO,
    config: Arc<ClientConfig>,
    name: ServerName<'static>,
) -> io::Result<Tls<IO>> {
    let client = UnbufferedClientConnection::new(config, name).map_err(failure)?;
    shake_hands(Tls::new(io, Engine::Client(client))).await
}

/// Speaks TLS to a client.
///
/// With TLS 1.3 the session tickets go with the first write.
///
/// # Errors
/// As [`connect`].
///
/// # Cancellation
/// As [`connect`].
pub async fn accept<IO: AsyncRead + AsyncWrite + Unpin>(
    io: IO,
    config: Arc<ServerConfig>,
) -> io::Result<Tls<IO>> {
    let server = UnbufferedServerConnection::new(config).map_err(failure)?;
    shake_hands(Tls::new(io, Engine::Server(server))).await
}

async fn shake_hands<IO: AsyncRead + AsyncWrite + Unpin>(mut tls: Tls<IO>) -> io::Result<Tls<IO>> {
    // A client has something to say before it has heard anything.
    let mut turn = tls.digest(&mut [], &mut ReadBuf::new(&mut []));
    loop {
        let is_over = !tls.engine.common().is_handshaking();
        match turn {
            Turn::Open | Turn::PeerClosed if is_over => break,
            Turn::Again | Turn::Hungry | Turn::Open => {}
            Turn::PeerClosed => return Err(io::ErrorKind::UnexpectedEof.into()),
            Turn::Failed(error) => {
                tell(&mut tls).await;
                return Err(failure(error));
            }
        }
        poll_fn(|cx| tls.poll_send(cx)).await?;
        poll_fn(|cx| Pin::new(&mut tls.io).poll_flush(cx)).await?;
        // Data that comes in one piece with the handshake's end is spilt.
        turn = poll_fn(|cx| tls.poll_pull(cx, &mut ReadBuf::new(&mut []))).await?;
    }
    if !tls.engine.is_server() {
        tls.courier = Courier::Anybody;
    } else if tls.protocol_version() == Some(ProtocolVersion::TLSv1_3) {
        tls.courier = Courier::NextWrite;
    } else {
        poll_fn(|cx| tls.poll_send(cx)).await?;
    }
    Ok(tls)
}

/// Tries to bring the alert to the peer, and does not wait for a socket that is full.
async fn tell<IO: AsyncRead + AsyncWrite + Unpin>(tls: &mut Tls<IO>) {
    poll_fn(|cx| {
        let _told = tls.poll_send(cx);
        Poll::Ready(())
    })
    .await;
}
