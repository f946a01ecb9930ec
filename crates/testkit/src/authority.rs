//! Certificates of our own making.

use std::sync::Arc;

use rcgen::{
    BasicConstraints, CertificateParams, CertifiedIssuer, DnType, IsCa, KeyPair, date_time_ymd,
};
use rustls::{ServerConfig, crypto::ring};
use rustls_pki_types::{CertificateDer, PrivateKeyDer, PrivatePkcs8KeyDer};

/// A certificate authority that a route, or a listener, can be told to trust.
pub struct Authority {
    issuer: CertifiedIssuer<'static, KeyPair>,
    /// What leads from it to the authority above, PEM; empty where there is none.
    chain: String,
}

/// A certificate with its key, ready to serve.
#[derive(Clone)]
pub struct Identity {
    pub(crate) config: Arc<ServerConfig>,
    /// The certificate, and the intermediate ones where there are any.
    pub pem: String,
    /// Its private key, PEM too.
    pub key_pem: String,
}

impl Authority {
    /// A new one.
    ///
    /// # Panics
    /// Where the machine cannot make keys.
    #[must_use]
    pub fn new() -> Self {
        let params = authority("authority of a Tollbridge test");
        let issuer = CertifiedIssuer::self_signed(params, KeyPair::generate().unwrap()).unwrap();
        Self {
            issuer,
            chain: String::new(),
        }
    }

    /// Another one that this one vouches for. What it signs brings its certificate along.
    ///
    /// # Panics
    /// As [`new`](Self::new).
    #[must_use]
    pub fn intermediate(&self) -> Self {
        let (params, key) = (authority("between"), KeyPair::generate().unwrap());
        let issuer = CertifiedIssuer::signed_by(params, key, &self.issuer).unwrap();
        let chain = format!("{}{}", issuer.pem(), self.chain);
        Self { issuer, chain }
    }

    /// Its certificate, for a route's `ca`.
    #[must_use]
    pub fn pem(&self) -> String {
        self.issuer.pem()
    }

    /// A certificate for this name or address.
    ///
    /// # Panics
    /// Where it is neither.
    #[must_use]
    pub fn identity(&self, name: &str) -> Identity {
        self.signed(CertificateParams::new(vec![name.to_owned()]).unwrap())
    }

    /// A certificate that was valid once.
    ///
    /// # Panics
    /// As [`identity`](Self::identity).
    #[must_use]
    pub fn expired(&self, name: &str) -> Identity {
        let mut params = CertificateParams::new(vec![name.to_owned()]).unwrap();
        params.not_before = date_time_ymd(2020, 1, 1);
        params.not_after = date_time_ymd(2020, 12, 31);
        self.signed(params)
    }

    /// A certificate of this description.
    ///
    /// # Panics
    /// Where the description makes none.
    #[must_use]
    pub fn signed(&self, params: CertificateParams) -> Identity {
        let key = KeyPair::generate().unwrap();
        let certificate = params.signed_by(&key, &self.issuer).unwrap();
        let pem = format!("{}{}", certificate.pem(), self.chain);
        Identity::new(certificate.der().clone(), pem, &key)
    }
}

/// Its name is unlike that of other certificates: the issuer is found by it.
fn authority(name: &str) -> CertificateParams {
    let mut params = CertificateParams::new(Vec::new()).unwrap();
    params.distinguished_name.push(DnType::CommonName, name);
    params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
    params
}

impl Default for Authority {
    fn default() -> Self {
        Self::new()
    }
}

impl Identity {
    /// The certificate as it is sent.
    ///
    /// # Panics
    /// Never: it was made here.
    #[must_use]
    pub fn der(&self) -> Vec<u8> {
        use rustls_pki_types::pem::PemObject as _;

        CertificateDer::from_pem_slice(self.pem.as_bytes())
            .unwrap()
            .to_vec()
    }

    /// A certificate that nobody but itself vouches for.
    ///
    /// # Panics
    /// Where `name` is neither a name nor an address.
    #[must_use]
    pub fn self_signed(name: &str) -> Self {
        let key = KeyPair::generate().unwrap();
        let params = CertificateParams::new(vec![name.to_owned()]).unwrap();
        let certificate = params.self_signed(&key).unwrap();
        Self::new(certificate.der().clone(), certificate.pem(), &key)
    }

    fn new(certificate: CertificateDer<'static>, pem: String, key: &KeyPair) -> Self {
        let key_pem = key.serialize_pem();
        let key = PrivateKeyDer::Pkcs8(PrivatePkcs8KeyDer::from(key.serialize_der()));
        let mut config = ServerConfig::builder_with_provider(Arc::new(ring::default_provider()))
            .with_safe_default_protocol_versions()
            .unwrap()
            .with_no_client_auth()
            .with_single_cert(vec![certificate], key)
            .unwrap();
        // As real upstreams do: whoever offers `h2` gets it, and then no WebSocket.
        config.alpn_protocols = vec![b"h2".to_vec(), b"http/1.1".to_vec()];
        Self {
            config: Arc::new(config),
            pem,
            key_pem,
        }
    }
}
