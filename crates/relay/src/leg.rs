//! What the relay wants of a connection.

use tokio::io::{AsyncRead, AsyncWrite};

/// One side's byte stream after its handshake: a socket, a TLS stream, an upgraded payload.
///
/// `poll_shutdown` must let what was written arrive before the connection goes, and reading must
/// go on after it: this is how a close frame survives.
pub trait Leg: AsyncRead + AsyncWrite + Unpin {}

impl<T: AsyncRead + AsyncWrite + Unpin> Leg for T {}
