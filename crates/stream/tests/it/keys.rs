//! Certificates and configurations.

use std::sync::Arc;

use rcgen::{CertificateParams, KeyPair};
use rustls::{
    ClientConfig, RootCertStore, ServerConfig, SupportedProtocolVersion,
    crypto::ring,
    version::{TLS12, TLS13},
};
use rustls_pki_types::{PrivateKeyDer, PrivatePkcs8KeyDer, ServerName};
use tokio::io::{AsyncRead, AsyncWrite};
use tollbridge_stream::Tls;

pub(crate) const BOTH_VERSIONS: [&SupportedProtocolVersion; 2] = [&TLS12, &TLS13];

/// A client and a server that trust each other as far as one does.
#[derive(Clone)]
pub(crate) struct Keys {
    pub(crate) client: Arc<ClientConfig>,
    pub(crate) server: Arc<ServerConfig>,
}

impl Keys {
    pub(crate) fn new(version: &'static SupportedProtocolVersion) -> Self {
        Self::with(version, |_client, _server| {})
    }

    pub(crate) fn with(
        version: &'static SupportedProtocolVersion,
        adjust: impl FnOnce(&mut ClientConfig, &mut ServerConfig),
    ) -> Self {
        let key = KeyPair::generate().unwrap();
        let params = CertificateParams::new(vec!["localhost".to_owned()]).unwrap();
        let certificate = params.self_signed(&key).unwrap().der().clone();
        let key = PrivateKeyDer::Pkcs8(PrivatePkcs8KeyDer::from(key.serialize_der()));
        let mut roots = RootCertStore::empty();
        roots.add(certificate.clone()).unwrap();
        let provider = Arc::new(ring::default_provider());
        let mut client = ClientConfig::builder_with_provider(provider.clone())
            .with_protocol_versions(&[version])
            .unwrap()
            .with_root_certificates(roots)
            .with_no_client_auth();
        let mut server = ServerConfig::builder_with_provider(provider)
            .with_protocol_versions(&[version])
            .unwrap()
            .with_no_client_auth()
            .with_single_cert(vec![certificate], key)
            .unwrap();
        client.alpn_protocols = vec![b"http/1.1".to_vec()];
        server.alpn_protocols = vec![b"http/1.1".to_vec()];
        adjust(&mut client, &mut server);
        Self {
            client: Arc::new(client),
            server: Arc::new(server),
        }
    }

    /// Both ends after the handshake.
    pub(crate) async fn join<A, B>(&self, near: A, far: B) -> (Tls<A>, Tls<B>)
    where
        A: AsyncRead + AsyncWrite + Unpin,
        B: AsyncRead + AsyncWrite + Unpin,
    {
        let client = tollbridge_stream::connect(near, self.client.clone(), localhost());
        let server = tollbridge_stream::accept(far, self.server.clone());
        // The client's last message goes with its first read or write.
        let client = async {
            let mut client = client.await.unwrap();
            tokio::io::AsyncWriteExt::flush(&mut client).await.unwrap();
            client
        };
        let (client, server) = tokio::join!(client, server);
        (client, server.unwrap())
    }
}

pub(crate) fn localhost() -> ServerName<'static> {
    ServerName::try_from("localhost").unwrap()
}
