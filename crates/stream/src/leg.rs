//! What a session wants of a connection.

use tokio::{
    io::{AsyncRead, AsyncWrite, DuplexStream},
    net::TcpStream,
};

use crate::{Early, Tls};

/// One side's byte stream after its handshake: a socket, a TLS stream, an upgraded payload.
///
/// `poll_shutdown` must let what was written arrive before the connection goes, and reading must
/// go on after it: this is how a close frame survives.
pub trait Leg: AsyncRead + AsyncWrite + Unpin {
    /// From now on dropping the stream resets the connection, where it has one of its own to reset:
    /// what the peer has not taken is thrown away. Without it the kernel keeps megabytes for minutes
    /// in the hope that a stalled peer reads on.
    fn cut(&self) {}
}

impl Leg for TcpStream {
    fn cut(&self) {
        // Of a connection that is gone already there is nothing to reset.
        let _gone = self.set_zero_linger();
    }
}

impl Leg for DuplexStream {}

impl<L: Leg> Leg for Tls<L> {
    fn cut(&self) {
        self.get_ref().cut();
    }
}

impl<L: Leg> Leg for Early<L> {
    fn cut(&self) {
        self.get_ref().cut();
    }
}

impl<L: Leg + ?Sized> Leg for Box<L> {
    fn cut(&self) {
        self.as_ref().cut();
    }
}
