//! Who asks about a token, and about whose tokens they may.

use actix_web::{HttpRequest, HttpResponseBuilder};
use base64::{Engine as _, engine::general_purpose::STANDARD};
use tollbridge_authn::{Caller, Cookies, RawApiKey, Rejection, SubjectRule, Verdict};
use tollbridge_domain::{Secret, Slug};
use tollbridge_token::Claims;

use super::refused::Refused;
use crate::{
    denials::Denial,
    mint,
    problem::{Code, Problem},
    query::Query,
    request, sender,
    shared::{Generation, Shared},
};

/// Somebody who may ask.
pub(super) enum Asker {
    /// A caller of the mint: about tokens of its own.
    Caller(Box<Caller>),
    /// An API key of scope `viewer` or `admin`: about all.
    Operator {
        /// `apikey:ak_…`
        who: String,
        /// Whether they may do more than ask.
        may_act: bool,
    },
}

/// One request about a token.
pub(super) struct Inquiry<'a> {
    /// `introspect` or `revoke`.
    pub(super) about: &'static str,
    pub(super) shared: &'a Shared,
    pub(super) generation: &'a Generation,
    pub(super) request_id: String,
    pub(super) peer: String,
    /// The page that asks, where it is one.
    origin: Option<String>,
    who: Option<String>,
    /// What whoever vouched for them wants them to keep.
    cookies: Cookies,
    why: String,
}

impl Asker {
    /// As the audit log names them.
    pub(super) fn who(&self) -> String {
        match self {
            Self::Caller(caller) => caller.client_id().to_string(),
            Self::Operator { who, .. } => who.clone(),
        }
    }
}

impl<'a> Inquiry<'a> {
    pub(super) fn new(
        about: &'static str,
        req: &HttpRequest,
        shared: &'a Shared,
        generation: &'a Generation,
    ) -> Self {
        Self {
            about,
            shared,
            generation,
            request_id: request::id_of(req),
            peer: sender::client_address(req, generation),
            origin: sender::page_of(req),
            who: None,
            cookies: Cookies::default(),
            why: String::new(),
        }
    }

    /// Who it is.
    pub(super) async fn asker(&mut self, req: &HttpRequest) -> Result<Asker, Refused> {
        let mut headers = sender::header_lines(req);
        let basic = self.by_basic(req)?;
        if let Some(bearer) = &basic {
            headers.retain(|(name, _)| !name.eq_ignore_ascii_case("authorization"));
            headers.push(("authorization", bearer.reveal().as_bytes()));
        }
        let now = self.shared.clock.now();
        let evidence = sender::evidence(req, self.generation, &headers, now);
        let asker = match self.shared.api_keys.authenticate_admin(&evidence, now) {
            Ok(admin) => Asker::Operator {
                may_act: admin.may_act(),
                who: admin.who,
            },
            Err(Rejection::Missing | Rejection::WrongScope) => {
                let chain = &self.generation.chain;
                match chain.authenticate(&evidence, now).await {
                    Verdict::Accepted(caller, cookies) => {
                        self.cookies = cookies;
                        Asker::Caller(Box::new(caller))
                    }
                    Verdict::Absent => return Err(self.nobody(req, "no credential")),
                    Verdict::Rejected(reason) => return Err(self.nobody(req, reason.as_str())),
                    Verdict::Unavailable { retry_after } => {
                        "nobody can say who this is".clone_into(&mut self.why);
                        return Err(Refused::from(Problem {
                            retry_after: Some(retry_after),
                            ..Slug::Overloaded.into()
                        }));
                    }
                }
            }
            Err(reason) => return Err(self.nobody(req, reason.as_str())),
        };
        self.who = Some(asker.who());
        Ok(asker)
    }

    /// Takes one of a caller's mints a minute; operators are not counted.
    pub(super) fn rated(&self, asker: &Asker) -> Result<(), Refused> {
        match asker {
            Asker::Caller(caller) => Ok(mint::rated(caller, self.generation)?),
            Asker::Operator { .. } => Ok(()),
        }
    }

    /// Whether these claims are the asker's to ask about.
    pub(super) fn is_theirs(&self, asker: &Asker, claims: &Claims) -> bool {
        let Asker::Caller(caller) = asker else {
            return true;
        };
        // Who mints for itself alone shares its `client_id` with everybody who came the same way,
        // and what vouches for it may have been sent by a browser, whichever page it was that asked.
        let own = match &caller.subject {
            SubjectRule::Fixed(subject) => subject == claims.subject(),
            SubjectRule::Free { .. } => true,
        };
        let route = self.generation.routes.get(claims.route().as_str());
        let foreign = |origin: &String| route.is_none_or(|route| !route.origins.allows(origin));
        let page = caller.key.is_some() || !self.origin.as_ref().is_some_and(foreign);
        own && page && caller.client_id() == *claims.client_id()
    }

