//! Dialling a route's upstream for nobody, to see what it says.

use std::time::Duration;

use tollbridge_credential::Http;
use tollbridge_domain::{Clock, Entropy, Params, Secret, SessionId, Slug, Subject, Telltale};
use tollbridge_upstream::Dialer;

use super::{
    compose::{Occasion, compose},
    facts,
};
use crate::route::Route;

/// What came of it. Holds no secret.
#[derive(Debug)]
pub struct Probe {
    /// What was asked: host, port where it is not the scheme's own, and path; no query.
    pub target: String,
    /// With which status the upstream answered, if it did.
    pub status: Option<u16>,
    /// What a client would have been told; `None`: a session would have begun.
    pub refused: Option<Slug>,
    /// Why, in words.
    pub reason: String,
    /// The subprotocol that it chose.
    pub protocol: Option<String>,
    /// How it numbered the request: `name=value`.
    pub request_ids: String,
    /// Headers of its answer that the route returns to clients.
    pub kept: Vec<(String, String)>,
    /// The beginning of its body, where it refused, without credentials.
    pub body: String,
    /// How long fetching a credential, dialling and answering took.
    pub took: Duration,
}

/// Fetches, signs and dials as a session would, with these parameters, and hangs up.
pub async fn probe(
    route: &Route,
    params: &Params,
    protocols: Vec<String>,
    clock: &dyn Clock,
    entropy: &dyn Entropy,
) -> Probe {
    let began = std::time::Instant::now();
    let mut probe = attempt(route, params, protocols, clock, entropy).await;
    probe.took = began.elapsed();
    probe
}

async fn attempt(
    route: &Route,
    params: &Params,
    protocols: Vec<String>,
    clock: &dyn Clock,
    entropy: &dyn Entropy,
) -> Probe {
    let fetched = match &route.fetch {
        None => None,
        Some(credential) => match credential.get(&Http::new()).await {
            Ok(fetched) => Some(fetched),
            Err(error) => return Probe::failed(error.slug(), &error),
        },
    };
    let mut random = [0_u8; 16];
    entropy.fill(&mut random);
    let (Ok(session), Ok(subject)) = (SessionId::parse("probe"), Subject::parse("probe")) else {
        return Probe::failed(Slug::Internal, &"no session id");
    };
    let occasion = Occasion {
        session: &session,
        subject: &subject,
        params,
        client_query: &[],
        passed: Vec::new(),
        protocols,
        extensions: None,
        fetched: fetched.as_ref(),
        now: clock.now(),
        random,
    };
    let composed = match compose(route, occasion) {
        Ok(composed) => composed,
        Err(error) => return Probe::failed(error.slug(fetched.as_ref()), &error),
    };
    let url = &composed.call.url;
    let target = format!("{}{}", route.target.authority(), url.path());
    let dialer = Dialer::new(&route.tls, route.connect_timeout);
    let outcome = match dialer.dial(composed.call).await {
        Ok(dialled) => {
            let headers = || {
                let lines = dialled.headers.iter();
                lines.map(|(name, value)| (name.as_str(), value.as_slice()))
            };
            Probe {
                status: Some(101),
                protocol: dialled.protocol.clone(),
                ..Probe::empty().heard(route, headers(), &composed.secrets)
            }
        }
        Err(error) => {
            let refused = error.refused();
            let lines = refused.into_iter().flat_map(|refused| &refused.headers);
            let headers = lines.map(|(name, value)| (name.as_str(), value.as_bytes()));
            Probe {
                status: error.status(),
                body: refused.map_or_else(String::new, |refused| {
                    Telltale::of(&composed.secrets).redacted(&refused.body)
                }),
                ..Probe::failed(error.slug(), &crate::audit::chain(&error)).heard(
                    route,
                    headers,
                    &composed.secrets,
                )
            }
        }
    };
    Probe { target, ..outcome }
}

impl Probe {
    const fn empty() -> Self {
        Self {
            target: String::new(),
            status: None,
            refused: None,
            reason: String::new(),
            protocol: None,
            request_ids: String::new(),
            kept: Vec::new(),
            body: String::new(),
            took: Duration::ZERO,
        }
    }

    fn failed(slug: Slug, why: &dyn std::fmt::Display) -> Self {
        Self {
            refused: Some(slug),
            reason: why.to_string(),
            ..Self::empty()
        }
    }

    fn heard<'a>(
        self,
        route: &Route,
        headers: impl IntoIterator<Item = (&'a str, &'a [u8])> + Clone,
        secrets: &[Secret<String>],
    ) -> Self {
        let kept = facts::kept(route, headers.clone(), secrets).into_iter();
        Self {
            request_ids: facts::request_ids(route, headers, secrets),
            kept: kept
                .map(|(name, value)| (name, String::from_utf8_lossy(&value).into_owned()))
                .collect(),
            ..self
        }
    }
}
