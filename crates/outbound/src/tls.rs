//! What a server must prove before it hears a secret.

use std::{net::IpAddr, sync::Arc};

use rustls::{ClientConfig, RootCertStore, client::Resumption, crypto::ring};
use rustls_pki_types::{CertificateDer, ServerName, pem::PemObject as _};
use url::{Host, Url};

use crate::AskError;

/// Whom to trust: the web's roots and, if configured, a CA of the
/// operator's own. There is no way to switch verification off.
///
/// Cheap to clone, shared by all workers.
#[derive(Clone, Debug)]
pub struct Tls(Arc<ClientConfig>);

/// Why a CA file cannot be used.
#[derive(Clone, Copy, Debug, Eq, PartialEq, thiserror::Error)]
pub enum TlsError {
    /// Not PEM, or a certificate inside is broken.
    #[error("the CA file is not PEM, or a certificate in it is broken")]
    BrokenCa,
    /// PEM without certificates.
    #[error("the CA file holds no certificate")]
    EmptyCa,
    /// The cryptography cannot speak TLS 1.2 or 1.3.
    #[error("the TLS library supports no acceptable protocol version")]
    NoVersion,
}

/// What one endpoint must prove, and who it must prove to be.
pub(crate) struct Proof {
    pub(crate) config: Arc<ClientConfig>,
    pub(crate) name: ServerName<'static>,
}

impl Tls {
    /// Trusts the web's roots and every certificate of `extra_ca_pem`.
    ///
    /// # Errors
    /// Where the PEM text is broken or holds no certificate.
    pub fn new(extra_ca_pem: Option<&[u8]>) -> Result<Self, TlsError> {
        let mut roots = RootCertStore {
            roots: webpki_roots::TLS_SERVER_ROOTS.to_vec(),
        };
        if let Some(pem) = extra_ca_pem {
            add_ca(&mut roots, pem)?;
        }
        let provider = Arc::new(ring::default_provider());
        let mut config = ClientConfig::builder_with_provider(provider)
            .with_safe_default_protocol_versions()
            .map_err(|_no_version| TlsError::NoVersion)?
            .with_root_certificates(roots)
            .with_no_client_auth();
        config.alpn_protocols = vec![b"http/1.1".to_vec()];
        // Asked now and then: a ticket would only lie there.
        config.resumption = Resumption::disabled();
        Ok(Self(Arc::new(config)))
    }

    /// What is to be proved at this address; nothing where it is in the clear.
    pub(crate) fn proof(&self, url: &Url) -> Result<Option<Proof>, AskError> {
        let name = match (url.scheme(), url.host()) {
            ("http", Some(_)) => return Ok(None),
            ("https", Some(Host::Domain(name))) => ServerName::try_from(name.to_owned()).ok(),
            ("https", Some(Host::Ipv4(address))) => Some(IpAddr::V4(address).into()),
            ("https", Some(Host::Ipv6(address))) => Some(IpAddr::V6(address).into()),
            _ => None,
        };
        let name = name.ok_or(AskError::Request("its URL is not one of HTTP"))?;
        Ok(Some(Proof {
            config: Arc::clone(&self.0),
            name,
        }))
    }
}

fn add_ca(roots: &mut RootCertStore, pem: &[u8]) -> Result<(), TlsError> {
    let mut found = false;
    for certificate in CertificateDer::pem_slice_iter(pem) {
        let certificate = certificate.map_err(|_not_pem| TlsError::BrokenCa)?;
        roots
            .add(certificate)
            .map_err(|_not_x509| TlsError::BrokenCa)?;
        found = true;
    }
    if found {
        Ok(())
    } else {
        Err(TlsError::EmptyCa)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_ca_file_must_hold_certificates() {
        assert_eq!(Tls::new(Some(b"")).err(), Some(TlsError::EmptyCa));
        let torn = b"-----BEGIN CERTIFICATE-----\nAAAA\n";
        assert_eq!(Tls::new(Some(torn)).err(), Some(TlsError::BrokenCa));
    }

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
