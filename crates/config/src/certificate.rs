//! The public listener's certificate and its key: read, and found to belong together. And whose
//! certificates of clients it believes.

use std::{fmt::Display, sync::Arc};

use rustls::{
    InconsistentKeys, RootCertStore,
    crypto::{CryptoProvider, ring},
    sign::CertifiedKey,
};
use rustls_pki_types::{
    CertificateDer, PrivateKeyDer,
    pem::{Error as PemError, PemObject as _},
};
use tollbridge_domain::Moment;
use x509_parser::prelude::{FromDer as _, X509Certificate};

use crate::{
    secret_ref::{SecretError, SecretRef},
    settings::Tls,
};

/// A certificate that can be served.
pub struct Certificate {
    /// The chain and the key to it.
    pub pair: Arc<CertifiedKey>,
    /// The second from which on clients take it.
    pub not_before: Moment,
    /// The last second in which they do.
    pub not_after: Moment,
    /// Who vouches for clients; `None`: clients are not asked for a certificate.
    pub authorities: Option<Arc<RootCertStore>>,
}

/// Which of the files of `server.tls`.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum TlsFile {
    /// The certificate and its chain.
    Cert,
    /// Its private key.
    Key,
    /// The authorities of clients.
    ClientCa,
}

impl TlsFile {
    /// Its key under `server.tls`.
    #[must_use]
    pub const fn key(self) -> &'static str {
        match self {
            Self::Cert => "cert",
            Self::Key => "key",
            Self::ClientCa => "client_ca",
        }
    }
}

/// Why the files cannot be used. Never holds anything of the key.
#[derive(Debug, thiserror::Error)]
#[error("{why}")]
pub struct CertificateError {
    /// Where to look.
    pub file: TlsFile,
    why: Why,
}

/// What is wrong with one of them, or with certificate and key together.
#[derive(Debug, thiserror::Error)]
pub(crate) enum Why {
    #[error(transparent)]
    Unread(#[from] SecretError),
    #[error("{0} is not PEM")]
    NotPem(String),
    #[error("{0} holds no certificate")]
    NoCertificate(String),
    #[error("the first certificate of {0} is broken")]
    BrokenCertificate(String),
    #[error("a certificate of {0} is broken")]
    BrokenAuthority(String),
    #[error("{0} holds no private key")]
    NoKey(String),
    #[error("the private key of {0} is encrypted: store it without a passphrase")]
    Encrypted(String),
    #[error("the private key of {0} is of no kind that can be used: RSA, P-256, P-384 or Ed25519")]
    UnusableKey(String),
    #[error("the private key of {0} does not belong to the certificate")]
    Mismatch(String),
}

impl Tls {
    /// Reads all as they are now.
    ///
    /// # Errors
    /// What is wrong with each, at least one.
    pub fn read(&self) -> Result<Certificate, Vec<CertificateError>> {
        let authorities = self.client_ca.as_ref().map(authorities).transpose();
        let authorities = authorities.map_err(|why| at(TlsFile::ClientCa, why));
        let chain = chain(&self.cert).map_err(|why| at(TlsFile::Cert, why));
        let key = key(&self.key).map_err(|why| at(TlsFile::Key, why));
        let pair = match (chain, key) {
            (Ok(chain), Ok(key)) => join(self, chain, key).map_err(|error| vec![error]),
            (chain, key) => Err(chain.err().into_iter().chain(key.err()).collect()),
        };
        match (pair, authorities) {
            (Ok(pair), Ok(authorities)) => Ok(Certificate {
                authorities,
                ..pair
            }),
            (pair, authorities) => Err(pair
                .err()
                .into_iter()
                .flatten()
                .chain(authorities.err())
                .collect()),
        }
    }
}

impl Certificate {
    /// What is wrong with its time, if it is looked at now.
    #[must_use]
    pub fn untimely(&self, now: Moment) -> Option<String> {
        if now > self.not_after {
            Some(format!("the certificate expired at {}", self.not_after))
        } else if now < self.not_before {
            Some(format!(
                "the certificate is not valid before {}",
                self.not_before
            ))
        } else {
            None
        }
    }
}

const fn at(file: TlsFile, why: Why) -> CertificateError {
    CertificateError { file, why }
}

fn chain(reference: &SecretRef) -> Result<Vec<CertificateDer<'static>>, Why> {
    let text = reference.read()?;
    certificates(text.reveal().as_bytes(), reference)
}

