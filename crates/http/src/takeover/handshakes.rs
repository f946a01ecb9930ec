//! From a TCP connection to one under TLS.

use std::{io, sync::Arc, time::Duration};

use actix_web::rt::net::TcpStream;
use tokio::{
    io::AsyncWriteExt as _,
    time::{error::Elapsed, timeout},
};
use tollbridge_stream::Line;

use super::{end, slots::Slots, tls::ServerTls};

/// The TLS handshakes of one worker.
pub(super) struct Handshakes {
    tls: Arc<ServerTls>,
    longest: Duration,
    slots: Slots,
}

/// Why a client did not get through.
#[derive(Debug, thiserror::Error)]
enum Failure {
    #[error("the handshake took too long")]
    Late(#[from] Elapsed),
    #[error("the handshake stalled while others waited")]
    Stalled,
    #[error("the client does not speak TLS")]
    NotTls,
    #[error(transparent)]
    Broken(#[from] io::Error),
}

impl Handshakes {
    /// Each takes `longest` at most, and waiting is part of it.
    pub(super) fn new(tls: Arc<ServerTls>, longest: Duration) -> Self {
        Self {
            tls,
            longest,
            slots: Slots::new(MOST),
        }
    }

    /// Shakes hands, or says why not, counts it and ends the connection.
    pub(super) async fn accept(&self, io: TcpStream) -> io::Result<Line> {
        let peer = io.peer_addr().ok();
        let accepted = match timeout(self.longest, self.shake(io)).await {
            Ok(accepted) => accepted,
            Err(late) => Err(late.into()),
        };
        accepted.map_err(|failure| {
            let reason = failure.reason();
            self.tls.metrics().failed(reason);
            tracing::debug!(
                event = "tls.failed",
                client_ip = peer.map(|peer| peer.ip().to_string()),
                reason,
                error = %failure,
                "a TLS handshake failed"
            );
            io::Error::other(failure)
        })
    }

    async fn shake(&self, io: TcpStream) -> Result<Line, Failure> {
        // Who has not said anything yet takes no slot.
        let mut first = [0; 1];
        if io.peek(&mut first).await? == 0 {
            return Err(io::Error::from(io::ErrorKind::UnexpectedEof).into());
        }
        if first != HANDSHAKE {
            refuse(io, first).await;
            return Err(Failure::NotTls);
        }
        let mut slot = self.slots.take().await.map_err(io::Error::other)?;
        tokio::select! {
            accepted = tollbridge_stream::accept(io, self.tls.config()) => {
                Ok(Line::Secure(Box::new(accepted?)))
            }
            () = slot.needed() => Err(Failure::Stalled),
        }
    }
}

impl Failure {
    /// The label of the metric.
    fn reason(&self) -> &'static str {
        match self {
            Self::Late(_) => "timeout",
            Self::Stalled => "stalled",
            Self::NotTls => "not_tls",
            Self::Broken(error) => match error.get_ref().and_then(|inner| inner.downcast_ref()) {
                Some(rustls::Error::AlertReceived(_)) => "refused_by_client",
                Some(rustls::Error::PeerIncompatible(_) | rustls::Error::NoApplicationProtocol) => {
                    "incompatible"
                }
                Some(rustls::Error::InvalidCertificate(_)) => "client_certificate",
                Some(_) => "invalid",
                None => "closed",
            },
        }
    }
}

/// Tells somebody who speaks plain HTTP; anybody else would not understand it.
async fn refuse(mut io: TcpStream, first: [u8; 1]) {
    let speaks_http = first.iter().all(u8::is_ascii_uppercase);
    if speaks_http && io.write_all(PLAIN_HTTP).await.is_err() {
        return;
    }
    end(io).await;
}

/// Handshakes under way at once on one worker: a few hundred milliseconds of its time.
const MOST: usize = 256;

/// The type of a record that opens a handshake (RFC 8446, 5.1).
const HANDSHAKE: [u8; 1] = [22];

const PLAIN_HTTP: &[u8] = b"HTTP/1.1 400 Bad Request\r\n\
    Content-Type: text/plain\r\n\
    Content-Length: 52\r\n\
    Cache-Control: no-store\r\n\
    Connection: close\r\n\r\n\
    This address speaks TLS. Ask it with https or wss.\r\n";
