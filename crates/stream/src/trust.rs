//! Whom to believe that they are who they say.

use std::{net::IpAddr, sync::Arc};

use rustls::{ClientConfig, RootCertStore};
use rustls_pki_types::{CertificateDer, ServerName, pem::PemObject as _};
use url::Host;

/// Why nobody can be believed.
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

/// What a server must prove, and who it must prove to be.
#[derive(Clone)]
pub struct Proof {
    pub(crate) config: Arc<ClientConfig>,
    pub(crate) name: ServerName<'static>,
}

impl Proof {
    /// That it is this host; `None` where no certificate can be for it.
    #[must_use]
    pub fn of(config: Arc<ClientConfig>, host: Option<Host<&str>>) -> Option<Self> {
        let name = match host? {
            Host::Domain(name) => ServerName::try_from(name.to_owned()).ok()?,
            Host::Ipv4(address) => IpAddr::V4(address).into(),
            Host::Ipv6(address) => IpAddr::V6(address).into(),
        };
        Some(Self { config, name })
    }
}

/// The web's roots and every certificate of `extra_ca_pem`.
///
/// # Errors
/// Where the PEM text is broken or holds no certificate.
pub fn roots(extra_ca_pem: Option<&[u8]>) -> Result<RootCertStore, TlsError> {
    let mut roots = RootCertStore {
        roots: webpki_roots::TLS_SERVER_ROOTS.to_vec(),
    };
    let Some(pem) = extra_ca_pem else {
        return Ok(roots);
    };
    let mut found = false;
    for certificate in CertificateDer::pem_slice_iter(pem) {
        let certificate = certificate.map_err(|_not_pem| TlsError::BrokenCa)?;
        roots
            .add(certificate)
            .map_err(|_not_x509| TlsError::BrokenCa)?;
        found = true;
    }
    if found {
        Ok(roots)
    } else {
        Err(TlsError::EmptyCa)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_ca_file_must_hold_certificates() {
        assert_eq!(roots(Some(b"")).err(), Some(TlsError::EmptyCa));
        let broken = b"-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n";
        assert_eq!(roots(Some(broken)).err(), Some(TlsError::BrokenCa));
        let torn = b"-----BEGIN CERTIFICATE-----\nAAAA\n";
        assert_eq!(roots(Some(torn)).err(), Some(TlsError::BrokenCa));
        assert!(roots(None).is_ok());
    }
}
