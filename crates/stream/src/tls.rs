//! A TLS stream without buffers of its own.

use std::fmt;

use rustls::{CommonState, HandshakeKind, ProtocolVersion};
use rustls_pki_types::CertificateDer;

use crate::{engine::Engine, kept::Kept};

/// TLS over a byte stream, after its handshake. Made by [`connect`](crate::connect) and
/// [`accept`](crate::accept).
///
/// - A read takes what the socket has with one call, as much as the caller has room for, and
///   decrypts it in a buffer of the thread. Only the beginning of a record that has not wholly come
///   is kept.
/// - A write takes up to 192 KiB, encrypts it in another buffer of the thread and hands it to the
///   socket with one call. What the socket does not take, at most as much, is kept and goes with
///   the next write, flush or shutdown; until it has gone nothing more is taken. So flush, as with
///   any buffering writer.
/// - The end of the stream is reported when the peer says so and also when it only ends the TCP
///   connection: above this stream is a WebSocket, which has a close of its own, and whoever can
///   cut a connection could as well do it in plain TCP. A record that is cut in half is never seen.
/// - What the peer does wrong is an error of kind `InvalidData` around a [`rustls::Error`], once
///   what it said before has been read.
///
/// # Cancellation
/// Dropping a read or write loses nothing. Dropping the stream says nothing to the peer; shut it
/// down to end it properly. Deadlines are the caller's.
pub struct Tls<IO> {
    pub(crate) io: IO,
    pub(crate) engine: Engine,
    /// Ciphertext of which the rest has not come.
    pub(crate) torn: Vec<u8>,
    /// Plaintext for which the reader had no room.
    pub(crate) spilt: Kept,
    /// Ciphertext that the socket has not taken.
    pub(crate) unsent: Kept,
    pub(crate) courier: Courier,
    /// Set where a read was pending though the socket was not: it woke its task itself, and nobody else will.
    pub(crate) yielded: bool,
    /// Nothing more comes.
    pub(crate) ended: bool,
    /// Nothing more goes.
    pub(crate) closing: bool,
    pub(crate) failed: Option<rustls::Error>,
}

/// Who brings the unsent to the socket. A socket wakes one waiting writer only, so a reader must
/// keep away from it while a writer waits.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) enum Courier {
    /// Whoever comes first: the peer waits for it.
    Anybody,
    /// The next write: the peer does not wait for it, and it costs a call less so.
    NextWrite,
    /// The writer who was told to wait.
    Writer,
}

impl<IO> Tls<IO> {
    pub(crate) const fn new(io: IO, engine: Engine) -> Self {
        Self {
            io,
            engine,
            torn: Vec::new(),
            spilt: Kept::NONE,
            unsent: Kept::NONE,
            courier: Courier::Anybody,
            yielded: false,
            ended: false,
            closing: false,
            failed: None,
        }
    }

    /// The stream below.
    #[must_use]
    pub const fn get_ref(&self) -> &IO {
        &self.io
    }

    /// TLS 1.2 or 1.3.
    #[must_use]
    pub fn protocol_version(&self) -> Option<ProtocolVersion> {
        self.common().protocol_version()
    }

    /// The protocol that was agreed on by ALPN (RFC 7301), if any.
    #[must_use]
    pub fn alpn(&self) -> Option<&[u8]> {
        self.common().alpn_protocol()
    }

    /// Whether the handshake was a full one or resumed an earlier session.
    #[must_use]
    pub fn handshake_kind(&self) -> Option<HandshakeKind> {
        self.common().handshake_kind()
    }

    /// What the peer has shown and proved to hold the key of, its own certificate first; of a
    /// session that was resumed, what it showed when that began.
    #[must_use]
    pub fn peer_certificates(&self) -> Option<&[CertificateDer<'static>]> {
        self.common().peer_certificates()
    }

    /// Bytes on the heap that this stream holds beyond those of rustls: none while it idles.
    #[must_use]
    pub const fn held(&self) -> usize {
        self.torn.capacity() + self.spilt.held() + self.unsent.held()
    }

    fn common(&self) -> &CommonState {
        self.engine.common()
    }
}

impl<IO: fmt::Debug> fmt::Debug for Tls<IO> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Tls")
            .field("io", &self.io)
            .field("version", &self.protocol_version())
            .finish_non_exhaustive()
    }
}
