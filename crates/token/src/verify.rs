//! What a token is worth: every check, in one place.

use std::sync::Arc;

use tollbridge_domain::{KeyId, Moment, Slug};
use tollbridge_keyring::{Keyring, VerifyingKey};

use crate::{
    Claims, RawToken,
    header::{Header, TYP},
    jws::Compact,
    provider,
    recall::Recall,
};

/// Why a text is not a token of ours. For the log only: to strangers all of them are one.
#[derive(Clone, Copy, Debug, Eq, Hash, PartialEq, thiserror::Error)]
#[error("{}", self.as_str())]
#[non_exhaustive]
pub enum InvalidReason {
    /// The algorithm is not one of ours, or not the key's.
    Algorithm,
    /// For somebody else.
    Audience,
    /// Claims missing, unknown, duplicated or of a wrong type.
    Claims,
    /// Not unpadded, canonical base64url.
    Encoding,
    /// A header member unknown, duplicated or of a wrong type.
    Header,
    /// From somebody else.
    Issuer,
    /// Lives longer than we let tokens live.
    Life,
    /// Not three parts.
    NotCompact,
    /// The key did not make this signature.
    Signature,
    /// Another kind of JWT.
    Type,
    /// No such key, or one that no longer verifies.
    UnknownKey,
}

impl InvalidReason {
    /// A name for logs and metrics.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Algorithm => "algorithm",
            Self::Audience => "audience",
            Self::Claims => "claims",
            Self::Encoding => "encoding",
            Self::Header => "header",
            Self::Issuer => "issuer",
            Self::Life => "life",
            Self::NotCompact => "not_compact",
            Self::Signature => "signature",
            Self::Type => "type",
            Self::UnknownKey => "unknown_key",
        }
    }
}

/// Why a token is refused.
#[derive(Clone, Debug, PartialEq, thiserror::Error)]
pub enum Refusal {
    /// Ours, and too late.
    #[error("the token has expired")]
    Expired(Claims),
    /// Not ours.
    #[error("the token is not valid: {0}")]
    Invalid(#[from] InvalidReason),
    /// Ours, and too early.
    #[error("the token is not valid yet")]
    NotYetValid(Claims),
}

impl Refusal {
    /// What the bearer is told.
    #[must_use]
    pub const fn slug(&self) -> Slug {
        match self {
            Self::Expired(_) => Slug::TokenExpired,
            Self::Invalid(_) => Slug::TokenInvalid,
            Self::NotYetValid(_) => Slug::TokenNotYetValid,
        }
    }

    /// The claims, where the signature was good: its bearer is no stranger.
    #[must_use]
    pub const fn genuine(&self) -> Option<&Claims> {
        match self {
            Self::Expired(claims) | Self::NotYetValid(claims) => Some(claims),
            Self::Invalid(_) => None,
        }
    }
}

/// A token of ours, at the right time. Not yet admitted: it may have been used.
#[derive(Debug)]
pub struct Verified {
    claims: Claims,
    kid: KeyId,
}

impl Verified {
    /// What it says.
    #[must_use]
    pub const fn claims(&self) -> &Claims {
        &self.claims
    }

    /// The key that signed it.
    #[must_use]
    pub const fn kid(&self) -> &KeyId {
        &self.kid
    }

    pub(crate) fn into_parts(self) -> (Claims, KeyId) {
        (self.claims, self.kid)
    }
}

/// Judges tokens.
pub struct Verifier {
    keyring: Arc<Keyring>,
    issuer: String,
    epoch: Moment,
    max_life: u32,
    recall: Option<Arc<Recall>>,
}

impl Verifier {
    /// Takes tokens of `issuer` that were minted after `epoch` (the second in which this server
    /// started, which may have forgotten what was used before) and live at most `max_life`
    /// seconds.
    #[must_use]
    pub fn new(keyring: Arc<Keyring>, issuer: String, epoch: Moment, max_life: u32) -> Self {
        provider::install();
        Self {
            keyring,
            issuer,
            epoch,
            max_life,
            recall: None,
        }
    }

    /// Asks no proof of who signed what is in there.
    pub(crate) fn recalling(self, recall: Arc<Recall>) -> Self {
        Self {
            recall: Some(recall),
            ..self
        }
    }

    /// Verifies a token at this second. The checks are these lines, in this order: nothing of a
    /// token is believed before its signature, and `kid` only ever picks among our own keys.
    ///
    /// # Errors
    /// See [`Refusal`].
    pub async fn verify(&self, raw: &RawToken, now: Moment) -> Result<Verified, Refusal> {
        use InvalidReason as Bad;

        let token = Compact::split(raw.reveal_for_verification())?;
        let header = Header::parse(&token.header)?;
        ensure(header.typ.as_deref() == Some(TYP), Bad::Type)?;
        let kid = header.kid.ok_or(Bad::UnknownKey)?;
        let key = self.keyring.verifier(&kid).await.ok_or(Bad::UnknownKey)?;
        ensure(header.alg == key.algorithm(), Bad::Algorithm)?;
        let ours = self.recalls(raw) || signed_by(&key, &token);
        ensure(ours, Bad::Signature)?;
        let claims = Claims::parse(&token.claims)?;
        ensure(claims.issuer() == self.issuer, Bad::Issuer)?;
        ensure(claims.audience() == self.issuer, Bad::Audience)?;
        ensure(self.lives_shortly(&claims), Bad::Life)?;
        let soon = now.plus(AHEAD);
        if claims.not_before() > soon || claims.issued_at() > soon {
            return Err(Refusal::NotYetValid(claims));
        }
        if claims.is_over(now) || claims.issued_at() <= self.epoch {
            return Err(Refusal::Expired(claims));
        }
        Ok(Verified { claims, kid })
    }

    fn recalls(&self, raw: &RawToken) -> bool {
        let text = raw.reveal_for_verification();
        self.recall
            .as_ref()
            .is_some_and(|recall| recall.knows(text))
    }

    fn lives_shortly(&self, claims: &Claims) -> bool {
        let life = claims.expires_at().since(claims.issued_at());
        (1..=i64::from(self.max_life)).contains(&life)
    }
}

impl Claims {
    /// Whether the token may open a session no more, the leeway over.
    #[must_use]
    pub const fn is_over(&self, now: Moment) -> bool {
        now.seconds() >= self.expires_at().plus(LEEWAY).seconds()
    }
}

fn signed_by(key: &VerifyingKey, token: &Compact<'_>) -> bool {
    provider::verifies(key, token.message, token.signature)
}

const fn ensure(holds: bool, reason: InvalidReason) -> Result<(), InvalidReason> {
    if holds { Ok(()) } else { Err(reason) }
}

/// Seconds for which `exp` is forgiven: the way from the mint to the bearer and back.
const LEEWAY: i64 = 2;

/// Seconds that the minting node's clock may be ahead of ours; more and it is not ready.
const AHEAD: i64 = 5;
