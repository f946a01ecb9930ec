//! A minted token as its bearer gets it: alone, and in the address that it opens.

use tollbridge_domain::{Grant, Secret};
use tollbridge_token::Minted;

use crate::{query, shared::Generation};

/// The token as its bearer gets it: with the route's prefix in front.
#[must_use]
pub fn token(generation: &Generation, grant: &Grant, minted: &Minted) -> Secret<String> {
    let route = generation.routes.get(grant.route.as_str());
    let prefix = route.map_or("", |route| &route.carriers.prefix);
    Secret::new([prefix, minted.token.reveal()].concat())
}

/// The body of a 201: the token and the complete address with the token in it.
#[must_use]
pub fn body(generation: &Generation, grant: &Grant, minted: &Minted) -> serde_json::Value {
    let claims = &minted.claims;
    let token = token(generation, grant, minted);
    let token = token.reveal();
    let max_session = grant.max_session.map(u64::from).or_else(|| {
        let route = generation.routes.get(grant.route.as_str())?;
        Some(route.limits.max_session.as_secs())
    });
    serde_json::json!({
        "token": token,
        "url": url(generation, grant, token),
        "expires_in": grant.redeem_within,
        "expires_at": claims.expires_at().seconds(),
        "route": grant.route.as_str(),
        "subject": grant.subject.as_str(),
        "uses": grant.uses,
        "max_session": max_session,
        "jti": claims.jti().as_str(),
    })
}

/// The complete address with the token in it.
pub(crate) fn url(generation: &Generation, grant: &Grant, token: &str) -> String {
    let base = generation.public_url.replacen("http", "ws", 1);
    let query = in_query(generation, grant, token);
    format!("{base}/v1/bridge/{}{query}", grant.route)
}

/// The token in the first query parameter that the route reads it from, one without a scheme where
/// there is one. A route without any is reached by its other carriers.
fn in_query(generation: &Generation, grant: &Grant, token: &str) -> String {
    let route = generation.routes.get(grant.route.as_str());
    let carriers = route.map_or(&[][..], |route| &route.carriers.query);
    let plain = carriers.iter().find(|carrier| carrier.before.is_empty());
    let carrier = plain.or_else(|| carriers.first());
    carrier.map_or_else(String::new, |carrier| {
        let (name, before) = (&carrier.name, &carrier.before);
        let value = [query::encode(before), token.to_owned()].concat();
        format!("?{}={value}", query::encode(name))
    })
}
