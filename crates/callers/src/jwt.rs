//! Tokens that an identity provider signs.

use std::sync::Arc;

use async_trait::async_trait;
use serde_json::Value;
use tollbridge_authn::{Authenticator, Caller, Claims, Evidence, Rejection, Verdict, Watcher};
use tollbridge_domain::{CallerName, Clock, Moment};
use tollbridge_outbound::{Tls, Unavailable};

use crate::{
    address::{Address, AddressError},
    algorithm::Algorithm,
    discovery::Published,
    jws::{self, Unverified},
    key_set::{Choice, KeySet},
    keys::Keys,
    subject::{self, SubjectFrom},
};

/// How far the issuer's clock may be off, in seconds, on `exp`, `nbf` and `iat`.
const LEEWAY: i64 = 60;

/// The caller type `jwt`: `Authorization: Bearer eyJ…`, signed by an issuer that publishes its keys.
///
/// Verified are the signature, by a key of this issuer alone; `alg` against the list and the key;
/// `typ`; `iss` where an issuer is configured; `aud`; `exp`, which must be there; `nbf` and `iat`
/// where they are. What claims say is believed only afterwards, and no address is ever made of one.
pub struct Jwt {
    options: JwtOptions,
    keys: Keys,
}

/// What makes a token good.
#[derive(Clone, Debug)]
pub struct JwtOptions {
    /// Its name in the configuration.
    pub name: CallerName,
    /// `iss`, exactly. Without it, any: then who signs is enough.
    pub issuer: Option<String>,
    /// What `aud` must be, or hold.
    pub audience: String,
    /// What it may be signed with.
    pub algorithms: Vec<Algorithm>,
    /// Who its bearer is.
    pub subject: SubjectFrom,
}

/// Where the keys are.
#[derive(Clone, Debug)]
pub enum KeysAt {
    /// At this address.
    Url(Address),
    /// Where the discovery document of this issuer says, which lies at a fixed place below it
    /// (OpenID Connect Discovery 1.0, 4).
    Issuer(String),
}

impl Jwt {
    /// Nothing is fetched before it is needed.
    ///
    /// # Errors
    /// Where the issuer is no address that may be asked.
    pub fn new(
        options: JwtOptions,
        keys_at: KeysAt,
        tls: Tls,
        clock: Arc<dyn Clock>,
    ) -> Result<Self, AddressError> {
        let published = match keys_at {
            KeysAt::Url(address) => Published::At(address),
            KeysAt::Issuer(issuer) => {
                let base = issuer.trim_end_matches('/');
                let document = format!("{base}/.well-known/openid-configuration");
                Published::Discovered {
                    document: Address::parse(&document)?,
                    issuer,
                }
            }
        };
        let keys = Keys::new(options.name.clone(), published, tls, clock);
        Ok(Self { options, keys })
    }

    async fn judge(&self, token: &[u8], now: Moment) -> Result<Caller, No> {
        let token = Unverified::parse(token, &self.options.algorithms)?;
        // Somebody else's token is not worth a fetch.
        let issuer = self.options.issuer.as_deref();
        if issuer.is_some() && token.says_issuer() != issuer {
            return Err(Rejection::WrongIssuer.into());
        }
        let keys = self.keys.known().await?;
        let keys = match choose(&keys, &token) {
            Choice::None => self.keys.newer_than(&keys).await?,
            Choice::One(_) | Choice::Several => keys,
        };
        let key = match choose(&keys, &token) {
            Choice::One(key) => key,
            Choice::None | Choice::Several => return Err(Rejection::UnknownKey.into()),
        };
        let claims = token.verified(key)?;
        self.check(&claims, now)?;
        let subject = self.options.subject.in_claims(&claims)?;
        Ok(subject::caller(&self.options.name, subject, Some(claims)))
    }

    fn check(&self, claims: &Claims, now: Moment) -> Result<(), Rejection> {
        check_times(claims, now)?;
        let audience = claims.members().get("aud");
        if !holds(audience, &self.options.audience) {
            return Err(Rejection::WrongAudience);
        }
        // A logout token (OpenID Connect Back-Channel Logout 1.0, 2.4) shows nobody to be anybody.
        if claims.members().contains_key("events") {
            return Err(Rejection::WrongType);
        }
        Ok(())
    }
}

#[async_trait(?Send)]
impl Authenticator for Jwt {
    fn name(&self) -> &CallerName {
        &self.options.name
    }

    async fn authenticate(&self, evidence: &Evidence<'_>, now: Moment) -> Verdict {
        let token = match evidence.bearer() {
            Ok(token) => token.filter(|token| jws::is_one(token)),
            Err(rejection) => return Verdict::Rejected(rejection),
        };
        let Some(token) = token else {
            return Verdict::Absent;
        };
        match self.judge(token, now).await {
            Ok(caller) => caller.into(),
            Err(no) => no.into(),
        }
    }

    fn judges_tokens(&self) -> bool {
        true
    }

    fn watch(&self, watcher: &Watcher) {
        self.keys.watch(watcher);
    }
}

/// Why there is no caller.
pub(crate) enum No {
    Rejected(Rejection),
    Unavailable(Unavailable),
}

impl From<No> for Verdict {
    fn from(no: No) -> Self {
        match no {
            No::Rejected(rejection) => Self::Rejected(rejection),
            No::Unavailable(Unavailable(retry_after)) => Self::Unavailable { retry_after },
        }
    }
}

impl From<Rejection> for No {
    fn from(rejection: Rejection) -> Self {
        Self::Rejected(rejection)
    }
}

impl From<Unavailable> for No {
    fn from(unavailable: Unavailable) -> Self {
        Self::Unavailable(unavailable)
    }
}

/// Whether `aud` is this audience or a list with it (RFC 7519, 4.1.3).
pub(crate) fn holds(said: Option<&Value>, audience: &str) -> bool {
    match said {
        Some(Value::String(one)) => one == audience,
        Some(Value::Array(several)) => several.iter().any(|one| one == audience),
        _ => false,
    }
}

fn choose<'a>(keys: &'a KeySet, token: &Unverified<'_>) -> Choice<'a> {
    keys.choose(token.kid.as_deref(), token.algorithm)
}

fn check_times(claims: &Claims, now: Moment) -> Result<(), Rejection> {
    let expires = time(claims, "exp")?.ok_or(Rejection::Claim)?;
    if now >= expires.plus(LEEWAY) {
        return Err(Rejection::Expired);
    }
    for name in ["nbf", "iat"] {
        if time(claims, name)?.is_some_and(|begins| begins > now.plus(LEEWAY)) {
            return Err(Rejection::NotYet);
        }
    }
    Ok(())
}

/// A `NumericDate` (RFC 7519, 2), if there is one.
pub(crate) fn time(claims: &Claims, name: &str) -> Result<Option<Moment>, Rejection> {
    let Some(said) = claims.members().get(name) else {
        return Ok(None);
    };
    // What is behind the point does not matter, and what is too large is the end of time.
    let seconds = said.as_i64().or_else(|| said.as_f64().map(|it| it as i64));
    let seconds = seconds.ok_or(Rejection::Claim)?;
    Ok(Some(Moment::from_seconds(seconds)))
}
