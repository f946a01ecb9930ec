//! Names that a trusted proxy writes.

use async_trait::async_trait;
use ipnet::IpNet;
use serde_json::Map;
use tollbridge_authn::{Authenticator, Caller, Claims, Evidence, Rejection, Verdict};
use tollbridge_domain::{CallerName, Moment};

use crate::subject;

/// The caller type `trusted_header`: a proxy has found out who it is, and says so in a header.
///
/// Believed is the peer of our own socket alone. From anybody else the header is refused and not
/// passed over: whoever sends it wants to be taken for somebody. A proxy must replace the header
/// whatever its client sent; one that appends its own shows as two, and two are refused. So it is
/// with the header that names their groups.
pub struct TrustedHeader {
    /// Its name in the configuration.
    pub name: CallerName,
    /// The header, in lower case.
    pub header: String,
    /// The header in which the proxy names their groups, in lower case: the claim `groups`.
    pub groups: Option<String>,
    /// Who may say it; empty: nobody.
    pub proxies: Vec<IpNet>,
}

#[async_trait(?Send)]
impl Authenticator for TrustedHeader {
    fn name(&self) -> &CallerName {
        &self.name
    }

    async fn authenticate(&self, evidence: &Evidence<'_>, _now: Moment) -> Verdict {
        self.judge(evidence).into()
    }
}

impl TrustedHeader {
    fn judge(&self, evidence: &Evidence<'_>) -> Result<Option<Caller>, Rejection> {
        let Some(value) = evidence.single(&self.header)? else {
            return Ok(None);
        };
        let socket = evidence.socket.to_canonical();
        if !self.proxies.iter().any(|block| block.contains(&socket)) {
            return Err(Rejection::UntrustedPeer);
        }
        let subject = subject::of_bytes(value)?;
        let claims = self.claims(evidence)?;
        Ok(Some(subject::caller(&self.name, subject, claims)))
    }

    /// Groups, parted by commas. Without the header somebody is of none.
    fn claims(&self, evidence: &Evidence<'_>) -> Result<Option<Claims>, Rejection> {
        let Some(header) = &self.groups else {
            return Ok(None);
        };
        let value = evidence.single(header)?.unwrap_or_default();
        let text = str::from_utf8(value).map_err(|_not_text| Rejection::Malformed)?;
        let groups = text.split(',').map(str::trim);
        let groups: Vec<&str> = groups.filter(|group| !group.is_empty()).collect();
        let members = Map::from_iter([("groups".to_owned(), groups.into())]);
        Ok(Some(Claims::new(members)))
    }
}