/// The certificates in this PEM, at least one; `what` is where it is from.
fn certificates(pem: &[u8], what: &dyn Display) -> Result<Vec<CertificateDer<'static>>, Why> {
    let certificates = CertificateDer::pem_slice_iter(pem)
        .collect::<Result<Vec<_>, _>>()
        .map_err(|_reason| Why::NotPem(what.to_string()))?;
    if certificates.is_empty() {
        let absent = if is_pem(pem) {
            Why::NoCertificate
        } else {
            Why::NotPem
        };
        return Err(absent(what.to_string()));
    }
    Ok(certificates)
}

fn authorities(reference: &SecretRef) -> Result<Arc<RootCertStore>, Why> {
    let pem = reference.read()?;
    believe(pem.reveal().as_bytes(), reference).map(Arc::new)
}

/// The authorities in this PEM, at least one; `what` is where it is from.
///
/// # Errors
/// What is wrong with it.
pub(crate) fn believe(pem: &[u8], what: &dyn Display) -> Result<RootCertStore, Why> {
    let mut authorities = RootCertStore::empty();
    for certificate in certificates(pem, what)? {
        authorities
            .add(certificate)
            .map_err(|_not_x509| Why::BrokenAuthority(what.to_string()))?;
    }
    Ok(authorities)
}

fn key(reference: &SecretRef) -> Result<PrivateKeyDer<'static>, Why> {
    let text = reference.read()?;
    let text = text.reveal();
    // The reason may quote the line that is wrong: it is not passed on.
    PrivateKeyDer::from_pem_slice(text.as_bytes()).map_err(|error| {
        let why = match error {
            PemError::NoItemsFound if text.contains("ENCRYPTED PRIVATE KEY") => Why::Encrypted,
            // The older form (RFC 1421, 4.6.1.1), whose headers are no PEM to the parser.
            _ if text.contains("Proc-Type: 4,ENCRYPTED") => Why::Encrypted,
            PemError::NoItemsFound if is_pem(text.as_bytes()) => Why::NoKey,
            _ => Why::NotPem,
        };
        why(reference.to_string())
    })
}

fn is_pem(text: &[u8]) -> bool {
    text.windows(BEGIN.len()).any(|window| window == BEGIN)
}

const BEGIN: &[u8] = b"-----BEGIN ";

fn join(
    tls: &Tls,
    chain: Vec<CertificateDer<'static>>,
    key: PrivateKeyDer<'static>,
) -> Result<Certificate, CertificateError> {
    let broken = || at(TlsFile::Cert, Why::BrokenCertificate(tls.cert.to_string()));
    let first = chain.first().ok_or_else(broken)?;
    let (not_before, not_after) = validity(first).ok_or_else(broken)?;
    let provider: CryptoProvider = ring::default_provider();
    let key = provider
        .key_provider
        .load_private_key(key)
        .map_err(|_reason| at(TlsFile::Key, Why::UnusableKey(tls.key.to_string())))?;
    let pair = CertifiedKey::new(chain, key);
    match pair.keys_match() {
        Ok(()) | Err(rustls::Error::InconsistentKeys(InconsistentKeys::Unknown)) => {}
        Err(rustls::Error::InconsistentKeys(_)) => {
            return Err(at(TlsFile::Key, Why::Mismatch(tls.key.to_string())));
        }
        Err(_) => return Err(broken()),
    }
    Ok(Certificate {
        pair: Arc::new(pair),
        not_before,
        not_after,
        authorities: None,
    })
}

/// From when to when, both included (RFC 5280, 4.1.2.5).
fn validity(certificate: &CertificateDer<'_>) -> Option<(Moment, Moment)> {
    let (_rest, parsed) = X509Certificate::from_der(certificate).ok()?;
    let validity = parsed.validity();
    Some((
        Moment::from_seconds(validity.not_before.timestamp()),
        Moment::from_seconds(validity.not_after.timestamp()),
    ))
}
