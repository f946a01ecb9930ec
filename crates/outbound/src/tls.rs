//! What a server must prove before it hears a secret.

use std::sync::Arc;

use rustls::{ClientConfig, client::Resumption, crypto::ring};
use tollbridge_stream::{Proof, TlsError, roots};
use url::Url;

use crate::AskError;

/// Whom to trust: the web's roots and, if configured, a CA of the
/// operator's own. There is no way to switch verification off.
///
/// Cheap to clone, shared by all workers.
#[derive(Clone, Debug)]
pub struct Tls(Arc<ClientConfig>);

impl Tls {
    /// Trusts the web's roots and every certificate of `extra_ca_pem`.
    ///
    /// # Errors
    /// Where the PEM text is broken or holds no certificate.
    pub fn new(extra_ca_pem: Option<&[u8]>) -> Result<Self, TlsError> {
        let provider = Arc::new(ring::default_provider());
        let mut config = ClientConfig::builder_with_provider(provider)
            .with_safe_default_protocol_versions()
            .map_err(|_no_version| TlsError::NoVersion)?
            .with_root_certificates(roots(extra_ca_pem)?)
            .with_no_client_auth();
        config.alpn_protocols = vec![b"http/1.1".to_vec()];
        // Asked now and then: a ticket would only lie there.
        config.resumption = Resumption::disabled();
        Ok(Self(Arc::new(config)))
    }

    /// What is to be proved at this address; nothing where it is in the clear.
    pub(crate) fn proof(&self, url: &Url) -> Result<Option<Proof>, AskError> {
        let proof = match url.scheme() {
            "http" if url.has_host() => return Ok(None),
            "https" => Proof::of(Arc::clone(&self.0), url.host()),
            _ => None,
        };
        let proof = proof.ok_or(AskError::Request("its URL is not one of HTTP"))?;
        Ok(Some(proof))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_https_is_proved_and_only_http_goes_without() {
        let tls = Tls::new(None).unwrap();
        let proof = |url: &str| {
            tls.proof(&url.parse().unwrap())
                .map(|proof| proof.is_some())
        };
        assert_eq!(proof("http://169.254.169.254/"), Ok(false));
        for url in [
            "https://a.test/",
            "https://127.0.0.1:8443/",
            "https://[::1]/",
        ] {
            assert_eq!(proof(url), Ok(true), "{url}");
        }
        for url in ["ftp://a.test/", "wss://a.test/", "file:///etc/passwd"] {
            assert!(proof(url).is_err(), "{url}");
        }
    }
}
