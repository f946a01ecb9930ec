//! Session tickets, enough of them for a burst of dials.

use std::{
    collections::VecDeque,
    fmt,
    sync::{Mutex, MutexGuard, PoisonError},
};

use rustls::{
    NamedGroup,
    client::{
        ClientSessionMemoryCache, ClientSessionStore, Tls12ClientSessionValue,
        Tls13ClientSessionValue,
    },
};
use rustls_pki_types::ServerName;

/// What the upstreams of one route gave us to resume sessions with. An upstream gives two tickets
/// of TLS 1.3 with most connections and takes each once (RFC 8446, C.4). rustls' own store keeps
/// eight of a host, so that the ninth of many dials at once would do everything anew.
pub(crate) struct Tickets {
    /// All but the tickets of TLS 1.3.
    rest: ClientSessionMemoryCache,
    /// Oldest first.
    tickets: Mutex<VecDeque<(ServerName<'static>, Tls13ClientSessionValue)>>,
}

impl Tickets {
    pub(crate) fn new() -> Self {
        Self {
            rest: ClientSessionMemoryCache::new(HOSTS),
            tickets: Mutex::default(),
        }
    }

    /// A panic elsewhere leaves the queue whole.
    fn tickets(&self) -> MutexGuard<'_, VecDeque<(ServerName<'static>, Tls13ClientSessionValue)>> {
        self.tickets.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl ClientSessionStore for Tickets {
    fn set_kx_hint(&self, host: ServerName<'static>, group: NamedGroup) {
        self.rest.set_kx_hint(host, group);
    }

    fn kx_hint(&self, host: &ServerName<'_>) -> Option<NamedGroup> {
        self.rest.kx_hint(host)
    }

    fn set_tls12_session(&self, host: ServerName<'static>, session: Tls12ClientSessionValue) {
        self.rest.set_tls12_session(host, session);
    }

    fn tls12_session(&self, host: &ServerName<'_>) -> Option<Tls12ClientSessionValue> {
        self.rest.tls12_session(host)
    }

    fn remove_tls12_session(&self, host: &ServerName<'static>) {
        self.rest.remove_tls12_session(host);
    }

    fn insert_tls13_ticket(&self, host: ServerName<'static>, ticket: Tls13ClientSessionValue) {
        let mut tickets = self.tickets();
        if tickets.len() >= TICKETS {
            tickets.pop_front();
        }
        tickets.push_back((host, ticket));
    }

    /// The newest one: it counts longest.
    fn take_tls13_ticket(&self, host: &ServerName<'static>) -> Option<Tls13ClientSessionValue> {
        let mut tickets = self.tickets();
        let at = tickets.iter().rposition(|(name, _ticket)| name == host)?;
        tickets.remove(at).map(|(_name, ticket)| ticket)
    }
}

/// Tickets are as good as keys.
impl fmt::Debug for Tickets {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Tickets").finish_non_exhaustive()
    }
}

/// Some 100 KiB a route at most. More dials than this are seldom under way at once.
const TICKETS: usize = 64;

/// rustls counts eight sessions a host. A route has one host.
const HOSTS: usize = 8;

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use futures_util::future::join_all;
    use rcgen::{CertificateParams, KeyPair};
    use rustls::{ClientConfig, HandshakeKind, ServerConfig, crypto::ring, version::TLS13};
    use rustls_pki_types::{PrivateKeyDer, PrivatePkcs8KeyDer};
    use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _, duplex};
    use tollbridge_stream::{accept, connect};

    use super::*;
    use crate::Tls;

    fn configs() -> (Arc<ClientConfig>, Arc<ServerConfig>) {
        let key = KeyPair::generate().unwrap();
        let params = CertificateParams::new(vec!["localhost".to_owned()]).unwrap();
        let certificate = params.self_signed(&key).unwrap();
        let tls = Tls::new(Some(certificate.pem().as_bytes())).unwrap();
        let key = PrivateKeyDer::Pkcs8(PrivatePkcs8KeyDer::from(key.serialize_der()));
        let server = ServerConfig::builder_with_provider(Arc::new(ring::default_provider()))
            .with_protocol_versions(&[&TLS13])
            .unwrap()
            .with_no_client_auth()
            .with_single_cert(vec![certificate.der().clone()], key)
            .unwrap();
        (tls.config(), Arc::new(server))
    }

    /// Connects, hears one byte, and the tickets in front of it.
    async fn dial((client, server): &(Arc<ClientConfig>, Arc<ServerConfig>)) -> HandshakeKind {
        let (near, far) = duplex(64 * 1024);
        let client = async {
            let name = ServerName::try_from("localhost").unwrap();
            let mut client = connect(near, Arc::clone(client), name).await.unwrap();
            client.read_u8().await.unwrap();
            client.handshake_kind().unwrap()
        };
        let server = async {
            let mut server = accept(far, Arc::clone(server)).await.unwrap();
            server.write_all(b"!").await.unwrap();
            server
        };
        tokio::join!(client, server).0
    }

    #[actix_rt::test]
    async fn many_dials_at_once_resume() {
        let configs = configs();
        assert_eq!(dial(&configs).await, HandshakeKind::Full);
        for _ in 1..100 {
            assert_eq!(dial(&configs).await, HandshakeKind::Resumed);
        }
        let kinds = join_all((0..TICKETS + 1).map(|_| dial(&configs))).await;
        let resumed = kinds.iter().filter(|kind| **kind == HandshakeKind::Resumed);
        assert_eq!(resumed.count(), TICKETS);
    }
}
