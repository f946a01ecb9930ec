//! Bridge tokens: a grant becomes a signed token ([`Minter`]), the token is read from outside
//! ([`RawToken`]), verified ([`Verifier`]) and admitted once ([`admit()`]).
//!
//! Progress is a change of type, `RawToken` → [`Verified`] → [`Admission`], and the last two are
//! consumed: a token cannot admit two sessions by mistake. Nobody else touches a JWT.

mod admit;
mod claims;
mod header;
mod inspect;
mod jws;
mod mint;
mod provider;
mod raw;
mod recall;
#[cfg(test)]
mod tests;
mod unique;
mod verify;

pub use self::{
    admit::{Admission, AdmitError, admit},
    claims::Claims,
    inspect::{Inspected, inspect, parses},
    mint::{MintError, Minted, Minter},
    provider::install,
    raw::{RawToken, RawTokenError},
    verify::{InvalidReason, Refusal, Verified, Verifier},
};
