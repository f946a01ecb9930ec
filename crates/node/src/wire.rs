//! Settings to running parts: the only place that turns what is written down into what runs.

use std::{collections::HashMap, net::SocketAddr, num::NonZeroU32, sync::Arc, time::Duration};

use tollbridge_authn::{ApiKeys, Chain};
use tollbridge_config as written;
use tollbridge_domain::CallerName;
use tollbridge_http::{Generation, Rate, Table, Trust};

mod allow;
mod callers;
mod engines;
mod hook;
mod route;

/// Why settings that passed the check do not run here: a file that cannot be read, a pattern.
#[derive(Debug, thiserror::Error)]
#[error("{key}: {why}")]
pub struct WireError {
    key: String,
    why: String,
}

/// The generation before, and the settings that it was made of. What has fetched something keeps it
/// where its settings are the same: a reload during an outage must not make the outage ours.
#[derive(Clone, Copy)]
pub struct Before<'a> {
    /// What was written.
    pub settings: &'a written::Settings,
    /// What was made of it.
    pub generation: &'a Generation,
}

/// Makes the generation that the settings describe. `public` is where the public listener is
/// really bound: the default of `server.public_url`. Without API keys nobody can authenticate: that
/// is for commands that only want the routes.
///
/// # Errors
/// Where something that is written down cannot be had here: a file, a pattern.
pub fn generation(
    settings: &written::Settings,
    number: u64,
    public: SocketAddr,
    api_keys: Option<&Arc<ApiKeys>>,
    before: Option<Before<'_>>,
) -> Result<Generation, WireError> {
    let routes = settings
        .routes
        .iter()
        .map(|(name, written)| route::route(name, written, before))
        .collect::<Result<Vec<_>, _>>()?;
    let seconds = |time: Duration| u32::try_from(time.as_secs()).unwrap_or(u32::MAX);
    Ok(Generation {
        number,
        routes: Table::new(routes),
        chain: Chain::new(match api_keys {
            Some(keys) => callers::callers(settings, keys, before)?,
            None => Vec::new(),
        }),
        api_key_callers: settings
            .callers
            .iter()
            .filter(|(_, caller)| matches!(caller.kind, written::CallerKind::ApiKey))
            .map(|(name, _)| name.clone())
            .collect(),
        application: settings
            .callers
            .iter()
            .find(|(_, caller)| matches!(caller.kind, written::CallerKind::Application))
            .map(|(name, _)| name.clone()),
        jwks_max_age: tollbridge_keyring::jwks_max_age(&crate::store::policy(settings)),
        mint_rates: mint_rates(settings),
        trust: Trust {
            proxies: settings.server.trusted_proxies.clone(),
            header: settings.server.forwarded_header.clone(),
        },
        public_url: public_url(settings, public),
        redeem_within: seconds(settings.tokens.redeem_within),
        max_redeem_within: seconds(settings.tokens.max_redeem_within),
        max_sessions: u32::try_from(settings.server.max_sessions).unwrap_or(u32::MAX),
        max_body: usize::try_from(settings.server.max_body).unwrap_or(usize::MAX),
        body_timeout: settings.server.handshake_timeout,
        shown: settings.show(),
    })
}

/// Where bearers reach the bridge.
#[must_use]
pub fn public_url(settings: &written::Settings, public: SocketAddr) -> String {
    settings
        .server
        .public_url
        .clone()
        .unwrap_or_else(|| format!("{}://{public}", scheme(settings)))
}

/// What the public listener speaks.
#[must_use]
pub const fn scheme(settings: &written::Settings) -> &'static str {
    if settings.server.tls.is_some() {
        "https"
    } else {
        "http"
    }
}

/// The issuer and audience of every token.
#[must_use]
pub fn issuer(settings: &written::Settings, public: SocketAddr) -> String {
    settings
        .tokens
        .issuer
        .clone()
        .unwrap_or_else(|| public_url(settings, public))
}

fn mint_rates(settings: &written::Settings) -> HashMap<CallerName, Rate> {
    settings
        .callers
        .iter()
        .filter_map(|(name, caller)| Some((name.clone(), rate(caller.mints_per_minute)?)))
        .collect()
}

fn rate(per_minute: Option<u32>) -> Option<Rate> {
    per_minute.and_then(NonZeroU32::new).map(Rate::per_minute)
}
