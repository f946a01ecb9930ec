//! Who may mint.

use std::{path::PathBuf, time::Duration};

use crate::{json_pointer::JsonPointer, secret_ref::SecretRef};

/// `[callers.NAME]`
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Caller {
    /// How it shows who it is.
    pub kind: CallerKind,
    /// Tokens it may mint a minute; `None` is unlimited.
    pub mints_per_minute: Option<u32>,
}

/// `callers.NAME.type`, and the keys of that type.
#[derive(Clone, Debug, Eq, PartialEq)]
#[non_exhaustive]
pub enum CallerKind {
    /// `api_key`: `tbk_…` keys from the store.
    ApiKey,
    /// `application`: the application that mounts Tollbridge says who it is.
    Application,
    /// `jwt`: tokens that an identity provider signs.
    Jwt(JwtCaller),
    /// `subrequest`: asks an application who somebody is.
    Subrequest(SubrequestCaller),
    /// `trusted_header`: a proxy says who somebody is.
    TrustedHeader {
        /// The header, in lower case.
        header: String,
        /// The header that names their groups, in lower case.
        groups: Option<String>,
    },
    /// `introspection`: asks the issuer of an opaque token (RFC 7662).
    Introspection(IntrospectionCaller),
    /// `mtls`: a certificate of the client's, in the TLS handshake.
    Mtls(CertificateName),
}

/// Which name of a certificate says who somebody is.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum CertificateName {
    /// `san:dns`
    Dns,
    /// `san:uri`
    Uri,
    /// `cn`
    CommonName,
}

impl CertificateName {
    /// Every one.
    pub(crate) const ALL: [Self; 3] = [Self::Dns, Self::Uri, Self::CommonName];

    /// Its word in the file.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Dns => "san:dns",
            Self::Uri => "san:uri",
            Self::CommonName => "cn",
        }
    }
}

/// `type = "jwt"`. At least one of `issuer` and `jwks_url` is there.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct JwtCaller {
    /// `iss`, exactly; where keys are discovered without `jwks_url`.
    pub issuer: Option<String>,
    /// What `aud` must hold.
    pub audience: String,
    /// Where the keys are.
    pub jwks_url: Option<String>,
    /// Names of asymmetric algorithms; not empty.
    pub algorithms: Vec<String>,
    /// Path of the claim that names the bearer.
    pub subject: String,
    /// Authorities to trust besides the public ones, PEM.
    pub ca: Option<PathBuf>,
}

/// `type = "subrequest"`
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct SubrequestCaller {
    /// Who is asked.
    pub url: String,
    /// Headers that are passed on, in lower case; not empty.
    pub forward_headers: Vec<String>,
    /// Where the answer names somebody.
    pub subject: AnswerSubject,
    /// How long an answer may take.
    pub timeout: Duration,
    /// How long a yes is used again; zero: never.
    pub cache_for: Duration,
    /// Authorities to trust besides the public ones, PEM.
    pub ca: Option<PathBuf>,
}

/// Where an answer names somebody.
#[derive(Clone, Debug, Eq, PartialEq)]
pub enum AnswerSubject {
    /// `header:NAME`, in lower case.
    Header(String),
    /// `json:/POINTER`
    Json(JsonPointer),
}

/// `type = "introspection"`
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct IntrospectionCaller {
    /// Who is asked.
    pub url: String,
    /// Who asks.
    pub client_id: String,
    /// What proves it.
    pub client_secret: SecretRef,
    /// Whom tokens must be for; `None`: `client_id`.
    pub audience: Option<String>,
    /// Scopes they must have, parted by blanks.
    pub scope: Option<String>,
    /// Path of the claim that names the bearer.
    pub subject: String,
    /// How long a yes is used again; zero: never.
    pub cache_for: Duration,
    /// Authorities to trust besides the public ones, PEM.
    pub ca: Option<PathBuf>,
}

impl CallerKind {
    /// Its word in the file.
    #[must_use]
    pub const fn as_str(&self) -> &'static str {
        match self {
            Self::ApiKey => "api_key",
            Self::Application => "application",
            Self::Jwt(_) => "jwt",
            Self::Subrequest(_) => "subrequest",
            Self::TrustedHeader { .. } => "trusted_header",
            Self::Introspection(_) => "introspection",
            Self::Mtls(_) => "mtls",
        }
    }

    /// Authorities that whoever is asked may prove itself by.
    #[must_use]
    pub const fn ca(&self) -> Option<&PathBuf> {
        match self {
            Self::Jwt(caller) => caller.ca.as_ref(),
            Self::Subrequest(caller) => caller.ca.as_ref(),
            Self::Introspection(caller) => caller.ca.as_ref(),
            _ => None,
        }
    }

    /// Whether somebody who comes this way may have a claim of this name. What an issuer or an
    /// application says of them is not known beforehand.
    #[must_use]
    pub fn may_claim(&self, name: &str) -> bool {
        match self {
            Self::ApiKey => false,
            Self::Application | Self::Jwt(_) | Self::Introspection(_) => true,
            Self::Subrequest(asks) => matches!(asks.subject, AnswerSubject::Json(_)),
            Self::TrustedHeader { groups, .. } => groups.is_some() && name == GROUPS,
            Self::Mtls(_) => CERTIFIED.contains(&name),
        }
    }

    /// All secrets of this caller.
    pub fn secrets(&self) -> impl Iterator<Item = &SecretRef> {
        match self {
            Self::Introspection(caller) => Some(&caller.client_secret),
            _ => None,
        }
        .into_iter()
    }
}

/// The one claim of who comes with a trusted header.
const GROUPS: &str = "groups";

/// The claims that a certificate makes.
const CERTIFIED: &[&str] = &["san_dns", "san_uri", "cn", "serial"];
