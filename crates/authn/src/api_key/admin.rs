//! API keys at the admin API.

use tollbridge_domain::Moment;
use tollbridge_store::Scope;

use super::{ApiKeys, presented};
use crate::{Evidence, Rejection};

/// Somebody who was let in at the admin API.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct AdminIdentity {
    /// `apikey:ak_…`: as the audit log wants to hear it.
    pub who: String,
    /// [`Scope::Viewer`] or [`Scope::Admin`], never [`Scope::Mint`].
    pub scope: Scope,
}

impl AdminIdentity {
    /// Whether they may do more than read.
    #[must_use]
    pub fn may_act(&self) -> bool {
        self.scope == Scope::Admin
    }
}

impl ApiKeys {
    /// Lets viewer and admin keys in at the admin API. A mint key is no key there, as an admin key
    /// is none at the mint: whoever steals one has one door, not two.
    ///
    /// # Errors
    /// Why not; [`Rejection::Missing`] where there is no key at all.
    pub fn authenticate_admin(
        &self,
        evidence: &Evidence<'_>,
        now: Moment,
    ) -> Result<AdminIdentity, Rejection> {
        let key = presented(evidence)?.ok_or(Rejection::Missing)?;
        let record = self.lookup(&key, now)?;
        if record.scope == Scope::Mint {
            return Err(Rejection::WrongScope);
        }
        self.touch(&record.id, now);
        Ok(AdminIdentity {
            who: format!("apikey:{}", record.id),
            scope: record.scope,
        })
    }
}
