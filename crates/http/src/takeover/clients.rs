//! Clients that showed a certificate in their TLS handshake.

use std::{sync::Arc, time::Duration};

use actix_web::HttpRequest;
use rustls::{
    CertificateError,
    pki_types::{CertificateDer, UnixTime},
};
use tollbridge_authn::Rejection;
use tollbridge_domain::Moment;
use tollbridge_stream::Line;

use super::tls::ServerTls;

/// What a connection's client showed, and who judges it. Part of what belongs to the connection:
/// no request can bring one.
pub(super) struct Client {
    chain: Vec<CertificateDer<'static>>,
    tls: Arc<ServerTls>,
}

impl Client {
    /// The client of this connection, if it showed a certificate.
    pub(super) fn of(line: &Line, tls: Option<&Arc<ServerTls>>) -> Option<Self> {
        let Line::Secure(stream) = line else {
            return None;
        };
        Some(Self {
            chain: stream.peer_certificates()?.to_vec(),
            tls: Arc::clone(tls?),
        })
    }

    /// Its certificate, if it counts at this moment. The handshake may be long ago, or may have
    /// resumed what another began: since then certificates expire, and authorities go.
    fn judged(&self, now: Moment) -> Result<&[u8], Rejection> {
        let (own, others) = self
            .chain
            .split_first()
            .ok_or(Rejection::UnknownAuthority)?;
        let since_1970 = u64::try_from(now.seconds()).unwrap_or(0);
        let now = UnixTime::since_unix_epoch(Duration::from_secs(since_1970));
        let clients = self.tls.clients();
        if !clients.offer_client_auth() {
            return Err(Rejection::UnknownAuthority);
        }
        clients
            .verify_client_cert(own, others, now)
            .map_err(reason)?;
        Ok(own)
    }
}

/// The certificate of whoever sends this request, or why it no longer counts.
pub(crate) fn certificate(req: &HttpRequest, now: Moment) -> Option<Result<&[u8], Rejection>> {
    req.conn_data::<Client>().map(|client| client.judged(now))
}

fn reason(error: rustls::Error) -> Rejection {
    match error {
        rustls::Error::InvalidCertificate(
            CertificateError::Expired | CertificateError::ExpiredContext { .. },
        ) => Rejection::Expired,
        rustls::Error::InvalidCertificate(
            CertificateError::NotValidYet | CertificateError::NotValidYetContext { .. },
        ) => Rejection::NotYet,
        _ => Rejection::UnknownAuthority,
    }
}

#[cfg(test)]
mod tests {
    use rustls::{
        RootCertStore,
        crypto::ring::sign::any_supported_type,
        pki_types::{PrivateKeyDer, pem::PemObject as _},
        sign::CertifiedKey,
    };
    use tollbridge_testkit::{Authority, Identity};

    use super::*;
    use crate::{Metrics, ServerPair};

    fn certificates(pem: &str) -> Vec<CertificateDer<'static>> {
        let all = CertificateDer::pem_slice_iter(pem.as_bytes());
        all.map(Result::unwrap).collect()
    }

    fn pair(server: &Identity, clients: Option<&Authority>) -> ServerPair {
        let key = PrivateKeyDer::from_pem_slice(server.key_pem.as_bytes()).unwrap();
        let key = any_supported_type(&key).unwrap();
        let believed = clients.map(|authority| {
            let mut roots = RootCertStore::empty();
            roots.add_parsable_certificates(certificates(&authority.pem()));
            Arc::new(roots)
        });
        let pair = CertifiedKey::new(certificates(&server.pem), key);
        ServerPair::new(Arc::new(pair), believed).unwrap()
    }

    /// However long ago the handshake was.
    #[test]
    fn a_certificate_counts_in_its_time_and_while_its_authority_does() {
        let (authority, other) = (Authority::new(), Authority::new());
        let server = authority.identity("voice.example.com");
        let metrics = Metrics::new("0").unwrap().tls;
        let tls = Arc::new(ServerTls::new(pair(&server, Some(&authority)), metrics));
        let of_2020 = authority.expired("sensor-7.example.com");
        let client = Client {
            chain: certificates(&of_2020.pem),
            tls: Arc::clone(&tls),
        };
        let [before, then, since] = [1_500_000_000, 1_590_000_000, 1_700_000_000];
        let judged = |at| client.judged(Moment::from_seconds(at)).map(<[u8]>::to_vec);
        assert_eq!(judged(before), Err(Rejection::NotYet));
        assert_eq!(judged(then), Ok(of_2020.der()));
        assert_eq!(judged(since), Err(Rejection::Expired));
        for believed in [Some(&other), None] {
            tls.replace(pair(&server, believed));
            assert_eq!(judged(then), Err(Rejection::UnknownAuthority));
        }
        tls.replace(pair(&server, Some(&authority)));
        assert_eq!(judged(then), Ok(of_2020.der()));
    }
}
