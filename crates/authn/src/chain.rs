//! Asking every configured way in, in order.

use std::sync::Arc;

use async_trait::async_trait;
use tollbridge_domain::{CallerName, Moment};

use crate::{Caller, Evidence, Rejection};

/// One configured way to authenticate at the mint.
#[async_trait]
pub trait Authenticator: Send + Sync {
    /// Its name in the configuration.
    fn name(&self) -> &CallerName;

    /// Judges the evidence.
    async fn authenticate(&self, evidence: &Evidence<'_>, now: Moment) -> Verdict;
}

/// What one authenticator, or the chain of them, makes of the evidence.
#[derive(Clone, Debug, Eq, PartialEq)]
pub enum Verdict {
    /// There is no credential of this kind.
    Absent,
    /// There is, and it is good.
    Accepted(Caller),
    /// There is, and it is not.
    Rejected(Rejection),
}

/// The configured authenticators, in the order of the configuration. The first that finds a
/// credential of its kind decides: a bad one is not given a second chance as something else.
#[derive(Clone)]
pub struct Chain(Vec<Arc<dyn Authenticator>>);

impl Chain {
    /// Asks these, in this order.
    #[must_use]
    pub fn new(authenticators: Vec<Arc<dyn Authenticator>>) -> Self {
        Self(authenticators)
    }

    /// The first verdict that is one.
    pub async fn authenticate(&self, evidence: &Evidence<'_>, now: Moment) -> Verdict {
        let mut verdict = Verdict::Absent;
        for authenticator in &self.0 {
            match authenticator.authenticate(evidence, now).await {
                Verdict::Absent => {}
                // Of several `api_key` callers, each sees the others' keys. Only when all are
                // asked is it known that none of them claims it.
                unclaimed @ Verdict::Rejected(Rejection::AnotherCaller) => verdict = unclaimed,
                decided => return decided,
            }
        }
        verdict
    }
}

#[cfg(test)]
mod tests {
    use std::net::Ipv4Addr;

    use tollbridge_domain::Subject;
    use tollbridge_store::Scope;

    use super::*;
    use crate::{RouteLimit, SubjectRule};

    struct Says(CallerName, Verdict);

    #[async_trait]
    impl Authenticator for Says {
        fn name(&self) -> &CallerName {
            &self.0
        }

        async fn authenticate(&self, _: &Evidence<'_>, _: Moment) -> Verdict {
            self.1.clone()
        }
    }

    fn accepted() -> Verdict {
        Verdict::Accepted(Caller {
            name: CallerName::parse("app").unwrap(),
            key: None,
            scope: Scope::Mint,
            subject: SubjectRule::Fixed(Subject::parse("ada").unwrap()),
            routes: RouteLimit::Every,
        })
    }

    async fn ask(verdicts: &[Verdict]) -> Verdict {
        let one = |verdict: &Verdict| -> Arc<dyn Authenticator> {
            let name = CallerName::parse("one").unwrap();
            Arc::new(Says(name, verdict.clone()))
        };
        let chain = Chain::new(verdicts.iter().map(one).collect());
        let evidence = Evidence {
            peer: Ipv4Addr::LOCALHOST.into(),
            headers: &[],
        };
        chain.authenticate(&evidence, Moment::from_seconds(0)).await
    }

    #[tokio::test]
    async fn the_first_that_is_not_absent_decides() {
        let expired = Verdict::Rejected(Rejection::Expired);
        assert_eq!(ask(&[]).await, Verdict::Absent);
        assert_eq!(ask(&[Verdict::Absent, accepted()]).await, accepted());
        assert_eq!(ask(&[accepted(), expired.clone()]).await, accepted());
        assert_eq!(ask(&[expired.clone(), accepted()]).await, expired);
    }

    #[tokio::test]
    async fn another_callers_key_is_refused_only_when_nobody_claims_it() {
        let another = Verdict::Rejected(Rejection::AnotherCaller);
        assert_eq!(ask(&[another.clone(), accepted()]).await, accepted());
        assert_eq!(ask(&[another.clone(), Verdict::Absent]).await, another);
    }
}
