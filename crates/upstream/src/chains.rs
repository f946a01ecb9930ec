//! Certificates that were verified a moment ago.

use std::{
    collections::VecDeque,
    fmt,
    sync::{Arc, Mutex, PoisonError},
};

use ring::digest;
use rustls::{
    DigitallySignedStruct, Error, SignatureScheme,
    client::danger::{HandshakeSignatureValid, ServerCertVerified, ServerCertVerifier},
};
use rustls_pki_types::{CertificateDer, ServerName, UnixTime};

/// Asks another verifier about a chain of certificates, and for [`LIFE_S`] seconds after its yes does not
/// ask again about the same chain for the same name: a dial that cannot resume a session shows what
/// the one before it showed.
///
/// A chain says who holds a key. That whoever shows it does hold the key is proved anew in each
/// handshake, by a signature over it (RFC 8446, 4.4.3).
pub(crate) struct Chains {
    verifier: Arc<dyn ServerCertVerifier>,
    /// Oldest first.
    verified: Mutex<VecDeque<(Digest, UnixTime)>>,
}

type Digest = [u8; digest::SHA256_OUTPUT_LEN];

impl Chains {
    pub(crate) fn new(verifier: Arc<dyn ServerCertVerifier>) -> Self {
        Self {
            verifier,
            verified: Mutex::default(),
        }
    }

    fn is_recent(&self, chain: &Digest, now: UnixTime) -> bool {
        let verified = self.verified.lock().unwrap_or_else(PoisonError::into_inner);
        // A clock that was set back leaves times that are yet to come: those say nothing.
        verified.iter().any(|(known, at)| {
            let age = now.as_secs().checked_sub(at.as_secs());
            known == chain && age.is_some_and(|age| age < LIFE_S)
        })
    }

    fn keep(&self, chain: Digest, now: UnixTime) {
        let mut verified = self.verified.lock().unwrap_or_else(PoisonError::into_inner);
        verified.retain(|(known, _at)| *known != chain);
        if verified.len() >= MOST {
            verified.pop_front();
        }
        verified.push_back((chain, now));
    }
}

impl ServerCertVerifier for Chains {
    fn verify_server_cert(
        &self,
        end_entity: &CertificateDer<'_>,
        intermediates: &[CertificateDer<'_>],
        server_name: &ServerName<'_>,
        ocsp_response: &[u8],
        now: UnixTime,
    ) -> Result<ServerCertVerified, Error> {
        let chain = digest_of(end_entity, intermediates, server_name);
        if self.is_recent(&chain, now) {
            return Ok(ServerCertVerified::assertion());
        }
        let verified = self.verifier.verify_server_cert(
            end_entity,
            intermediates,
            server_name,
            ocsp_response,
            now,
        )?;
        self.keep(chain, now);
        Ok(verified)
    }

    fn verify_tls12_signature(
        &self,
        message: &[u8],
        cert: &CertificateDer<'_>,
        dss: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        self.verifier.verify_tls12_signature(message, cert, dss)
    }

    fn verify_tls13_signature(
        &self,
        message: &[u8],
        cert: &CertificateDer<'_>,
        dss: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        self.verifier.verify_tls13_signature(message, cert, dss)
    }

    fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
        self.verifier.supported_verify_schemes()
    }
}

impl fmt::Debug for Chains {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Chains").finish_non_exhaustive()
    }
}

