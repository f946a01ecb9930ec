//! Asking the team's own application who somebody is.

use std::{sync::Arc, time::Duration};

use async_trait::async_trait;
use tollbridge_authn::{
    Authenticator, Caller, Claims, Cookies, Evidence, Rejection, Verdict, Watcher,
};
use tollbridge_domain::{CallerName, Clock, Moment, Subject};
use tollbridge_outbound::{Answer, Ask, Guard, Method, Tls};
use url::Url;

use crate::{
    asking,
    cache::{Cache, Digest},
    jwt::No,
    members,
    subject::{self, SubjectFrom},
    trouble::Trouble,
};

/// The longest answer that is read.
const LONGEST: usize = 64 * 1024;

/// The most cookies that one answer sets, and the longest of them. Browsers keep 4 KiB.
const MOST_COOKIES: usize = 16;
const LONGEST_COOKIE: usize = 8 * 1024;

/// The caller type `subrequest`: a cookie, or another header, that the team's application knows.
///
/// It asks only where one of the forwarded headers is there, by GET, with `Accept:
/// application/json` and what proxies say of a request (`X-Forwarded-Method`, `-Proto`, `-Host`,
/// `-Uri`, `-For`). Yes is a 2xx with a subject where one is looked for. A redirect, a 4xx and a
/// page without a subject (a login page, served with 200) are no; a 5xx, a 429 and silence are
/// nobody's answer. What the application sets in `Set-Cookie` goes back to the browser.
pub struct Subrequest {
    options: SubrequestOptions,
    tls: Tls,
    guard: Guard,
    cache: Cache<(Subject, Option<Claims>)>,
}

/// Whom to ask, and what for.
#[derive(Clone, Debug)]
pub struct SubrequestOptions {
    /// Its name in the configuration.
    pub name: CallerName,
    /// What is asked.
    pub url: Url,
    /// The headers that are passed on, in lower case; one of them must be there.
    pub forward_headers: Vec<String>,
    /// Where the answer says who it is: a header or a JSON pointer.
    pub subject: SubjectFrom,
    /// How long an answer may take.
    pub timeout: Duration,
    /// How long a yes is used again; zero: each mint asks.
    pub cache_for: Duration,
}

/// What the application said.
enum Said {
    Yes(Subject, Option<Claims>, Cookies),
    No(Rejection),
}

impl Subrequest {
    /// Asks nobody before somebody wants to come in.
    #[must_use]
    pub fn new(options: SubrequestOptions, tls: Tls, clock: Arc<dyn Clock>) -> Self {
        Self {
            guard: Guard::new(clock, options.timeout),
            options,
            tls,
            cache: Cache::new(),
        }
    }

    async fn judge(
        &self,
        evidence: &Evidence<'_>,
        forwarded: &[(&str, &[u8])],
    ) -> Result<(Caller, Cookies), No> {
        let digest = self.digest(forwarded);
        let now = self.guard.clock().now();
        if let Some((subject, claims)) = self.cache.get(&digest, now) {
            let caller = subject::caller(&self.options.name, subject, claims);
            return Ok((caller, Cookies::default()));
        }
        let ask = self
            .question(evidence, forwarded)
            .map_err(|_not_sendable| Rejection::Malformed)?;
        match self
            .guard
            .ask_of_strangers(self.answer(ask), Trouble::counts)
            .await?
        {
            Said::No(rejection) => Err(rejection.into()),
            Said::Yes(subject, claims, cookies) => {
                let now = self.guard.clock().now();
                let until = now.plus(whole_seconds(self.options.cache_for));
                let kept = (subject.clone(), claims.clone());
                self.cache.put(digest, kept, now, until);
                let caller = subject::caller(&self.options.name, subject, claims);
                Ok((caller, cookies))
            }
        }
    }

