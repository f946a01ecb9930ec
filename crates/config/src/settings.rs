//! The settings, parsed. What each key means is in the table of `schema`.

use std::{collections::BTreeMap, fmt, net::SocketAddr, path::PathBuf, time::Duration};

use ipnet::IpNet;
use tollbridge_domain::{CallerName, Origin, RouteName};

use crate::{secret_ref::SecretRef, url_template::UrlTemplate};

mod allow;
mod callers;
mod carriers;
mod credentials;
mod hook;
mod limits;

pub use self::{
    allow::Rule,
    callers::{
        AnswerSubject, Caller, CallerKind, CertificateName, IntrospectionCaller, JwtCaller,
        SubrequestCaller,
    },
    carriers::{Carriers, MessageCarrier},
    credentials::{Credentials, Fetch, Sign, Yields},
    hook::Hook,
    limits::{IdleCounts, Limits},
};

/// Everything that can be set, checked and complete.
#[derive(Clone, Debug)]
pub struct Settings {
    /// `[server]`
    pub server: Server,
    /// `[admin]`
    pub admin: Admin,
    /// `[store]`
    pub store: Store,
    /// `[coordination]`
    pub coordination: Coordination,
    /// `[keys]`
    pub keys: Keys,
    /// `[tokens]`
    pub tokens: Tokens,
    /// `[log]`
    pub log: Log,
    /// `allow_inline_secrets`
    pub allow_inline_secrets: bool,
    /// `[callers.NAME]`
    pub callers: BTreeMap<CallerName, Caller>,
    /// `[routes.NAME]`
    pub routes: BTreeMap<RouteName, Route>,
}

/// `[server]`
#[derive(Clone, Debug)]
pub struct Server {
    /// Address of the public listener.
    pub listen: SocketAddr,
    /// `http` or `https`, without a slash at the end; `None`: `http://`, or `https://` with `tls`,
    /// and the bound address.
    pub public_url: Option<String>,
    /// Worker threads.
    pub workers: usize,
    /// Peers whose `forwarded_header` is believed.
    pub trusted_proxies: Vec<IpNet>,
    /// In lower case.
    pub forwarded_header: String,
    /// Sessions open at once on this node.
    pub max_sessions: usize,
    /// Time over which live sessions are ended on shutdown.
    pub drain_window: Duration,
    /// Time for a complete request head.
    pub handshake_timeout: Duration,
    /// Longest body that the mint reads, in bytes.
    pub max_body: u64,
    /// What the public listener proves itself with; `None`: it speaks plain HTTP.
    pub tls: Option<Tls>,
}

/// `[server.tls]`
#[derive(Clone, Debug)]
pub struct Tls {
    /// Where the certificate and its chain are.
    pub cert: SecretRef,
    /// Where its private key is.
    pub key: SecretRef,
    /// Where the authorities are that vouch for clients; `None`: clients show no certificate.
    pub client_ca: Option<SecretRef>,
}

impl Tls {
    /// All of its files, in this order: certificate, key, authorities.
    #[must_use]
    pub fn references(&self) -> [Option<&SecretRef>; 3] {
        [Some(&self.cert), Some(&self.key), self.client_ca.as_ref()]
    }
}

/// `[admin]`
#[derive(Clone, Debug)]
pub struct Admin {
    /// Address of the admin listener.
    pub listen: SocketAddr,
}

/// `[store]`
#[derive(Clone, Debug)]
pub struct Store {
    /// `sqlite:` and an absolute path.
    pub url: String,
}

/// `[coordination]`
#[derive(Clone, Debug)]
pub struct Coordination {
    /// `memory:`
    pub url: String,
}

/// `[keys]`
#[derive(Clone, Debug)]
pub struct Keys {
    /// Of keys made from now on.
    pub algorithm: Algorithm,
    /// How long a key signs; `None`: until somebody rotates.
    pub rotate_every: Option<Duration>,
    /// How long a new key is published before it signs.
    pub publish_before_use: Duration,
    /// Seals private keys; never inline.
    pub master_key: SecretRef,
}

/// Signature algorithm.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Algorithm {
    /// Ed25519
    EdDSA,
    /// ECDSA with P-256 and SHA-256
    ES256,
}

