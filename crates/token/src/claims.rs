//! What a token says.

use std::num::NonZeroU32;

use serde::{Deserialize, Serialize};
use tollbridge_domain::{ClientId, Grant, Moment, Origin, Params, RouteName, Subject, TokenId};

use crate::{InvalidReason, header::present, unique::is_object_with_unique_names};

/// The claims of a token. They are only ever had from a mint or from a verified signature.
#[derive(Clone, Debug, PartialEq)]
pub struct Claims(Box<Wire>);

/// As they are written: no other member, none twice, each of exactly its type.
#[derive(Clone, Debug, Deserialize, PartialEq, Serialize)]
#[serde(deny_unknown_fields)]
struct Wire {
    iss: String,
    aud: String,
    sub: Subject,
    client_id: ClientId,
    iat: Second,
    nbf: Second,
    exp: Second,
    jti: TokenId,
    route: RouteName,
    #[serde(
        default,
        deserialize_with = "present",
        skip_serializing_if = "Option::is_none"
    )]
    uses: Option<NonZeroU32>,
    #[serde(
        default,
        deserialize_with = "present",
        skip_serializing_if = "Option::is_none"
    )]
    max_session: Option<NonZeroU32>,
    #[serde(
        default,
        deserialize_with = "present",
        skip_serializing_if = "Option::is_none"
    )]
    origin: Option<Origin>,
    #[serde(default, skip_serializing_if = "Params::is_empty")]
    params: Params,
    #[serde(
        default,
        deserialize_with = "present",
        skip_serializing_if = "Option::is_none"
    )]
    label: Option<String>,
    #[serde(
        default,
        deserialize_with = "present",
        skip_serializing_if = "Option::is_none"
    )]
    meta: Option<serde_json::Value>,
}

impl Claims {
    /// What a new token says. `None` where the grant allows nothing: no use, no time.
    pub(crate) fn of(grant: Grant, issuer: &str, jti: TokenId, now: Moment) -> Option<Self> {
        let uses = NonZeroU32::new(grant.uses)?;
        let max_session = match grant.max_session {
            Some(seconds) => Some(NonZeroU32::new(seconds)?),
            None => None,
        };
        let end = now.plus(NonZeroU32::new(grant.redeem_within)?.get().into());
        Some(Self(Box::new(Wire {
            iss: issuer.to_owned(),
            aud: issuer.to_owned(),
            sub: grant.subject,
            client_id: grant.client_id,
            iat: Second(now),
            nbf: Second(now),
            exp: Second(end),
            jti,
            route: grant.route,
            uses: (uses != SINGLE).then_some(uses),
            max_session,
            origin: grant.origin,
            params: grant.params,
            label: grant.label,
            meta: grant.metadata,
        })))
    }

    /// Reads the JSON of a token whose signature is good.
    pub(crate) fn parse(json: &[u8]) -> Result<Self, InvalidReason> {
        if !is_object_with_unique_names(json) {
            return Err(InvalidReason::Claims);
        }
        serde_json::from_slice(json)
            .map(Self)
            .ok()
            .ok_or(InvalidReason::Claims)
    }

    /// The JSON of a new token's claims.
    #[expect(clippy::expect_used, reason = "every map in them has text for keys")]
    pub(crate) fn write(&self) -> Vec<u8> {
        serde_json::to_vec(&self.0).expect("claims serialise")
    }

    /// Who minted it.
    #[must_use]
    pub fn issuer(&self) -> &str {
        &self.0.iss
    }

    /// Who may take it.
    #[must_use]
    pub fn audience(&self) -> &str {
        &self.0.aud
    }

    /// Whom it is for.
    #[must_use]
    pub const fn subject(&self) -> &Subject {
        &self.0.sub
    }

    /// Who asked for it.
    #[must_use]
    pub const fn client_id(&self) -> &ClientId {
        &self.0.client_id
    }

    /// When it was minted.
    #[must_use]
    pub const fn issued_at(&self) -> Moment {
        self.0.iat.0
    }

    /// From when it may be redeemed.
    #[must_use]
    pub const fn not_before(&self) -> Moment {
        self.0.nbf.0
    }

    /// From when it may no longer be redeemed.
    #[must_use]
    pub const fn expires_at(&self) -> Moment {
        self.0.exp.0
    }

    /// Its id: what a use is recorded under.
    #[must_use]
    pub const fn jti(&self) -> &TokenId {
        &self.0.jti
    }

    /// The upstream it is for.
    #[must_use]
    pub const fn route(&self) -> &RouteName {
        &self.0.route
    }

    /// How many sessions it may open.
    #[must_use]
    pub fn uses(&self) -> u32 {
        self.0.uses.unwrap_or(SINGLE).get()
    }

    /// Seconds a session may last, if less than the route allows.
    #[must_use]
    pub fn max_session(&self) -> Option<u32> {
        self.0.max_session.map(NonZeroU32::get)
    }

    /// The only `Origin` that may redeem it.
    #[must_use]
    pub const fn origin(&self) -> Option<&Origin> {
        self.0.origin.as_ref()
    }

    /// Values for the upstream template.
    #[must_use]
    pub const fn params(&self) -> &Params {
        &self.0.params
    }

    /// Shown in the session list and the audit log.
    #[must_use]
    pub fn label(&self) -> Option<&str> {
        self.0.label.as_deref()
    }

    /// As the label, structured.
    #[must_use]
    pub const fn metadata(&self) -> Option<&serde_json::Value> {
        self.0.meta.as_ref()
    }
}

/// A whole second from 1970 to the end of year 9999: no fraction, no sign, no text.
#[derive(Clone, Copy, Debug, Deserialize, PartialEq, Serialize)]
#[serde(try_from = "u64", into = "i64")]
struct Second(Moment);

impl From<Second> for i64 {
    fn from(second: Second) -> Self {
        second.0.seconds()
    }
}

impl TryFrom<u64> for Second {
    type Error = &'static str;

    fn try_from(seconds: u64) -> Result<Self, Self::Error> {
        i64::try_from(seconds)
            .ok()
            .filter(|seconds| *seconds <= END_OF_TIME)
            .map(|seconds| Self(Moment::from_seconds(seconds)))
            .ok_or("beyond the year 9999")
    }
}

/// The last second that RFC 3339 can write.
const END_OF_TIME: i64 = 253_402_300_799;

/// One use, which a token need not say.
const SINGLE: NonZeroU32 = NonZeroU32::MIN;