    fn question(
        &self,
        evidence: &Evidence<'_>,
        forwarded: &[(&str, &[u8])],
    ) -> Result<Ask, Trouble> {
        let request = evidence.request;
        let (scheme, host) = request.base.split_once("://").unwrap_or_default();
        let address = evidence.peer.to_string();
        let mut ask = Ask::new(Method::GET, self.options.url.clone())?;
        for (name, value) in forwarded {
            ask.pass_on(name, value)?;
        }
        for (name, value) in [
            ("accept", "application/json"),
            ("x-forwarded-method", request.method),
            ("x-forwarded-proto", scheme),
            ("x-forwarded-host", host),
            ("x-forwarded-uri", request.path),
            ("x-forwarded-for", &address),
        ] {
            ask.pass_on(name, value.as_bytes())?;
        }
        Ok(ask)
    }

    async fn answer(&self, ask: Ask) -> Result<Said, Trouble> {
        let answer = asking::http().ask(ask, &self.tls, LONGEST).await?;
        match answer.status {
            200..=299 => self.read(answer),
            408 | 425 | 429 | 500.. => Err(Trouble::Status {
                what: "the application",
                status: answer.status,
            }),
            _ => Ok(Said::No(Rejection::Refused)),
        }
    }

    fn read(&self, answer: Answer) -> Result<Said, Trouble> {
        let cookies = cookies(&answer);
        let (subject, claims) = if matches!(self.options.subject, SubjectFrom::Header(_)) {
            (self.options.subject.in_headers(&answer.headers), None)
        } else {
            // A login page is no JSON, and its reader is not logged in.
            let Some(claims) = members::parse(&answer.body?).map(Claims::new) else {
                return Ok(Said::No(Rejection::NoSubject));
            };
            (self.options.subject.in_claims(&claims), Some(claims))
        };
        Ok(match subject {
            Ok(subject) => Said::Yes(subject, claims, cookies),
            Err(rejection) => Said::No(rejection),
        })
    }

    fn digest(&self, forwarded: &[(&str, &[u8])]) -> Digest {
        let parts = forwarded.iter();
        self.cache
            .digest(parts.flat_map(|(name, value)| [name.as_bytes(), *value]))
    }

    /// Those of the listed headers that are there.
    fn forwarded<'a>(
        &'a self,
        evidence: &Evidence<'a>,
    ) -> Result<Vec<(&'a str, &'a [u8])>, Rejection> {
        let mut forwarded = Vec::new();
        for name in &self.options.forward_headers {
            let value = evidence.single(name)?;
            let value = value.filter(|value| !value.is_empty() && !is_our_key(name, value));
            forwarded.extend(value.map(|value| (name.as_str(), value)));
        }
        Ok(forwarded)
    }
}

#[async_trait(?Send)]
impl Authenticator for Subrequest {
    fn name(&self) -> &CallerName {
        &self.options.name
    }

    async fn authenticate(&self, evidence: &Evidence<'_>, _now: Moment) -> Verdict {
        let forwarded = match self.forwarded(evidence) {
            Ok(forwarded) if forwarded.is_empty() => return Verdict::Absent,
            Ok(forwarded) => forwarded,
            Err(rejection) => return Verdict::Rejected(rejection),
        };
        match self.judge(evidence, &forwarded).await {
            Ok((caller, cookies)) => Verdict::Accepted(caller, cookies),
            Err(no) => no.into(),
        }
    }

    fn watch(&self, watcher: &Watcher) {
        let (name, watcher) = (self.options.name.clone(), Arc::clone(watcher));
        self.guard.watch(move |outcome| watcher(&name, outcome));
    }
}

/// One of our own API keys is nobody else's to see.
fn is_our_key(name: &str, value: &[u8]) -> bool {
    let ours = b"tbk_";
    let mut words = value.split(|byte| *byte == b' ');
    match name {
        "authorization" => words.any(|word| word.starts_with(ours)),
        _ => value.starts_with(ours),
    }
}

fn cookies(answer: &Answer) -> Cookies {
    let values = answer.headers.get_all("set-cookie");
    let values = values.map(|value| value.as_bytes().to_vec());
    Cookies::new(
        values
            .filter(|value| value.len() <= LONGEST_COOKIE)
            .take(MOST_COOKIES)
            .collect(),
    )
}

pub(crate) fn whole_seconds(time: Duration) -> i64 {
    i64::try_from(time.as_secs()).unwrap_or(i64::MAX)
}
