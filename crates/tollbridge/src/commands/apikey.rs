//! `tollbridge apikey …`: directly on the store; a running server follows within a second.

use tollbridge_authn::ApiKeyName;
use tollbridge_config::Settings;
use tollbridge_domain::{CallerName, Clock, RouteName, SystemClock};
use tollbridge_keyring::RingEntropy;
use tollbridge_store::{ApiKeyStore, Scope, StoreError};
use tollbridge_store_sql::{Mode, Sqlite};

use super::table;
use crate::{
    cli::{self, ApiKey, Common},
    failure::Failure,
    local, output,
};

pub(super) async fn run(common: Common, command: ApiKey) -> Result<(), Failure> {
    let settings = local::load(&common.config)?.settings;
    let store = tollbridge_node::open_store(&settings, Mode::Create).await?;
    match command {
        ApiKey::Create {
            name,
            scope,
            caller,
            routes,
            expires_in,
        } => {
            let caller = belongs_to(&settings, scope, caller.as_deref())?;
            let routes = known_routes(&settings, &routes)?;
            let now = SystemClock.now();
            let expires =
                expires_in.map(|time| now.plus(i64::try_from(time.as_secs()).unwrap_or(i64::MAX)));
            let parsed =
                ApiKeyName::parse(&name).map_err(|error| Failure::Usage(error.to_string()))?;
            let (text, record) = tollbridge_authn::create(
                &parsed,
                stored(scope),
                caller,
                routes,
                expires,
                &SystemClock,
                &RingEntropy::default(),
            );
            let act = local::act("apikey.created", &record.id, &record.name);
            store
                .add_api_key(&record, &act)
                .await
                .map_err(|error| match error {
                    StoreError::Conflict => Failure::Failed(format!("a live key is named {name}; take another name, or end it first: `tollbridge apikey revoke {name}`")),
                    other => Failure::of("the key was not made", &other),
                })?;
            if common.json {
                let made = serde_json::json!({ "id": record.id, "name": record.name, "key": text.reveal() });
                output::data(&made.to_string());
            } else {
                output::words(&format!("made {} ({name}); it is shown once", record.id));
                output::data(text.reveal());
            }
            Ok(())
        }
        ApiKey::List => list(&common, &store).await,
        ApiKey::Revoke { id } => {
            let act = local::act("apikey.revoked", &id, "");
            let revoked = store
                .revoke_api_key(&id, SystemClock.now(), &act)
                .await
                .map_err(|error| Failure::of("the key was not revoked", &error))?;
            if revoked {
                let value = serde_json::json!({ "id": id, "revoked": true });
                output::done(common.json, &value, &format!("revoked {id}"));
                Ok(())
            } else {
                Err(Failure::Failed(format!(
                    "no live key has the id or name {id}"
                )))
            }
        }
    }
}

/// The caller of a minting key: the one that is named, or the only one there is.
fn belongs_to(
    settings: &Settings,
    scope: cli::Scope,
    named: Option<&str>,
) -> Result<Option<CallerName>, Failure> {
    let callers: Vec<&CallerName> = settings.callers.keys().collect();
    match (scope, named, callers.as_slice()) {
        (cli::Scope::Mint, Some(name), all) => all
            .iter()
            .find(|caller| caller.as_str() == name)
            .map(|caller| Some((*caller).clone()))
            .ok_or_else(|| Failure::Usage(format!("there is no api_key caller named {name}"))),
        (cli::Scope::Mint, None, [only]) => Ok(Some((*only).clone())),
        (cli::Scope::Mint, None, []) => Err(Failure::Configuration(
            "no caller of type api_key is configured".to_owned(),
        )),
        (cli::Scope::Mint, None, _) => Err(Failure::Usage(
            "several callers are configured: say --caller".to_owned(),
        )),
        (_, Some(_), _) => Err(Failure::Usage(
            "only a key of scope mint has a caller".to_owned(),
        )),
        (_, None, _) => Ok(None),
    }
}

fn known_routes(settings: &Settings, names: &[String]) -> Result<Vec<RouteName>, Failure> {
    names
        .iter()
        .map(|name| {
            let name = RouteName::parse(name).map_err(|error| Failure::Usage(error.to_string()))?;
            if settings.routes.contains_key(&name) {
                Ok(name)
            } else {
                Err(Failure::Usage(format!("there is no route named {name}")))
            }
        })
        .collect()
}

const fn stored(scope: cli::Scope) -> Scope {
    match scope {
        cli::Scope::Mint => Scope::Mint,
        cli::Scope::Viewer => Scope::Viewer,
        cli::Scope::Admin => Scope::Admin,
    }
}

async fn list(common: &Common, store: &Sqlite) -> Result<(), Failure> {
    let keys = store
        .api_keys()
        .await
        .map_err(|error| Failure::of("the store", &error))?;
    let when = |moment: Option<tollbridge_domain::Moment>| {
        moment.map_or_else(|| "-".to_owned(), |at| at.to_string())
    };
    if common.json {
        let rows: Vec<serde_json::Value> = keys.iter().map(tollbridge_http::api_key).collect();
        output::data(&serde_json::json!({ "apikeys": rows }).to_string());
        return Ok(());
    }
    let rows: Vec<Vec<String>> = keys
        .iter()
        .map(|key| {
            let state = if key.revoked_at.is_some() {
                "revoked"
            } else {
                "live"
            };
            vec![
                key.id.clone(),
                key.name.clone(),
                format!("{:?}", key.scope).to_lowercase(),
                key.caller
                    .as_ref()
                    .map_or_else(|| "-".to_owned(), ToString::to_string),
                state.to_owned(),
                when(key.expires_at),
                when(key.last_used_at),
            ]
        })
        .collect();
    table(
        &[
            "ID",
            "NAME",
            "SCOPE",
            "CALLER",
            "STATE",
            "EXPIRES",
            "LAST USED",
        ],
        &rows,
    );
    Ok(())
}
