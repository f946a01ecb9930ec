//! A verified token opens one session.

use tollbridge_domain::KeyId;
use tollbridge_store::{Consumed, GiveBack, StoreError, UsedTokens};

use crate::{Claims, Verified};

/// Why a verified token does not open a session.
#[derive(Debug, thiserror::Error)]
pub enum AdmitError {
    /// Whether it was used cannot be known: refuse, never guess.
    #[error("the use of the token could not be recorded")]
    Store(#[from] StoreError),
    /// Every use is spent.
    #[error("every use of the token is spent")]
    Used(Claims),
}

/// The right to open one session, taken from the uses of a token.
#[derive(Debug)]
pub struct Admission {
    claims: Claims,
    kid: KeyId,
}

/// Takes one use of the token, recorded under its signed `jti`: a token has more than one
/// spelling that verifies.
///
/// # Errors
/// See [`AdmitError`].
pub async fn admit(verified: Verified, used: &dyn UsedTokens) -> Result<Admission, AdmitError> {
    let (claims, kid) = verified.into_parts();
    let forget_at = claims.expires_at().plus(REMEMBER);
    let consumed = used.consume(claims.jti(), claims.uses(), forget_at).await?;
    match consumed {
        Consumed::Taken => Ok(Admission { claims, kid }),
        Consumed::Spent => Err(AdmitError::Used(claims)),
    }
}

impl Admission {
    /// What the token says.
    #[must_use]
    pub const fn claims(&self) -> &Claims {
        &self.claims
    }

    /// The key that signed it.
    #[must_use]
    pub const fn kid(&self) -> &KeyId {
        &self.kid
    }

    /// Gives the use back. Only for a session that never reached its upstream: no byte of the
    /// handshake request was sent.
    ///
    /// # Errors
    /// The store's; the use stays spent.
    pub async fn give_back(self, used: &dyn UsedTokens) -> Result<GiveBack, StoreError> {
        used.give_back(self.claims.jti()).await
    }
}

/// Seconds for which a use is remembered after `exp`: far beyond the leeway and what clocks may
/// differ, or the cleaner would reopen a window for replay.
const REMEMBER: i64 = 60;
