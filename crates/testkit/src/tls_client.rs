//! The client's side of TLS, by another implementation of its stream than the server's.

use std::{io, net::SocketAddr, sync::Arc};

use rustls::{
    ClientConfig, RootCertStore, SupportedProtocolVersion,
    client::Resumption,
    crypto::ring,
    sign::{CertifiedKey, SingleCertAndKey},
};
use rustls_pki_types::{CertificateDer, PrivateKeyDer, ServerName, pem::PemObject as _};
use tokio::{
    io::copy_bidirectional,
    net::{TcpListener, TcpStream},
    task::JoinHandle,
    time::timeout,
};
use tokio_rustls::{TlsAcceptor, TlsConnector, client::TlsStream};

use crate::{Identity, PATIENCE};

/// A client that trusts one authority, and remembers what it may resume.
#[derive(Clone)]
pub struct TlsClient {
    config: Arc<ClientConfig>,
    name: ServerName<'static>,
}

/// A port behind which every connection leads to a server: under TLS on one of the two ways, and in
/// the clear on the other. Gone when dropped.
pub struct Tunnel {
    address: SocketAddr,
    serving: JoinHandle<()>,
}

impl TlsClient {
    /// Expects this name or address of the server, vouched for by this authority (PEM).
    ///
    /// # Panics
    /// Where either cannot be read.
    #[must_use]
    pub fn trusting(authority: &str, name: &str) -> Self {
        Self::speaking(rustls::ALL_VERSIONS, authority, name)
    }

    /// As [`trusting`](Self::trusting), and knows nothing newer than TLS 1.2.
    ///
    /// # Panics
    /// As [`trusting`](Self::trusting).
    #[must_use]
    pub fn of_yesterday(authority: &str, name: &str) -> Self {
        Self::speaking(&[&rustls::version::TLS12], authority, name)
    }

    fn speaking(
        versions: &[&'static SupportedProtocolVersion],
        authority: &str,
        name: &str,
    ) -> Self {
        let mut roots = RootCertStore::empty();
        for certificate in CertificateDer::pem_slice_iter(authority.as_bytes()) {
            roots.add(certificate.unwrap()).unwrap();
        }
        let mut config = ClientConfig::builder_with_provider(Arc::new(ring::default_provider()))
            .with_protocol_versions(versions)
            .unwrap()
            .with_root_certificates(roots)
            .with_no_client_auth();
        config.alpn_protocols = vec![b"http/1.1".to_vec()];
        Self {
            config: Arc::new(config),
            name: ServerName::try_from(name.to_owned()).unwrap(),
        }
    }

    /// The same with something else about it.
    #[must_use]
    pub fn with(mut self, change: impl FnOnce(&mut ClientConfig)) -> Self {
        change(Arc::make_mut(&mut self.config));
        self
    }

    /// The same, and shows this certificate to a server that asks for one.
    ///
    /// # Panics
    /// Never: it was made here.
    #[must_use]
    pub fn showing(self, identity: &Identity) -> Self {
        let chain = CertificateDer::pem_slice_iter(identity.pem.as_bytes());
        let key = PrivateKeyDer::from_pem_slice(identity.key_pem.as_bytes()).unwrap();
        let key = ring::sign::any_supported_type(&key).unwrap();
        let shown = CertifiedKey::new(chain.map(Result::unwrap).collect(), key);
        self.with(|config| {
            config.client_auth_cert_resolver = Arc::new(SingleCertAndKey::from(shown));
            // What another certificate began is not to be resumed with this one.
            config.resumption = Resumption::in_memory_sessions(8);
        })
    }

    /// Connects and shakes hands.
    ///
    /// # Errors
    /// Where either side refuses.
    pub async fn connect(&self, to: SocketAddr) -> io::Result<TlsStream<TcpStream>> {
        let stream = TcpStream::connect(to).await?;
        stream.set_nodelay(true)?;
        let connector = TlsConnector::from(Arc::clone(&self.config));
        let shaking = connector.connect(self.name.clone(), stream);
        timeout(PATIENCE, shaking).await?
    }

    /// Opens a port that leads to this server: what speaks plain TCP to it speaks TLS there.
    ///
    /// # Panics
    /// Where there is no port.
    pub async fn tunnel(&self, to: SocketAddr) -> Tunnel {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let client = self.clone();
        let serving = tokio::spawn(async move {
            while let Ok((mut near, _)) = listener.accept().await {
                let client = client.clone();
                tokio::spawn(async move {
                    near.set_nodelay(true)?;
                    let mut far = client.connect(to).await?;
                    copy_bidirectional(&mut near, &mut far).await
                });
            }
        });
        Tunnel { address, serving }
    }
}

impl Identity {
    /// Opens a port that speaks TLS as this identity, and plain TCP to the server behind it.
    ///
    /// # Panics
    /// Where there is no port.
    pub async fn tunnel(&self, to: SocketAddr) -> Tunnel {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let acceptor = TlsAcceptor::from(Arc::clone(&self.config));
        let serving = tokio::spawn(async move {
            while let Ok((near, _)) = listener.accept().await {
                let acceptor = acceptor.clone();
                tokio::spawn(async move {
                    let mut near = acceptor.accept(near).await?;
                    let mut far = TcpStream::connect(to).await?;
                    copy_bidirectional(&mut near, &mut far).await
                });
            }
        });
        Tunnel { address, serving }
    }
}

impl Tunnel {
    /// Where it is.
    #[must_use]
    pub const fn address(&self) -> SocketAddr {
        self.address
    }
}

impl Drop for Tunnel {
    fn drop(&mut self) {
        self.serving.abort();
    }
}
