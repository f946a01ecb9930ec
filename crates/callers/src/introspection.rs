//! Opaque tokens, about which their issuer is asked (RFC 7662).

use std::{fmt, sync::Arc, time::Duration};

use async_trait::async_trait;
use base64::{Engine as _, engine::general_purpose::STANDARD};
use serde_json::Value;
use tollbridge_authn::{Authenticator, Caller, Claims, Evidence, Rejection, Verdict, Watcher};
use tollbridge_domain::{CallerName, Clock, Moment, Secret, Subject};
use tollbridge_outbound::{Ask, Form, Guard, Tls, encode};
use url::Url;

use crate::{
    asking,
    cache::Cache,
    jwt::{self, No},
    members,
    subject::{self, SubjectFrom},
    subrequest::whole_seconds,
    trouble::Trouble,
};

/// The longest answer that is read.
const LONGEST: usize = 64 * 1024;

/// The longest token that is asked about.
const LONGEST_TOKEN: usize = 16 * 1024;

/// How long an answer may take.
const PATIENCE: Duration = Duration::from_secs(2);

/// The caller type `introspection`: `Authorization: Bearer …` that is no API key of ours.
///
/// `active` must be `true`; the token must be for us (`aud` holds the audience, or where there is
/// no `aud`, `client_id` is it); it must have every scope that is wanted; and `exp` and `nbf` count
/// where they are there, to the second. Whoever says nothing about whom the token is for says that
/// it may be anybody's: that is refused.
pub struct Introspection {
    options: IntrospectionOptions,
    tls: Tls,
    guard: Guard,
    cache: Cache<(Subject, Claims)>,
}

/// Whom to ask, and what must be answered.
#[derive(Clone)]
pub struct IntrospectionOptions {
    /// Its name in the configuration.
    pub name: CallerName,
    /// Where to ask, by POST.
    pub url: Url,
    /// Who asks, in `Authorization: Basic` (RFC 6749, 2.3.1).
    pub client_id: String,
    /// The proof of that, read anew for each question.
    pub client_secret: Arc<dyn Fn() -> Result<Secret<String>, String> + Send + Sync>,
    /// Whom the token must be for. Without it, `client_id`.
    pub audience: Option<String>,
    /// Scopes that it must have, parted by blanks.
    pub scope: Option<String>,
    /// Who its bearer is.
    pub subject: SubjectFrom,
    /// How long a yes is used again, and never beyond `exp`; zero: each mint asks.
    pub cache_for: Duration,
}

impl fmt::Debug for IntrospectionOptions {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("IntrospectionOptions")
            .field("name", &self.name)
            .finish_non_exhaustive()
    }
}

impl Introspection {
    /// Asks nobody before somebody wants to come in.
    #[must_use]
    pub fn new(options: IntrospectionOptions, tls: Tls, clock: Arc<dyn Clock>) -> Self {
        Self {
            guard: Guard::new(clock, PATIENCE),
            options,
            tls,
            cache: Cache::new(),
        }
    }

    async fn judge(&self, token: &[u8]) -> Result<Caller, No> {
        let digest = self.cache.digest([token]);
        let now = self.guard.clock().now();
        let (subject, claims) = match self.cache.get(&digest, now) {
            Some(kept) => kept,
            None => {
                let token = text(token).ok_or(Rejection::Malformed)?;
                let claims = self
                    .guard
                    .ask_of_strangers(self.ask(&token), Trouble::counts)
                    .await?;
                let now = self.guard.clock().now();
                let until = self.check(&claims, now)?;
                let kept = (self.options.subject.in_claims(&claims)?, claims);
                self.cache.put(digest, kept.clone(), now, until);
                kept
            }
        };
        Ok(subject::caller(&self.options.name, subject, Some(claims)))
    }

    async fn ask(&self, token: &Secret<String>) -> Result<Claims, Trouble> {
        let answer = asking::http()
            .ask(self.question(token)?, &self.tls, LONGEST)
            .await?;
        // About the token: it is of no kind that this endpoint knows (`unsupported_token_type`), or not of
        // its size. Anybody can bring such a one, so it must not count as an outage.
        let of_token = match (answer.status, &answer.body) {
            (400, Ok(body)) => !about_us(body),
            (413 | 414 | 422 | 431, _) => true,
            _ => false,
        };
        if of_token {
            return Ok(inactive());
        }
        if answer.status != 200 {
            // A 401 is about our own client, not about the token (RFC 7662, 2.3).
            return Err(Trouble::Status {
                what: "the introspection endpoint",
                status: answer.status,
            });
        }
        let members = members::parse(&answer.body?);
        let members = members.ok_or(Trouble::Answer("the introspection answer is no JSON"))?;
        if !matches!(members.get("active"), Some(Value::Bool(_))) {
            let why = "the introspection answer does not say whether the token is active";
            return Err(Trouble::Answer(why));
        }
        Ok(Claims::new(members))
    }

