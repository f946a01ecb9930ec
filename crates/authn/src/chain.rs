//! Asking every configured way in, in order.

use std::sync::{Arc, OnceLock};

use async_trait::async_trait;
use tollbridge_domain::{CallerName, Moment};

use crate::{Caller, Cookies, Evidence, Rejection};

/// One configured way to authenticate at the mint.
///
/// Its futures stay on the thread that made them: who asks another server does so with that
/// thread's client.
#[async_trait(?Send)]
pub trait Authenticator: Send + Sync {
    /// Its name in the configuration.
    fn name(&self) -> &CallerName;

    /// Judges the evidence. What it asks of others has a deadline.
    async fn authenticate(&self, evidence: &Evidence<'_>, now: Moment) -> Verdict;

    /// Whether its credential is a token of an issuer's, which may be handed in by whoever holds it
    /// and in a body as well as in a header. A cookie, a proxy's word or an API key is not.
    fn judges_tokens(&self) -> bool {
        false
    }

    /// Has `watcher` told how each question to another server ended, if it asks any. The first
    /// watcher stays.
    fn watch(&self, _watcher: &Watcher) {}
}

/// Is told how a question that was asked for a caller ended: well, or why not, in words for the
/// operator's log. Called on a worker thread.
pub type Watcher = Arc<dyn Fn(&CallerName, Result<(), &str>) + Send + Sync>;

/// Is told what an authenticator that found a credential of its kind made of it.
type Judged = Box<dyn Fn(&CallerName, &Verdict) + Send + Sync>;

/// What one authenticator, or the chain of them, makes of the evidence.
#[derive(Clone, Debug, Eq, PartialEq)]
pub enum Verdict {
    /// There is no credential of this kind.
    Absent,
    /// There is, and it is good; with what its owner is to be handed back.
    Accepted(Caller, Cookies),
    /// There is, and it is not.
    Rejected(Rejection),
    /// There is, and nobody can say now whether it is good.
    Unavailable {
        /// Seconds after which asking again makes sense.
        retry_after: u32,
    },
}

/// The configured authenticators, in the order in which they are asked. The first that finds a
/// credential of its kind decides: a bad one is not given a second chance as something else.
#[derive(Clone)]
pub struct Chain {
    authenticators: Vec<Arc<dyn Authenticator>>,
    judged: Arc<OnceLock<Judged>>,
}

impl Verdict {
    /// The closed vocabulary of metric labels.
    #[must_use]
    pub const fn as_str(&self) -> &'static str {
        match self {
            Self::Absent => "absent",
            Self::Accepted(..) => "accepted",
            Self::Rejected(_) => "rejected",
            Self::Unavailable { .. } => "unavailable",
        }
    }
}

impl From<Caller> for Verdict {
    fn from(caller: Caller) -> Self {
        Self::Accepted(caller, Cookies::default())
    }
}

/// What a judgement comes to that finds a credential or none.
impl From<Result<Option<Caller>, Rejection>> for Verdict {
    fn from(judged: Result<Option<Caller>, Rejection>) -> Self {
        match judged {
            Ok(Some(caller)) => caller.into(),
            Ok(None) => Self::Absent,
            Err(rejection) => Self::Rejected(rejection),
        }
    }
}

impl Chain {
    /// Asks these, in this order.
    #[must_use]
    pub fn new(authenticators: Vec<Arc<dyn Authenticator>>) -> Self {
        Self {
            authenticators,
            judged: Arc::default(),
        }
    }

    /// The authenticator of this name.
    #[must_use]
    pub fn get(&self, name: &CallerName) -> Option<&Arc<dyn Authenticator>> {
        self.authenticators.iter().find(|one| one.name() == name)
    }

    /// Those of them that judge an issuer's tokens, with the same watchers.
    #[must_use]
    pub fn of_tokens(&self) -> Self {
        let judging = self.authenticators.iter();
        Self {
            authenticators: judging.filter(|one| one.judges_tokens()).cloned().collect(),
            judged: Arc::clone(&self.judged),
        }
    }

    /// Has `judged` told every verdict but [`Verdict::Absent`], and `asked` how questions to other
    /// servers end. The first who watch stay.
    pub fn watch(
        &self,
        judged: impl Fn(&CallerName, &Verdict) + Send + Sync + 'static,
        asked: &Watcher,
    ) {
        let _first = self.judged.set(Box::new(judged));
        for authenticator in &self.authenticators {
            authenticator.watch(asked);
        }
    }