/// `[tokens]`
#[derive(Clone, Debug)]
pub struct Tokens {
    /// `iss` and `aud`; `None`: the public URL.
    pub issuer: Option<String>,
    /// Where the mint request does not say; whole seconds.
    pub redeem_within: Duration,
    /// What a mint request may ask for at most; whole seconds.
    pub max_redeem_within: Duration,
}

/// `[log]`
#[derive(Clone, Debug)]
pub struct Log {
    /// How lines look.
    pub format: LogFormat,
    /// A level, or several by target, separated by commas.
    pub level: String,
}

/// How log lines look.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum LogFormat {
    /// Pretty on a terminal, JSON off it.
    Auto,
    /// One object a line.
    Json,
    /// For people.
    Pretty,
}

/// `[routes.NAME]`
#[derive(Clone, Debug)]
pub struct Route {
    /// Where to dial.
    pub upstream: UrlTemplate,
    /// The preset that filled its blanks.
    pub preset: Option<String>,
    /// Further literal paths of this route.
    pub paths: Vec<String>,
    /// Hosts at which those paths lead here, in lower case; empty: any.
    pub hosts: Vec<String>,
    /// Stands in front of every token of this route; often nothing.
    pub token_prefix: String,
    /// Pages that may connect.
    pub origins: Origins,
    /// Who may mint for it; each is configured.
    pub callers: Vec<CallerName>,
    /// Most sessions a token may open.
    pub max_uses: u32,
    /// Client query parameters that pass, decoded.
    pub query_allow: Vec<String>,
    /// Client headers that pass, in lower case.
    pub header_allow: Vec<String>,
    /// Blanks of `upstream` that mint requests fill.
    pub params: BTreeMap<String, Param>,
    /// Where tokens travel.
    pub carriers: Carriers,
    /// Refuse requests without `Origin`.
    pub require_origin: bool,
    /// How holders of genuine tokens are refused.
    pub refuse: Refuse,
    /// Whether permessage-deflate may be negotiated.
    pub compression: Compression,
    /// Upstream handshake headers that are logged and returned, in lower case.
    pub keep_response_headers: Vec<String>,
    /// Subprotocols that clients may offer; `None` is any.
    pub subprotocols: Option<Vec<String>>,
    /// PEM file of further authorities to trust for this upstream.
    pub ca: Option<PathBuf>,
    /// What the upstream wants to see.
    pub credentials: Credentials,
    /// Who is asked before each session.
    pub hook: Option<Hook>,
    /// What sessions may take.
    pub limits: Limits,
    /// Who of `callers` may mint; empty: every one.
    pub allow: Vec<Rule>,
}

/// `routes.NAME.origins`
#[derive(Clone, Debug, Eq, PartialEq)]
pub enum Origins {
    /// `["*"]`
    Any,
    /// Exactly these.
    List(Vec<Origin>),
}

/// `routes.NAME.params.PARAM`: exactly one of `allow` and `pattern` is set.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Param {
    /// Where the mint request gives none; itself allowed.
    pub default: Option<String>,
    /// The values there are.
    pub allow: Option<Vec<String>>,
    /// A regular expression that compiles, anchored at both ends.
    pub pattern: Option<String>,
}

/// `routes.NAME.refuse`
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Refuse {
    /// By close code where there is an `Origin`, else by HTTP status.
    Auto,
    /// By HTTP status.
    Http,
    /// By close code.
    Close,
}

/// `routes.NAME.compression`
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Compression {
    /// Offer and answer pass.
    Pass,
    /// The offer is taken out.
    Refuse,
}

/// Gives each variant its word in the file, both ways.
macro_rules! words {
    ($($name:ident { $($variant:ident = $word:literal),* $(,)? })*) => {$(
        impl $name {
            pub(crate) fn parse(word: &str) -> Result<Self, String> {
                match word {
                    $($word => Ok(Self::$variant),)*
                    _ => Err("unknown word".to_owned()),
                }
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str(match self { $(Self::$variant => $word,)* })
            }
        }
    )*};
}

words! {
    Algorithm { EdDSA = "EdDSA", ES256 = "ES256" }
    LogFormat { Auto = "auto", Json = "json", Pretty = "pretty" }
    Refuse { Auto = "auto", Http = "http", Close = "close" }
    Compression { Pass = "pass", Refuse = "refuse" }
    IdleCounts { Data = "data", Control = "control" }
}