    fn question(&self, token: &Secret<String>) -> Result<Ask, Trouble> {
        let secret = (self.options.client_secret)().map_err(Trouble::Secret)?;
        let mut form = Form::new();
        form.secret("token", token);
        form.field("token_type_hint", "access_token");
        let mut ask = Ask::form(self.options.url.clone(), form)?;
        // Both parts are encoded as in a form before they are joined (RFC 6749, 2.3.1).
        let id = encode(&Secret::new(self.options.client_id.clone()));
        let both = Secret::new(format!("{}:{}", id.reveal(), encode(&secret).reveal()));
        let basic = Secret::new(STANDARD.encode(both.reveal()));
        let value = Secret::new(format!("Basic {}", basic.reveal()));
        ask.header("authorization", value)?;
        Ok(ask)
    }

    /// Until when this may be believed.
    fn check(&self, claims: &Claims, now: Moment) -> Result<Moment, Rejection> {
        let member = |name: &str| claims.members().get(name);
        if member("active") != Some(&Value::Bool(true)) {
            return Err(Rejection::Inactive);
        }
        let expires = jwt::time(claims, "exp")?;
        if expires.is_some_and(|expires| now >= expires) {
            return Err(Rejection::Expired);
        }
        if jwt::time(claims, "nbf")?.is_some_and(|begins| begins > now) {
            return Err(Rejection::NotYet);
        }
        let audience = self.options.audience.as_ref();
        let audience = audience.unwrap_or(&self.options.client_id);
        let said = member("aud").or_else(|| member("client_id"));
        if !jwt::holds(said, audience) {
            return Err(Rejection::WrongAudience);
        }
        let scope = member("scope").and_then(Value::as_str).unwrap_or_default();
        let wanted = self.options.scope.as_deref().unwrap_or_default();
        let has = |wanted: &str| scope.split(' ').any(|one| one == wanted);
        if !wanted.split_ascii_whitespace().all(has) {
            return Err(Rejection::WrongScope);
        }
        let until = now.plus(whole_seconds(self.options.cache_for));
        Ok(expires.map_or(until, |expires| expires.min(until)))
    }
}

/// Whether a refusal is about our own client (RFC 6749, 5.2 has a 400 for it too).
fn about_us(body: &[u8]) -> bool {
    let members = members::parse(body);
    let error = members.as_ref().and_then(|members| members.get("error"));
    let error = error.and_then(Value::as_str);
    matches!(error, Some("invalid_client" | "unauthorized_client"))
}

/// What RFC 7662, 2.2 has every endpoint say of a token that it does not know.
fn inactive() -> Claims {
    let mut members = serde_json::Map::new();
    members.insert("active".to_owned(), Value::Bool(false));
    Claims::new(members)
}

#[async_trait(?Send)]
impl Authenticator for Introspection {
    fn name(&self) -> &CallerName {
        &self.options.name
    }

    async fn authenticate(&self, evidence: &Evidence<'_>, _now: Moment) -> Verdict {
        let token = match evidence.bearer() {
            Ok(token) => token.filter(|token| !token.starts_with(b"tbk_")),
            Err(rejection) => return Verdict::Rejected(rejection),
        };
        let Some(token) = token else {
            return Verdict::Absent;
        };
        match self.judge(token).await {
            Ok(caller) => caller.into(),
            Err(no) => no.into(),
        }
    }

    fn judges_tokens(&self) -> bool {
        true
    }

    fn watch(&self, watcher: &Watcher) {
        let (name, watcher) = (self.options.name.clone(), Arc::clone(watcher));
        self.guard.watch(move |outcome| watcher(&name, outcome));
    }
}

/// RFC 6750, 2.1: a bearer token is printable ASCII without blanks.
fn text(token: &[u8]) -> Option<Secret<String>> {
    let printable = token.iter().all(|byte| matches!(byte, b'!'..=b'~'));
    let fits = printable && token.len() <= LONGEST_TOKEN;
    let text = str::from_utf8(token).ok().filter(|_| fits)?;
    Some(Secret::new(text.to_owned()))
}