    /// The first verdict that is one.
    pub async fn authenticate(&self, evidence: &Evidence<'_>, now: Moment) -> Verdict {
        let mut verdict = Verdict::Absent;
        for authenticator in &self.authenticators {
            let one = authenticator.authenticate(evidence, now).await;
            if let (Some(judged), false) = (self.judged.get(), one == Verdict::Absent) {
                judged(authenticator.name(), &one);
            }
            match one {
                Verdict::Absent => {}
                // Of several callers of a kind, each sees the others' credentials. Only when all
                // are asked is it known that none of them claims this one.
                Verdict::Rejected(rejection) if rejection.is_unclaimed() => {
                    verdict = Verdict::Rejected(rejection);
                }
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
    use crate::{Request, RouteLimit, SubjectRule};

    struct Says(CallerName, Verdict);

    struct Judges(Says);

    #[async_trait(?Send)]
    impl Authenticator for Judges {
        fn name(&self) -> &CallerName {
            self.0.name()
        }

        async fn authenticate(&self, evidence: &Evidence<'_>, now: Moment) -> Verdict {
            self.0.authenticate(evidence, now).await
        }

        fn judges_tokens(&self) -> bool {
            true
        }
    }

    #[async_trait(?Send)]
    impl Authenticator for Says {
        fn name(&self) -> &CallerName {
            &self.0
        }

        async fn authenticate(&self, _: &Evidence<'_>, _: Moment) -> Verdict {
            self.1.clone()
        }
    }

    fn accepted() -> Verdict {
        Verdict::from(Caller {
            name: CallerName::parse("app").unwrap(),
            key: None,
            claims: None,
            scope: Scope::Mint,
            subject: SubjectRule::Fixed(Subject::parse("ada").unwrap()),
            routes: RouteLimit::Every,
        })
    }

    async fn ask(verdicts: &[Verdict]) -> Verdict {
        judge(&chain(verdicts)).await
    }

    fn chain(verdicts: &[Verdict]) -> Chain {
        let one = |verdict: &Verdict| -> Arc<dyn Authenticator> {
            let name = CallerName::parse("one").unwrap();
            Arc::new(Says(name, verdict.clone()))
        };
        Chain::new(verdicts.iter().map(one).collect())
    }

    async fn judge(chain: &Chain) -> Verdict {
        let evidence = Evidence {
            peer: Ipv4Addr::LOCALHOST.into(),
            socket: Ipv4Addr::LOCALHOST.into(),
            request: Request::default(),
            headers: &[],
            certificate: None,
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

    /// Whoever hands in a token has no say but through those who judge tokens.
    #[tokio::test]
    async fn only_those_who_judge_tokens_are_asked_about_one() {
        let name = CallerName::parse("sso").unwrap();
        let refuses = Verdict::Rejected(Rejection::Expired);
        let judges: Arc<dyn Authenticator> = Arc::new(Judges(Says(name, refuses.clone())));
        let chain = Chain::new([chain(&[accepted()]).authenticators, vec![judges]].concat());
        assert_eq!(judge(&chain).await, accepted());
        assert_eq!(judge(&chain.of_tokens()).await, refuses);
        let nobody = Chain::new(Vec::new());
        assert_eq!(judge(&nobody.of_tokens()).await, Verdict::Absent);
    }

    #[tokio::test]
    async fn who_cannot_say_decides_and_everybody_who_judged_is_watched() {
        let unavailable = Verdict::Unavailable { retry_after: 3 };
        assert_eq!(ask(&[unavailable.clone(), accepted()]).await, unavailable);
        let another = Verdict::Rejected(Rejection::WrongIssuer);
        let chain = chain(&[Verdict::Absent, another, accepted(), unavailable]);
        let seen: Arc<std::sync::Mutex<Vec<&str>>> = Arc::default();
        let told = Arc::clone(&seen);
        let nobody: Watcher = Arc::new(|_, _| {});
        chain.watch(
            move |_, verdict| told.lock().unwrap().push(verdict.as_str()),
            &nobody,
        );
        let _verdict = judge(&chain).await;
        assert_eq!(*seen.lock().unwrap(), ["rejected", "accepted"]);
    }
}
