//! The far side, scripted.

use std::net::SocketAddr;

use tokio::{
    net::{TcpListener, TcpSocket},
    sync::watch,
    task::JoinHandle,
    time::timeout,
};

use self::session::Script;
use crate::{Identity, PATIENCE};

pub mod vendors;

mod answer;
mod behaviour;
mod call;
mod carriers;
mod dial;
mod entra;
mod ids;
mod link;
mod message;
mod notices;
mod session;
mod tally;
mod vendor;

pub use self::{
    answer::Answer,
    behaviour::{Behaviour, Builder},
    call::{Call, Heard},
    dial::Dial,
    entra::{EntraMood, EntraStandIn, IssuedTokens, Lie},
    message::Message,
    notices::Notices,
    tally::{Tally, sha256_hex},
    vendor::{Vendor, Wants},
};

/// An upstream on a free port of 127.0.0.1 that remembers every dial. Gone when dropped, with
/// all its connections.
pub struct Upstream {
    address: SocketAddr,
    tls: bool,
    seen: watch::Receiver<Seen>,
    accepting: JoinHandle<()>,
}

/// What an upstream remembers.
#[derive(Clone, Debug, Default)]
pub(crate) struct Seen {
    pub(crate) connections: usize,
    pub(crate) dials: Vec<Dial>,
}

impl Upstream {
    /// To be scripted.
    #[must_use]
    pub fn builder() -> Builder {
        Builder::default()
    }

    /// One that sends back every frame, and refuses whoever lacks this header with 401.
    ///
    /// # Panics
    /// Where no port is free.
    pub async fn echo(header: &str, value: &str) -> Self {
        Self::builder().require(header, value).start().await
    }

    /// One that behaves like this.
    ///
    /// # Panics
    /// Where no port is free.
    pub async fn behaving(behaviour: impl Into<Behaviour>) -> Self {
        Self::builder().behaviour(behaviour).start().await
    }

    pub(crate) async fn start(script: Script, identity: Option<Identity>, port: u16) -> Self {
        let listener = TcpListener::bind(("127.0.0.1", port))
            .await
            .expect("a free port");
        let address = listener.local_addr().expect("a bound socket");
        let (sender, seen) = watch::channel(Seen::default());
        let tls = identity.is_some();
        let accepting = tokio::spawn(session::accept(listener, script, identity, sender));
        Self {
            address,
            tls,
            seen,
            accepting,
        }
    }

    /// Where it listens.
    #[must_use]
    pub const fn addr(&self) -> SocketAddr {
        self.address
    }

    /// `ws://127.0.0.1:PORT`, or `wss://localhost:PORT`.
    #[must_use]
    pub fn url(&self) -> String {
        if self.tls {
            format!("wss://localhost:{}", self.address.port())
        } else {
            format!("ws://{}", self.address)
        }
    }

    /// TCP connections so far.
    #[must_use]
    pub fn connections(&self) -> usize {
        self.seen.borrow().connections
    }

    /// Dials so far: connections on which a whole request head came.
    #[must_use]
    pub fn dials(&self) -> Vec<Dial> {
        self.seen.borrow().dials.clone()
    }

    /// Waits until the dials are as wanted.
    ///
    /// # Panics
    /// Where they are not in time.
    pub async fn until(&self, wanted: impl Fn(&[Dial]) -> bool) -> Vec<Dial> {
        let mut seen = self.seen.clone();
        let waited = timeout(PATIENCE, seen.wait_for(|seen| wanted(&seen.dials))).await;
        match waited {
            Ok(Ok(seen)) => seen.dials.clone(),
            _ => panic!("the upstream waits in vain, it has seen {:?}", self.dials()),
        }
    }

    /// Waits until there are so many dials and all of them have ended.
    ///
    /// # Panics
    /// Where that does not come in time.
    pub async fn ended(&self, dials: usize) -> Vec<Dial> {
        self.until(|seen| seen.len() >= dials && seen.iter().all(|dial| dial.end.is_some()))
            .await
    }

    /// An address on which nobody listens, for as long as the socket is held.
    ///
    /// # Panics
    /// Where no port is free.
    #[must_use]
    pub fn refusing() -> (TcpSocket, SocketAddr) {
        let socket = TcpSocket::new_v4().expect("a socket");
        socket
            .bind(SocketAddr::from(([127, 0, 0, 1], 0)))
            .expect("a free port");
        let address = socket.local_addr().expect("a bound socket");
        (socket, address)
    }
}

impl Drop for Upstream {
    fn drop(&mut self) {
        self.accepting.abort();
    }
}