    /// The API key of `Authorization: Basic`, as `Bearer`: OAuth's libraries send one as the password
    /// of a client (RFC 6749, 2.3.1). Another password is somebody else's, a proxy's for instance.
    fn by_basic(&mut self, req: &HttpRequest) -> Result<Option<Secret<String>>, Refused> {
        let mut lines = req.headers().get_all("authorization");
        let (Some(line), None) = (lines.next(), lines.next()) else {
            return Ok(None);
        };
        let Some((user, password)) = userpass(line.as_bytes()) else {
            return Ok(None);
        };
        let now = self.shared.clock.now();
        let key = RawApiKey::parse(password.reveal().as_bytes());
        let record = key.and_then(|key| self.shared.api_keys.lookup(&key, now));
        let record = record.map_err(|reason| self.nobody(req, reason.as_str()))?;
        let named = |text: &str| text == record.id || text == record.name;
        if !named(&user) && !form_decoded(&user).is_some_and(|user| named(&user)) {
            return Err(self.nobody(req, "the user name is not the key's"));
        }
        Ok(Some(Secret::new(format!("Bearer {}", password.reveal()))))
    }

    fn nobody(&mut self, req: &HttpRequest, why: &str) -> Refused {
        why.clone_into(&mut self.why);
        let tried = req.headers().get("authorization");
        let basic = tried.is_some_and(|line| scheme_is(line.as_bytes(), b"basic "));
        Refused {
            scheme: if basic {
                "Basic realm=\"tollbridge\""
            } else {
                "Bearer"
            },
            ..Problem::new(Code::Unauthorized).into()
        }
    }

    /// Their session may have been renewed by the question who they are.
    pub(super) fn give_back(&self, answer: &mut HttpResponseBuilder) {
        for cookie in sender::set_cookies(&self.cookies) {
            answer.append_header(cookie);
        }
    }

    /// Counts what came of it.
    pub(super) fn count(&self, outcome: &str) {
        let labels = [self.about, outcome];
        self.shared
            .metrics
            .token_inquiries
            .with_label_values(&labels)
            .inc();
    }

    /// Tells everybody who should know of a refusal, and passes it on.
    pub(super) fn denied(&self, mut refused: Refused) -> Refused {
        refused
            .problem
            .headers
            .extend(sender::set_cookies(&self.cookies));
        let code = refused.problem.code.as_str();
        let why = if self.why.is_empty() {
            refused.problem.detail.clone()
        } else {
            self.why.clone()
        };
        self.count(code);
        tracing::info!(
            event = "inquiry.denied",
            request_id = self.request_id,
            about = self.about,
            auth = self.who.as_deref().unwrap_or(""),
            code,
            reason = why,
            client_ip = self.peer,
            "a question about a token was refused"
        );
        self.shared.denials.push(Denial {
            at: self.shared.clock.now(),
            surface: self.about,
            code,
            why,
            route: None,
            origin: None,
            peer: self.peer.clone(),
            subject: self.who.clone(),
            jti: None,
            request_id: self.request_id.clone(),
            count: 1,
        });
        refused
    }
}

/// User name and password, where the password begins as an API key does.
fn userpass(value: &[u8]) -> Option<(String, Secret<String>)> {
    let rest = scheme_is(value, b"basic ").then(|| value.get(6..))??;
    let bytes = STANDARD.decode(rest.trim_ascii()).ok()?;
    let both = Secret::new(String::from_utf8(bytes).ok()?);
    let (user, password) = both.reveal().split_once(':')?;
    let ours = password.starts_with("tbk_");
    ours.then(|| (user.to_owned(), Secret::new(password.to_owned())))
}

fn scheme_is(value: &[u8], scheme: &[u8]) -> bool {
    let head = value.get(..scheme.len());
    head.is_some_and(|head| head.eq_ignore_ascii_case(scheme))
}

/// RFC 6749, 2.3.1 has both parts encoded as in a form; not every library does it.
fn form_decoded(text: &str) -> Option<String> {
    Query::of_form(format!("_={text}").as_bytes())
        .ok()?
        .only(&["_".to_owned()])
        .ok()?
        .pop()
        .map(|(_, value)| value)
}
