//! The call to an upstream, from a route and what it is made for.

use tollbridge_credential::{Fetched, Kind};
use tollbridge_domain::{Moment, Params, Secret, SessionId, Slug, Subject};
use tollbridge_upstream::{Call, Facts, Piece, RenderError, TargetError, render, render_plain};

use url::Url;

use crate::{route::Route, sign::SignFault};

/// What a call is made for.
pub(crate) struct Occasion<'a> {
    pub(crate) session: &'a SessionId,
    pub(crate) subject: &'a Subject,
    pub(crate) params: &'a Params,
    /// What of the client's own query passes.
    pub(crate) client_query: &'a [(String, String)],
    /// What of its headers passes.
    pub(crate) passed: Vec<(String, Vec<u8>)>,
    pub(crate) protocols: Vec<String>,
    pub(crate) extensions: Option<String>,
    pub(crate) fetched: Option<&'a Fetched>,
    pub(crate) now: Moment,
    pub(crate) random: [u8; 16],
}

/// A call, and what goes with it.
pub(crate) struct Composed {
    pub(crate) call: Call,
    /// What must be printed nowhere.
    pub(crate) secrets: Vec<Secret<String>>,
    /// What is set in the client's first message, by JSON pointer.
    pub(crate) message: Vec<(String, Secret<String>)>,
}

/// Builds the call from nothing but the route and its occasion.
pub(crate) fn compose(route: &Route, occasion: Occasion<'_>) -> Result<Composed, ComposeError> {
    let fetched = |kind| {
        occasion
            .fetched
            .filter(move |fetched| fetched.kind() == kind)
    };
    let facts = Facts {
        session: occasion.session,
        subject: occasion.subject,
        uuid: uuid::Builder::from_random_bytes(occasion.random)
            .into_uuid()
            .to_string(),
        fetched: fetched(Kind::Token).map(|fetched| fetched.value().clone()),
    };
    let mut secrets = Vec::new();
    let mut headers = Vec::new();
    for (name, pieces) in &route.credential_headers {
        headers.push((name.clone(), render(pieces, &facts, &mut secrets)?));
    }
    let mut plain = |values: &[(String, Vec<Piece>)]| {
        let values = values.iter().map(|(name, pieces)| {
            let value = render_plain(pieces, &facts, &mut secrets)?;
            Ok((name.clone(), value))
        });
        values.collect::<Result<Vec<_>, RenderError>>()
    };
    let query = plain(&route.credential_query)?;
    let message = plain(&route.credential_message)?;
    let (target, client_query) = (&route.target, occasion.client_query);
    let mut url = match fetched(Kind::Url) {
        Some(fetched) => target.fetched_url(fetched.value().reveal(), client_query, query)?,
        None => target.url(occasion.params, client_query, query)?,
    };
    secrets.extend(route.fetch.iter().flat_map(|source| source.secrets()));
    secrets.extend(occasion.fetched.map(|fetched| fetched.value().clone()));
    if let Some(sign) = &route.sign {
        url = sign.sign(&url, occasion.now, &mut secrets)?;
    }
    secrets.extend(carried(route, &url, fetched(Kind::Url).is_some()));
    let call = Call {
        url,
        headers,
        passed: occasion.passed,
        protocols: occasion.protocols,
        extensions: occasion.extensions,
    };
    Ok(Composed {
        call,
        secrets,
        message,
    })
}

/// Why a call could not be composed: our configuration's fault, or a secret that cannot be read.
#[derive(Debug, thiserror::Error)]
pub(crate) enum ComposeError {
    #[error("a credential could not be rendered: {0}")]
    Credential(#[from] RenderError),
    #[error("the upstream address could not be made: {0}")]
    Address(#[from] TargetError),
    #[error("the upstream address could not be signed: {0}")]
    Sign(#[from] SignFault),
}

impl ComposeError {
    /// An address that somebody else gave out and that leads nowhere good is their refusal.
    pub(crate) fn slug(&self, fetched: Option<&Fetched>) -> Slug {
        match (self, fetched.map(Fetched::kind)) {
            (Self::Address(_), Some(Kind::Url)) => Slug::UpstreamRefused,
            _ => Slug::Internal,
        }
    }
}

/// Credentials and signatures as they stand in the address: a vendor may repeat the request line.
fn carried(route: &Route, url: &Url, fetched: bool) -> Vec<Secret<String>> {
    let is_signature = |name: &str| {
        let mut harmless = HARMLESS.iter();
        route.sign.is_some()
            && !harmless.any(|it| it.eq_ignore_ascii_case(name))
            && (name.to_ascii_lowercase().starts_with("x-amz-") || name == "authorization")
    };
    let is_credential = |name: &str| {
        let mut values = route.credential_query.iter();
        values.any(|(known, pieces)| {
            let mut pieces = pieces.iter();
            let secret = pieces.any(|it| matches!(it, Piece::Secret(_) | Piece::Fetched));
            secret && known.eq_ignore_ascii_case(name)
        })
    };
    if route.sign.is_none() && route.credential_query.is_empty() && !fetched {
        return Vec::new();
    }
    let raw = url.query().unwrap_or_default().split('&');
    raw.zip(url.query_pairs())
        .filter(|(_, (name, value))| {
            is_signature(name) || is_credential(name) || fetched && value.len() >= TELLING
        })
        .flat_map(|(raw, (_, value))| {
            let raw = raw.split_once('=').map_or("", |(_, value)| value);
            [raw.to_owned(), value.into_owned()]
        })
        .map(Secret::new)
        .collect()
}

/// What is shorter in an address that a vendor gave out is no signature.
const TELLING: usize = 8;

/// Parts of a signed address that are no secret, and that a refusal may well be about.
const HARMLESS: &[&str] = &[
    "x-amz-algorithm",
    "x-amz-date",
    "x-amz-expires",
    "x-amz-signedheaders",
];
