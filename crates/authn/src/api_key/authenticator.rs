//! API keys at the mint.

use std::sync::Arc;

use async_trait::async_trait;
use tollbridge_domain::{CallerName, Moment, Subject};
use tollbridge_store::{ApiKeyRecord, Scope};

use super::{ApiKeys, presented};
use crate::{
    ApiKeyIdentity, Authenticator, Caller, Evidence, Rejection, RouteLimit, SubjectRule, Verdict,
};

/// The caller type `api_key`: `Authorization: Bearer tbk_…` or `X-API-Key: tbk_…`.
pub struct ApiKeyCaller {
    /// Its name in the configuration; a key belongs to one.
    pub name: CallerName,
    /// Every key of the store.
    pub keys: Arc<ApiKeys>,
}

#[async_trait(?Send)]
impl Authenticator for ApiKeyCaller {
    fn name(&self) -> &CallerName {
        &self.name
    }

    async fn authenticate(&self, evidence: &Evidence<'_>, now: Moment) -> Verdict {
        self.judge(evidence, now).into()
    }
}

impl ApiKeyCaller {
    fn judge(&self, evidence: &Evidence<'_>, now: Moment) -> Result<Option<Caller>, Rejection> {
        let Some(key) = presented(evidence)? else {
            return Ok(None);
        };
        let record = self.keys.lookup(&key, now)?;
        if record.scope != Scope::Mint {
            return Err(Rejection::WrongScope);
        }
        if record.caller.as_ref() != Some(&self.name) {
            return Err(Rejection::AnotherCaller);
        }
        self.keys.touch(&record.id, now);
        self.caller(record).map(Some)
    }

    fn caller(&self, record: ApiKeyRecord) -> Result<Caller, Rejection> {
        // Names are subjects by construction; a store that was written by hand may disagree.
        let default = Subject::parse(&record.name).or_else(|_not_one| Subject::parse(&record.id));
        let default = default.map_err(|_neither| Rejection::Unknown)?;
        let routes = match record.routes {
            routes if routes.is_empty() => RouteLimit::Every,
            routes => RouteLimit::Only(routes),
        };
        Ok(Caller {
            name: self.name.clone(),
            key: Some(ApiKeyIdentity {
                id: record.id,
                name: record.name,
            }),
            claims: None,
            scope: record.scope,
            subject: SubjectRule::Free { default },
            routes,
        })
    }
}
