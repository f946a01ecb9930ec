//! What a listener proves itself with.

use std::sync::Arc;

use arc_swap::ArcSwap;
use rustls::{
    ServerConfig,
    crypto::ring::{self, Ticketer},
    server::NoServerSessionStorage,
    sign::{CertifiedKey, SingleCertAndKey},
};

use crate::metrics::TlsMetrics;

/// The certificate of a listener, for all of its workers. It can be replaced while they serve:
/// connections that are open keep what they were opened with.
pub struct ServerTls {
    config: ArcSwap<ServerConfig>,
    metrics: TlsMetrics,
}

/// A certificate and its key, ready to be served.
pub struct ServerPair(Arc<ServerConfig>);

impl ServerTls {
    /// Serves this pair; handshakes are counted in `metrics`.
    #[must_use]
    pub fn new(pair: ServerPair, metrics: TlsMetrics) -> Self {
        Self {
            config: ArcSwap::new(pair.0),
            metrics,
        }
    }

    /// Serves another pair from the next handshake on.
    pub fn replace(&self, pair: ServerPair) {
        self.config.store(pair.0);
    }

    pub(super) fn config(&self) -> Arc<ServerConfig> {
        self.config.load_full()
    }

    pub(super) const fn metrics(&self) -> &TlsMetrics {
        &self.metrics
    }
}

impl ServerPair {
    /// Makes a certificate and its key ready to be served.
    ///
    /// # Errors
    /// Where the machine has no randomness, or the library no protocol version.
    pub fn new(pair: Arc<CertifiedKey>) -> Result<Self, rustls::Error> {
        config(pair).map(Self)
    }
}

/// TLS 1.2 and 1.3 for HTTP/1.1. Tickets hold the session, so that the server holds none; their
/// keys go with the certificate, or clients that resume would not see the new one.
fn config(pair: Arc<CertifiedKey>) -> Result<Arc<ServerConfig>, rustls::Error> {
    let mut config = ServerConfig::builder_with_provider(Arc::new(ring::default_provider()))
        .with_safe_default_protocol_versions()?
        .with_no_client_auth()
        .with_cert_resolver(Arc::new(SingleCertAndKey::from(pair)));
    // With HTTP/2 on offer browsers would choose it, and its WebSockets are another protocol.
    config.alpn_protocols = vec![b"http/1.1".to_vec()];
    config.session_storage = Arc::new(NoServerSessionStorage {});
    config.ticketer = Ticketer::new()?;
    // Each is a record of 200 bytes and more; a page opens one session and rarely a second.
    config.send_tls13_tickets = 1;
    Ok(Arc::new(config))
}
