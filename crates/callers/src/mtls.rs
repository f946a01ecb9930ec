//! Clients that show a certificate when they connect.

use async_trait::async_trait;
use tollbridge_authn::{Authenticator, Caller, Evidence, Rejection, Verdict};
use tollbridge_domain::{CallerName, Moment, Subject};
use url::Url;

use crate::{certificate::Names, subject};

/// The caller type `mtls`: a certificate, shown in the TLS handshake of our own listener. That its
/// holder has the key, and that an authority of ours vouches for it now, was judged there; here is
/// whom it names. No header is read.
pub struct Mtls {
    /// Its name in the configuration.
    pub name: CallerName,
    /// Which of the certificate's names is the subject.
    pub subject: CertificateName,
}

/// Which of a certificate's names is the subject. There must be one of the kind, and no second.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum CertificateName {
    /// `san:dns`: a host name, which counts in lower case, and no wildcard.
    Dns,
    /// `san:uri`: one with a scheme, as SPIFFE has it.
    Uri,
    /// `cn`: the common name.
    CommonName,
}

#[async_trait(?Send)]
impl Authenticator for Mtls {
    fn name(&self) -> &CallerName {
        &self.name
    }

    async fn authenticate(&self, evidence: &Evidence<'_>, _now: Moment) -> Verdict {
        self.judge(evidence).into()
    }
}

impl Mtls {
    fn judge(&self, evidence: &Evidence<'_>) -> Result<Option<Caller>, Rejection> {
        let Some(shown) = evidence.certificate else {
            return Ok(None);
        };
        let names = Names::read(shown?)?;
        let subject = self.subject.of(&names)?;
        let claims = names.into_claims();
        Ok(Some(subject::caller(&self.name, subject, Some(claims))))
    }
}

impl CertificateName {
    /// A certificate with several names is good for several hosts, and for nobody in particular.
    fn of(self, names: &Names) -> Result<Subject, Rejection> {
        let (found, can_be) = match self {
            Self::Dns => (&names.dns, is_host as fn(&str) -> bool),
            Self::Uri => (&names.uris, is_uri as _),
            Self::CommonName => (&names.common, is_trimmed as _),
        };
        match found.as_slice() {
            [] => Err(Rejection::Nameless),
            [name] if can_be(name) => Subject::parse(name).map_err(|_not_one| Rejection::NoSubject),
            [_] => Err(Rejection::NoSubject),
            _ => Err(Rejection::Ambiguous),
        }
    }
}

fn is_host(name: &str) -> bool {
    let is_label = |label: &str| {
        let plain = |byte: u8| byte.is_ascii_alphanumeric() || b"-_".contains(&byte);
        !label.is_empty() && label.bytes().all(plain)
    };
    name.split('.').all(is_label)
}

fn is_uri(name: &str) -> bool {
    name.bytes().all(|byte| byte.is_ascii_graphic()) && Url::parse(name).is_ok()
}

/// In a list, a name with blanks around it looks like another one.
fn is_trimmed(name: &str) -> bool {
    name.trim() == name
}