/// Each part with its length in front, so that no two chains read the same.
fn digest_of(
    end_entity: &CertificateDer<'_>,
    intermediates: &[CertificateDer<'_>],
    server_name: &ServerName<'_>,
) -> Digest {
    let name = server_name.to_str();
    let certificates = [end_entity].into_iter().chain(intermediates);
    let parts = certificates.map(|certificate| certificate.as_ref());
    let mut context = digest::Context::new(&digest::SHA256);
    for part in [name.as_bytes()].into_iter().chain(parts) {
        context.update(&(part.len() as u64).to_be_bytes());
        context.update(part);
    }
    let mut digest = [0; digest::SHA256_OUTPUT_LEN];
    digest.copy_from_slice(context.finish().as_ref());
    digest
}

/// So long at most a certificate is taken after it has expired.
const LIFE_S: u64 = 60;

/// A route has one host, with a certificate or two for each machine behind its name.
const MOST: usize = 16;

#[cfg(test)]
mod tests {
    use std::{
        io,
        sync::atomic::{AtomicBool, AtomicUsize, Ordering},
        time::Duration,
    };

    use rcgen::{CertificateParams, KeyPair};
    use rustls::{
        ClientConfig, HandshakeKind, ServerConfig, SupportedProtocolVersion,
        client::Resumption,
        crypto::ring::{default_provider, sign::any_ecdsa_type},
        sign::{CertifiedKey, SingleCertAndKey},
        version::{TLS12, TLS13},
    };
    use rustls_pki_types::{PrivateKeyDer, PrivatePkcs8KeyDer};
    use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _, duplex};
    use tollbridge_stream::{accept, connect};

    use super::*;
    use crate::Tls;

    /// Counts how often it is asked, and says what it is told to.
    #[derive(Debug, Default)]
    struct Asked {
        times: AtomicUsize,
        refuses: AtomicBool,
    }

    impl ServerCertVerifier for Asked {
        fn verify_server_cert(
            &self,
            _end_entity: &CertificateDer<'_>,
            _intermediates: &[CertificateDer<'_>],
            _server_name: &ServerName<'_>,
            _ocsp_response: &[u8],
            _now: UnixTime,
        ) -> Result<ServerCertVerified, Error> {
            self.times.fetch_add(1, Ordering::Relaxed);
            if self.refuses.load(Ordering::Relaxed) {
                return Err(Error::General("refused".to_owned()));
            }
            Ok(ServerCertVerified::assertion())
        }

        fn verify_tls12_signature(
            &self,
            _message: &[u8],
            _cert: &CertificateDer<'_>,
            _dss: &DigitallySignedStruct,
        ) -> Result<HandshakeSignatureValid, Error> {
            unreachable!("no handshake takes place")
        }

        fn verify_tls13_signature(
            &self,
            _message: &[u8],
            _cert: &CertificateDer<'_>,
            _dss: &DigitallySignedStruct,
        ) -> Result<HandshakeSignatureValid, Error> {
            unreachable!("no handshake takes place")
        }

        fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
            Vec::new()
        }
    }

    struct Bench {
        asked: Arc<Asked>,
        chains: Chains,
    }

    impl Bench {
        fn new() -> Self {
            let asked = Arc::new(Asked::default());
            let chains = Chains::new(Arc::clone(&asked) as Arc<dyn ServerCertVerifier>);
            Self { asked, chains }
        }

        /// Whether the chain was taken, and whether the verifier below was asked for it.
        fn shows(&self, chain: &[&str], name: &'static str, at: u64) -> (bool, bool) {
            let mut chain = chain
                .iter()
                .map(|text| CertificateDer::from(text.as_bytes().to_vec()));
            let end_entity = chain.next().unwrap();
            let intermediates: Vec<_> = chain.collect();
            let name = ServerName::try_from(name).unwrap();
            let now = UnixTime::since_unix_epoch(Duration::from_secs(at));
            let verdict =
                self.chains
                    .verify_server_cert(&end_entity, &intermediates, &name, &[], now);
            let asked = self.asked.times.swap(0, Ordering::Relaxed) > 0;
            (verdict.is_ok(), asked)
        }
    }

    const ASKED: (bool, bool) = (true, true);
    const KNOWN: (bool, bool) = (true, false);
    const REFUSED: (bool, bool) = (false, true);

    #[test]
    fn a_chain_is_verified_once_a_minute() {
        let bench = Bench::new();
        let shows = |at| bench.shows(&["leaf", "middle"], "a.test", at);
        assert_eq!(shows(1000), ASKED);
        assert_eq!(shows(1000), KNOWN);
        assert_eq!(shows(1059), KNOWN, "its minute does not begin anew");
        assert_eq!(shows(1060), ASKED);
        assert_eq!(shows(1119), KNOWN);
        assert_eq!(shows(1000), ASKED, "the clock was set back");
    }

    #[test]
    fn whatever_differs_is_verified() {
        let bench = Bench::new();
        assert_eq!(bench.shows(&["leaf", "middle"], "a.test", 1000), ASKED);
        for (chain, name) in [
            (&["leaf", "middle"] as &[_], "b.test"),
            (&["leaf"], "a.test"),
            (&["middle", "leaf"], "a.test"),
            (&["leafmiddle"], "a.test"),
            (&["leafmid", "dle"], "a.test"),
            (&["leaf", "middle", ""], "a.test"),
        ] {
            assert_eq!(bench.shows(chain, name, 1000), ASKED, "{chain:?} {name}");
        }
    }

    #[test]
    fn a_refusal_is_not_remembered_and_no_chain_is_for_ever() {
        let bench = Bench::new();
        let refuses = |it| bench.asked.refuses.store(it, Ordering::Relaxed);
        refuses(true);
        assert_eq!(bench.shows(&["leaf"], "a.test", 1000), REFUSED);
        assert_eq!(bench.shows(&["leaf"], "a.test", 1000), REFUSED);
        refuses(false);
        assert_eq!(bench.shows(&["leaf"], "a.test", 1000), ASKED);
        refuses(true);
        assert_eq!(bench.shows(&["leaf"], "a.test", 1060), REFUSED);
    }

    #[test]
    fn so_many_are_remembered_and_no_more() {
        let bench = Bench::new();
        let leaves: Vec<_> = (0..=MOST).map(|n| format!("leaf {n}")).collect();
        for leaf in &leaves {
            assert_eq!(bench.shows(&[leaf], "a.test", 1000), ASKED);
        }
        assert_eq!(bench.shows(&[&leaves[1]], "a.test", 1000), KNOWN);
        assert_eq!(bench.shows(&[&leaves[0]], "a.test", 1000), ASKED);
    }

    /// A server with this certificate, and with this key whether or not it is the certificate's.
    fn server(
        certificate: &rcgen::Certificate,
        key: &KeyPair,
        version: &'static SupportedProtocolVersion,
    ) -> Arc<ServerConfig> {
        let key = PrivateKeyDer::Pkcs8(PrivatePkcs8KeyDer::from(key.serialize_der()));
        let key = any_ecdsa_type(&key).unwrap();
        let certified = CertifiedKey::new(vec![certificate.der().clone()], key);
        let config = ServerConfig::builder_with_provider(Arc::new(default_provider()))
            .with_protocol_versions(&[version])
            .unwrap()
            .with_no_client_auth()
            .with_cert_resolver(Arc::new(SingleCertAndKey::from(certified)));
        Arc::new(config)
    }

    async fn dial(
        client: &Arc<ClientConfig>,
        server: &Arc<ServerConfig>,
    ) -> io::Result<HandshakeKind> {
        let (near, far) = duplex(64 * 1024);
        let client = async {
            let name = ServerName::try_from("localhost").unwrap();
            let mut client = connect(near, Arc::clone(client), name).await?;
            client.read_u8().await?;
            Ok(client.handshake_kind().unwrap())
        };
        let server = async {
            let mut server = accept(far, Arc::clone(server)).await?;
            server.write_all(b"!").await?;
            Ok::<_, io::Error>(server)
        };
        tokio::join!(client, server).0
    }

    /// Who shows a chain that was verified a moment ago, and does not hold its key.
    #[actix_rt::test]
    async fn a_chain_that_is_known_proves_nothing_without_its_key() {
        let key = KeyPair::generate().unwrap();
        let params = CertificateParams::new(vec!["localhost".to_owned()]).unwrap();
        let certificate = params.self_signed(&key).unwrap();
        let trusting = Tls::new(Some(certificate.pem().as_bytes())).unwrap();
        let mut client = ClientConfig::clone(&trusting.config());
        client.resumption = Resumption::disabled();
        let client = Arc::new(client);
        for version in [&TLS13, &TLS12] {
            let honest = server(&certificate, &key, version);
            let imposter = server(&certificate, &KeyPair::generate().unwrap(), version);
            for _ in 0..2 {
                assert_eq!(dial(&client, &honest).await.unwrap(), HandshakeKind::Full);
            }
            let error = dial(&client, &imposter).await.unwrap_err();
            assert!(error.to_string().contains("BadSignature"), "{error}");
        }
    }
}
