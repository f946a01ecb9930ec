//! What a listener proves itself with, and whom it believes.

use std::sync::Arc;

use arc_swap::ArcSwap;
use rustls::{
    RootCertStore, ServerConfig,
    crypto::{
        CryptoProvider,
        ring::{self, Ticketer},
    },
    server::{
        NoServerSessionStorage, VerifierBuilderError, WebPkiClientVerifier,
        danger::ClientCertVerifier,
    },
    sign::{CertifiedKey, SingleCertAndKey},
};

use crate::metrics::TlsMetrics;

/// The certificate of a listener, for all of its workers. It can be replaced while they serve:
/// connections that are open keep what they were opened with.
pub struct ServerTls {
    pair: ArcSwap<ServerPair>,
    metrics: TlsMetrics,
}

/// A certificate and its key, ready to be served, and who vouches for clients.
pub struct ServerPair {
    config: Arc<ServerConfig>,
    clients: Arc<dyn ClientCertVerifier>,
}

/// Why a pair cannot be served.
#[derive(Debug, thiserror::Error)]
pub enum ServerPairError {
    /// The machine has no randomness, or the library no protocol version.
    #[error(transparent)]
    Library(#[from] rustls::Error),
    /// There is no authority among those that should vouch for clients.
    #[error("the authorities of clients cannot be used")]
    Authorities(#[from] VerifierBuilderError),
}

impl ServerTls {
    /// Serves this pair; handshakes are counted in `metrics`.
    #[must_use]
    pub fn new(pair: ServerPair, metrics: TlsMetrics) -> Self {
        Self {
            pair: ArcSwap::from_pointee(pair),
            metrics,
        }
    }

    /// Serves another pair from the next handshake on.
    pub fn replace(&self, pair: ServerPair) {
        self.pair.store(Arc::new(pair));
    }

    pub(super) fn config(&self) -> Arc<ServerConfig> {
        Arc::clone(&self.pair.load().config)
    }

    /// Who judges clients' certificates now.
    pub(super) fn clients(&self) -> Arc<dyn ClientCertVerifier> {
        Arc::clone(&self.pair.load().clients)
    }

    pub(super) const fn metrics(&self) -> &TlsMetrics {
        &self.metrics
    }
}

impl ServerPair {
    /// Makes a certificate and its key ready to be served. With authorities each client is asked
    /// for a certificate, and none needs one: bearers come to the same port.
    ///
    /// # Errors
    /// See [`ServerPairError`].
    pub fn new(
        pair: Arc<CertifiedKey>,
        authorities: Option<Arc<RootCertStore>>,
    ) -> Result<Self, ServerPairError> {
        let provider = Arc::new(ring::default_provider());
        let clients = match authorities {
            None => WebPkiClientVerifier::no_client_auth(),
            Some(authorities) => {
                let provider = Arc::clone(&provider);
                WebPkiClientVerifier::builder_with_provider(authorities, provider)
                    .allow_unauthenticated()
                    .build()?
            }
        };
        Ok(Self {
            config: config(pair, provider, Arc::clone(&clients))?,
            clients,
        })
    }
}

/// TLS 1.2 and 1.3 for HTTP/1.1. Tickets hold the session, so that the server holds none; their
/// keys go with the certificate, or clients that resume would not see the new one; and with the
/// authorities of clients, or who was believed once would be for as long as it resumes.
fn config(
    pair: Arc<CertifiedKey>,
    provider: Arc<CryptoProvider>,
    clients: Arc<dyn ClientCertVerifier>,
) -> Result<Arc<ServerConfig>, rustls::Error> {
    let mut config = ServerConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()?
        .with_client_cert_verifier(clients)
        .with_cert_resolver(Arc::new(SingleCertAndKey::from(pair)));
    // With HTTP/2 on offer browsers would choose it, and its WebSockets are another protocol.
    config.alpn_protocols = vec![b"http/1.1".to_vec()];
    config.session_storage = Arc::new(NoServerSessionStorage {});
    config.ticketer = Ticketer::new()?;
    // Each is a record of 200 bytes and more; a page opens one session and rarely a second.
    config.send_tls13_tickets = 1;
    Ok(Arc::new(config))
}
