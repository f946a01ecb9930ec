//! The public listener's certificate, and who vouches for its clients: in force, and read again when
//! the files change. What cannot be served changes nothing: the old one stays. Sessions that are
//! open are never touched.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use rustls_pki_types::TrustAnchor;
use tollbridge_config::{
    Certificate, CertificateError, CertifiedKey, RootCertStore, SecretRef, Settings, Tls,
};
use tollbridge_domain::{Clock, Moment};
use tollbridge_http::{Metrics, ServerPair, ServerTls, TlsMetrics};
use tollbridge_node::{Version, version};

use crate::failure::Failure;

/// What is served, and the files that it comes from.
pub(crate) struct Presented {
    tls: Arc<ServerTls>,
    metrics: TlsMetrics,
    clock: Arc<dyn Clock>,
    files: Mutex<Files>,
}

/// Where it is written, and what was there when somebody looked.
struct Files {
    written: Tls,
    served: Arc<CertifiedKey>,
    believed: Option<Arc<RootCertStore>>,
    /// When they were read.
    read: Versions,
    /// When they were last looked at.
    seen: Versions,
}

/// Of each file; `None` where it is no file, or the file is not there.
type Versions = [Option<Version>; 3];

/// A pair that was read and can be served.
pub(crate) struct Fresh {
    written: Tls,
    versions: Versions,
    pair: ServerPair,
    certificate: Certificate,
}

/// Why the pair cannot be served.
#[derive(Debug, thiserror::Error)]
pub(crate) enum FreshError {
    #[error("{}", join(.0))]
    Unusable(Vec<CertificateError>),
    #[error("server.tls: {0}")]
    Unserved(String),
}

impl Fresh {
    /// Reads what is written there.
    ///
    /// # Errors
    /// Everything that is wrong with it.
    pub(crate) fn read(written: &Tls) -> Result<Self, FreshError> {
        // What changes after this look is found by the next.
        let versions = versions(written);
        let certificate = written.read().map_err(FreshError::Unusable)?;
        let served = Arc::clone(&certificate.pair);
        let pair = ServerPair::new(served, certificate.authorities.clone())
            .map_err(|error| FreshError::Unserved(tollbridge_http::chain(&error)))?;
        Ok(Self {
            written: written.clone(),
            versions,
            pair,
            certificate,
        })
    }
}

impl Presented {
    /// The certificate of the public listener, where that is to speak TLS.
    ///
    /// # Errors
    /// Where there should be one and it cannot be served.
    pub(crate) fn where_written(
        settings: &Settings,
        metrics: &Metrics,
        clock: &Arc<dyn Clock>,
    ) -> Result<Option<Arc<Self>>, Failure> {
        let Some(written) = &settings.server.tls else {
            return Ok(None);
        };
        let begun = Self::begin(written, metrics.tls.clone(), Arc::clone(clock))?;
        Ok(Some(Arc::new(begun)))
    }

    fn begin(written: &Tls, metrics: TlsMetrics, clock: Arc<dyn Clock>) -> Result<Self, Failure> {
        let fresh =
            Fresh::read(written).map_err(|error| Failure::Configuration(error.to_string()))?;
        metrics.serves(fresh.certificate.not_after);
        warn_of_time(&fresh.certificate, clock.now());
        Ok(Self {
            tls: Arc::new(ServerTls::new(fresh.pair, metrics.clone())),
            metrics,
            clock,
            files: Mutex::new(Files {
                served: fresh.certificate.pair,
                believed: fresh.certificate.authorities,
                written: fresh.written,
                read: fresh.versions,
                seen: fresh.versions,
            }),
        })
    }

    /// What the listener serves, whatever that is at the time.
    pub(crate) fn tls(&self) -> Arc<ServerTls> {
        Arc::clone(&self.tls)
    }

    /// Serves this pair from now on, and watches its files.
    pub(crate) fn serve(&self, fresh: Fresh) {
        let mut files = self.lock();
        self.put_in_force(&mut files, fresh);
    }

    /// Looks at the files. What has changed and then stayed the same from one look to the next is
    /// read: between the two files of a renewal there is a moment.
    pub(crate) fn look(&self) {
        let mut files = self.lock();
        let now = versions(&files.written);
        let has_settled = now == files.seen;
        files.seen = now;
        if now == files.read || !has_settled {
            return;
        }
        match Fresh::read(&files.written) {
            Ok(fresh) => {
                self.put_in_force(&mut files, fresh);
            }
            Err(error) => {
                files.read = now;
                self.metrics.stays();
                tracing::error!(
                    event = "certificate.reload_failed",
                    reason = %error,
                    "the new certificate cannot be served; the old one stays"
                );
            }
        }
    }

    fn put_in_force(&self, files: &mut Files, fresh: Fresh) {
        let certificate = fresh.certificate;
        files.written = fresh.written;
        files.read = fresh.versions;
        files.seen = fresh.versions;
        self.metrics.serves(certificate.not_after);
        // The same certificate has the same key: clients may go on resuming what it began.
        let believes_the_same = roots(&certificate.authorities) == roots(&files.believed);
        if certificate.pair.cert == files.served.cert && believes_the_same {
            return;
        }
        warn_of_time(&certificate, self.clock.now());
        files.served = Arc::clone(&certificate.pair);
        files.believed.clone_from(&certificate.authorities);
        self.tls.replace(fresh.pair);
        tracing::info!(
            event = "certificate.reloaded",
            not_after = %certificate.not_after,
            authorities = roots(&certificate.authorities).len(),
            "the certificate was read again"
        );
    }

    fn lock(&self) -> MutexGuard<'_, Files> {
        self.files.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

fn versions(written: &Tls) -> Versions {
    let file = |reference: Option<&SecretRef>| version(reference?.file()?);
    written.references().map(file)
}

/// Who vouches for clients.
fn roots(authorities: &Option<Arc<RootCertStore>>) -> &[TrustAnchor<'static>] {
    authorities.as_ref().map_or(&[], |believed| &believed.roots)
}

fn warn_of_time(certificate: &Certificate, now: Moment) {
    if let Some(reason) = certificate.untimely(now) {
        tracing::warn!(
            event = "certificate.untimely",
            reason,
            "clients will not take the certificate"
        );
    }
}

fn join(errors: &[CertificateError]) -> String {
    let named = errors.iter().map(|error| {
        let key = error.file.key();
        format!("server.tls.{key}: {error}")
    });
    named.collect::<Vec<_>>().join("; ")
}
