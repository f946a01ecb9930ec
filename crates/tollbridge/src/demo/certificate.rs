//! A certificate for one run of the demo: made at the start, never written down.

use std::{
    net::{IpAddr, Ipv4Addr, Ipv6Addr},
    sync::Arc,
    time::Duration,
};

use rcgen::{CertificateParams, DnType, KeyPair, SanType, date_time_ymd};
use rustls::{ClientConfig, RootCertStore, crypto::ring};
use rustls_pki_types::{CertificateDer, pem::PemObject as _};
use tollbridge_domain::{Moment, Secret};

/// A certificate for this machine as it calls itself, that nobody but itself vouches for.
pub(crate) struct Throwaway {
    /// PEM.
    pub(crate) cert: String,
    /// PEM.
    pub(crate) key: Secret<String>,
}

impl Throwaway {
    /// Good for a day from now, on loopback and at `listen`.
    ///
    /// # Errors
    /// Where the machine cannot make keys.
    pub(crate) fn for_listener(listen: IpAddr, now: Moment) -> Result<Self, rcgen::Error> {
        let mut params = CertificateParams::new(vec![LOCALHOST.to_owned()])?;
        let loopback = [
            IpAddr::V4(Ipv4Addr::LOCALHOST),
            IpAddr::V6(Ipv6Addr::LOCALHOST),
        ];
        params
            .subject_alt_names
            .extend(loopback.map(SanType::IpAddress));
        if !listen.is_unspecified() && !listen.is_loopback() {
            params.subject_alt_names.push(SanType::IpAddress(listen));
        }
        params
            .distinguished_name
            .push(DnType::CommonName, "Tollbridge demo");
        let since_1970 = Duration::from_secs(u64::try_from(now.seconds()).unwrap_or(0));
        let now = date_time_ymd(1970, 1, 1) + since_1970;
        params.not_before = now - SLACK;
        params.not_after = now + LIFE;
        let key = KeyPair::generate()?;
        let certificate = params.self_signed(&key)?;
        Ok(Self {
            cert: certificate.pem(),
            key: Secret::new(key.serialize_pem()),
        })
    }

    /// Trusts this certificate and no other.
    ///
    /// # Errors
    /// Where the TLS library does not take it.
    pub(crate) fn trust(&self) -> Result<Arc<ClientConfig>, rustls::Error> {
        let mut roots = RootCertStore::empty();
        for certificate in CertificateDer::pem_slice_iter(self.cert.as_bytes()).flatten() {
            roots.add(certificate)?;
        }
        let config = ClientConfig::builder_with_provider(Arc::new(ring::default_provider()))
            .with_safe_default_protocol_versions()?
            .with_root_certificates(roots)
            .with_no_client_auth();
        Ok(Arc::new(config))
    }
}

/// A name that the certificate has, wherever the demo listens.
pub(super) const LOCALHOST: &str = "localhost";

/// Longer than anybody looks at a demo.
const LIFE: Duration = Duration::from_secs(24 * 60 * 60);

/// For a browser on a machine whose clock is behind.
const SLACK: Duration = Duration::from_secs(60 * 60);
