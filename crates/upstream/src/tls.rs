//! What an upstream must prove before it hears a credential.

use std::sync::Arc;

use rustls::{
    CipherSuite, ClientConfig,
    client::{Resumption, WebPkiServerVerifier},
    crypto::{CryptoProvider, ring},
};
use tollbridge_stream::{TlsError, roots};

use crate::{chains::Chains, tickets::Tickets};

/// How to trust upstreams of one route: the web's roots and, if configured, a CA of the
/// operator's own. There is no way to switch verification off.
///
/// Cheap to clone, shared by all workers.
#[derive(Clone)]
pub struct Tls(Arc<ClientConfig>);

impl Tls {
    /// Trusts the web's roots and every certificate of `extra_ca_pem`.
    ///
    /// # Errors
    /// Where the PEM text is broken or holds no certificate.
    pub fn new(extra_ca_pem: Option<&[u8]>) -> Result<Self, TlsError> {
        let provider = Arc::new(provider());
        let roots = Arc::new(roots(extra_ca_pem)?);
        let verifier = WebPkiServerVerifier::builder_with_provider(roots, Arc::clone(&provider))
            .build()
            .map_err(|_no_roots| TlsError::EmptyCa)?;
        let mut config = ClientConfig::builder_with_provider(provider)
            .with_safe_default_protocol_versions()
            .map_err(|_no_version| TlsError::NoVersion)?
            // So rustls calls any verifier but its own. This one is its own, asked less often.
            .dangerous()
            .with_custom_certificate_verifier(Arc::new(Chains::new(verifier)))
            .with_no_client_auth();
        // With HTTP/2 on offer an upstream would choose it, and there is no upgrade on HTTP/2.
        config.alpn_protocols = vec![b"http/1.1".to_vec()];
        config.resumption = Resumption::store(Arc::new(Tickets::new()));
        Ok(Self(Arc::new(config)))
    }

    pub(crate) fn config(&self) -> Arc<ClientConfig> {
        Arc::clone(&self.0)
    }
}

/// ring's suites and groups, with AES-128 in front of AES-256: where the upstream leaves the choice
/// to us, bulk costs a quarter less and nothing is lost that a session of hours would need.
fn provider() -> CryptoProvider {
    let mut provider = ring::default_provider();
    provider
        .cipher_suites
        .sort_by_key(|suite| match suite.suite() {
            CipherSuite::TLS13_AES_128_GCM_SHA256 => 0,
            CipherSuite::TLS13_AES_256_GCM_SHA384 => 1,
            CipherSuite::TLS13_CHACHA20_POLY1305_SHA256 => 2,
            CipherSuite::TLS_ECDHE_ECDSA_WITH_AES_128_GCM_SHA256
            | CipherSuite::TLS_ECDHE_RSA_WITH_AES_128_GCM_SHA256 => 3,
            _ => 4,
        });
    provider
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_http_1_1_is_offered() {
        let tls = Tls::new(None).unwrap();
        assert_eq!(tls.config().alpn_protocols, [b"http/1.1".to_vec()]);
    }

    #[test]
    fn the_cheaper_cipher_is_asked_for_first() {
        let config = Tls::new(None).unwrap().config();
        let suites = &config.crypto_provider().cipher_suites;
        let first = CipherSuite::TLS13_AES_128_GCM_SHA256;
        assert_eq!(suites.first().unwrap().suite(), first);
        assert_eq!(suites.len(), ring::ALL_CIPHER_SUITES.len());
    }

    #[test]
    fn a_ca_file_must_hold_certificates() {
        assert_eq!(Tls::new(Some(b"")).err(), Some(TlsError::EmptyCa));
        let broken = b"-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n";
        assert_eq!(Tls::new(Some(broken)).err(), Some(TlsError::BrokenCa));
        let torn = b"-----BEGIN CERTIFICATE-----\nAAAA\n";
        assert_eq!(Tls::new(Some(torn)).err(), Some(TlsError::BrokenCa));
    }
}
