//! One dial: what it is to do, and how far it has come.

use std::{
    cell::{Cell, RefCell, RefMut},
    fmt, io,
    rc::Rc,
};

use tokio::{net::TcpStream, task_local};
use tollbridge_stream::{Line, Proof};
use url::Url;

use crate::{Tls, error::DialError};

task_local! {
    /// The dial that the current task is busy with. awc hands its TCP service nothing but an
    /// address, and gives back nothing but a box; what else the two ends of a dial have to say to
    /// each other goes past it.
    static DIAL: Rc<Errand>;
}

/// The connection belongs to the errand and is only lent to awc, so that it can be had back
/// without the boxes and the pool's books in which awc wraps it.
#[derive(Default)]
pub(crate) struct Errand {
    proof: Option<Proof>,
    connected: Cell<bool>,
    wrote: Cell<bool>,
    line: RefCell<Option<Line>>,
    heard: RefCell<Vec<u8>>,
}

impl Errand {
    /// For an upstream at `url`, `ws` or `wss`.
    pub(crate) fn new(url: &Url, tls: &Tls) -> Result<Self, DialError> {
        let proof = match url.scheme() {
            "wss" => {
                let proof = Proof::of(tls.config(), url.host());
                let nobody = || DialError::request("no certificate can be for its host");
                Some(proof.ok_or_else(nobody)?)
            }
            _ => None,
        };
        Ok(Self {
            proof,
            ..Self::default()
        })
    }

    /// Runs `dial` as this errand.
    pub(crate) async fn run<F: Future>(self: &Rc<Self>, dial: F) -> F::Output {
        DIAL.scope(Rc::clone(self), dial).await
    }

    /// That of the current task. One that runs none dials nobody: it would dial without TLS.
    pub(crate) fn current() -> io::Result<Rc<Self>> {
        DIAL.try_with(Rc::clone).map_err(io::Error::other)
    }

    /// There is a TCP connection. Over TLS nothing is written to it before the upstream has proved
    /// who it is.
    pub(crate) async fn connected(&self, stream: TcpStream) -> io::Result<()> {
        self.connected.set(true);
        let line = Line::open(stream, self.proof.as_ref()).await?;
        self.line.replace(Some(line));
        Ok(())
    }

    /// Whether there was a TCP connection at all.
    pub(crate) const fn is_connected(&self) -> bool {
        self.connected.get()
    }

    /// A byte of the handshake request was taken for sending.
    pub(crate) fn wrote(&self) {
        self.wrote.set(true);
    }

    /// Whether a byte of the handshake request can have left.
    pub(crate) const fn request_may_have_left(&self) -> bool {
        self.wrote.get()
    }

    /// The upstream said this in answer to the handshake. Kept as it came, since awc keeps nothing
    /// of an answer that is not 101.
    pub(crate) fn hear(&self, bytes: &[u8]) {
        let mut heard = self.heard.borrow_mut();
        let room = MOST_HEARD.saturating_sub(heard.len());
        heard.extend_from_slice(bytes.get(..room.min(bytes.len())).unwrap_or_default());
    }

    /// What was heard so far.
    pub(crate) fn heard(&self) -> Vec<u8> {
        self.heard.take()
    }

    /// The connection, as long as it is lent.
    pub(crate) fn line(&self) -> io::Result<RefMut<'_, Line>> {
        RefMut::filter_map(self.line.borrow_mut(), Option::as_mut)
            .map_err(|_given_back| io::ErrorKind::NotConnected.into())
    }

    /// Takes the connection back.
    pub(crate) fn give_back(&self) -> Option<Line> {
        self.line.take()
    }
}

impl fmt::Debug for Errand {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Errand")
            .field("connected", &self.connected)
            .field("wrote", &self.wrote)
            .finish_non_exhaustive()
    }
}

/// A head and the beginning of a body.
const MOST_HEARD: usize = 16 * 1024;
