//! `tollbridge token …`

use std::{fs, path::PathBuf, sync::Arc};

use serde_json::{Map, Value};
use tollbridge_authn::{Caller, RouteLimit, SubjectRule};
use tollbridge_domain::{CallerName, Clock, Moment, Slug, Subject, SystemClock};
use tollbridge_http::{Generation, Revoked};
use tollbridge_keyring::RingEntropy;
use tollbridge_store::{AuditEntry, AuditLog, Scope};
use tollbridge_store_sql::Mode;
use tollbridge_token::{Minter, RawToken, Verifier};

use crate::{
    cli::{Common, Mint, Token},
    failure::Failure,
    local, output,
};

pub(super) async fn run(common: Common, command: Token) -> Result<(), Failure> {
    match command {
        Token::Mint(ask) => mint(&common, &ask).await,
        Token::Inspect { path } => inspect(path),
        Token::Verify { path } => verify(&common, path).await,
    }
}

/// Mints on the store itself, under the same policy as the API, for the caller `cli`.
async fn mint(common: &Common, ask: &Mint) -> Result<(), Failure> {
    tollbridge_token::install();
    let settings = local::load(&common.config)?.settings;
    let store = tollbridge_node::open_store(&settings, Mode::Create).await?;
    let keyring = tollbridge_node::open_keys(&settings, store.clone()).await?;
    let generation = tollbridge_node::generation(&settings, 0, settings.server.listen, None, None)
        .map_err(|error| Failure::Configuration(error.to_string()))?;
    let clock: Arc<dyn Clock> = Arc::new(SystemClock);
    let issuer = tollbridge_node::issuer(&settings, settings.server.listen);
    let minter = Minter::new(
        keyring,
        issuer,
        Arc::clone(&clock),
        Arc::new(RingEntropy::default()),
    );
    let body = request(ask)?.to_string();
    let caller = operator()?;
    let mut facts = Vec::new();
    for _ in 0..ask.count {
        let grant = tollbridge_http::grant(body.as_bytes(), &caller, &ask.route, &generation)
            .map_err(|problem| refused(&problem))?;
        let minted = minter
            .mint(grant.clone())
            .map_err(|error| Failure::of("not minted", &error))?;
        facts.push(fact(clock.now(), &minted, &grant));
        output::data(&present(common.json, &generation, &grant, &minted));
    }
    store
        .append(&facts)
        .await
        .map_err(|error| Failure::of("the audit log", &error))
}

/// Whoever can open the store and its master key may mint for every route.
fn operator() -> Result<Caller, Failure> {
    Ok(Caller {
        name: CallerName::parse("cli").map_err(|error| Failure::of("the caller", &error))?,
        key: None,
        claims: None,
        scope: Scope::Mint,
        subject: SubjectRule::Free {
            default: Subject::parse("cli").map_err(|error| Failure::of("the subject", &error))?,
        },
        routes: RouteLimit::Every,
    })
}

fn request(ask: &Mint) -> Result<Value, Failure> {
    let mut body = Map::new();
    let mut set = |name: &str, value: Option<Value>| {
        if let Some(value) = value {
            body.insert(name.to_owned(), value);
        }
    };
    set("route", Some(ask.route.clone().into()));
    set("uses", ask.uses.map(Into::into));
    set("redeem_within", ask.redeem_within.map(Into::into));
    set("max_session", ask.max_session.map(Into::into));
    set("subject", ask.subject.clone().map(Into::into));
    set("origin", ask.origin.clone().map(Into::into));
    set("label", ask.label.clone().map(Into::into));
    if !ask.params.is_empty() {
        let mut params = Map::new();
        for pair in &ask.params {
            let (name, value) = pair
                .split_once('=')
                .ok_or_else(|| Failure::Usage("--param takes NAME=VALUE".to_owned()))?;
            params.insert(name.to_owned(), value.into());
        }
        set("params", Some(params.into()));
    }
    Ok(body.into())
}

fn refused(problem: &tollbridge_http::Problem) -> Failure {
    let mut text = problem.to_string();
    for error in &problem.errors {
        text.push_str(&format!("\n  {} {}", error.pointer, error.detail));
    }
    Failure::Failed(text)
}

fn present(
    json: bool,
    generation: &Generation,
    grant: &tollbridge_domain::Grant,
    minted: &tollbridge_token::Minted,
) -> String {
    if json {
        tollbridge_http::minted_body(generation, grant, minted).to_string()
    } else {
        tollbridge_http::presented(generation, grant, minted)
            .reveal()
            .clone()
    }
}

fn fact(
    at: Moment,
    minted: &tollbridge_token::Minted,
    grant: &tollbridge_domain::Grant,
) -> AuditEntry {
    AuditEntry {
        seq: 0,
        at,
        who: local::operator().who,
        from: "local".to_owned(),
        event: "token.minted".to_owned(),
        target: minted.claims.jti().to_string(),
        why: grant.label.clone().unwrap_or_default(),
        result: "ok".to_owned(),
        facts: serde_json::json!({ "route": grant.route.as_str(), "subject": grant.subject.as_str(), "kid": minted.kid.as_str(), "uses": grant.uses }),
    }
}

fn read(path: Option<PathBuf>) -> Result<RawToken, Failure> {
    let text = match path {
        Some(path) => fs::read_to_string(path),
        None => std::io::read_to_string(std::io::stdin()),
    };
    let text = text.map_err(|error| Failure::of("the token", &error))?;
    RawToken::parse(unprefixed(text.trim())).map_err(|error| Failure::Negative(error.to_string()))
}

/// A token begins with its header, `{"` in base64url; what stands before is a route's prefix.
fn unprefixed(text: &str) -> &str {
    text.find("eyJ")
        .and_then(|start| text.get(start..))
        .unwrap_or(text)
}

fn inspect(path: Option<PathBuf>) -> Result<(), Failure> {
    let raw = read(path)?;
    let inspected =
        tollbridge_token::inspect(&raw).map_err(|error| Failure::Negative(error.to_string()))?;
    output::words("NOT VERIFIED: anybody can write these claims");
    output::data(&serde_json::json!(inspected).to_string());
    Ok(())
}

async fn verify(common: &Common, path: Option<PathBuf>) -> Result<(), Failure> {
    tollbridge_token::install();
    let raw = read(path)?;
    let settings = local::load(&common.config)?.settings;
    let store = tollbridge_node::open_store(&settings, Mode::Existing).await?;
    let keyring = tollbridge_node::open_keys(&settings, store.clone()).await?;
    let issuer = tollbridge_node::issuer(&settings, settings.server.listen);
    let life = u32::try_from(settings.tokens.max_redeem_within.as_secs()).unwrap_or(u32::MAX);
    let verifier = Verifier::new(keyring, issuer, Moment::from_seconds(0), life);
    let now = SystemClock.now();
    let revoked = Revoked::new(store);
    revoked
        .refresh(now)
        .await
        .map_err(|error| Failure::of("the store", &error))?;
    match verifier.verify(&raw, now).await {
        Ok(verified) if revoked.covers(verified.claims(), verified.kid(), now) => Err(
            Failure::Negative(format!("{}: the token is revoked", Slug::Revoked)),
        ),
        Ok(verified) => {
            let claims = verified.claims();
            output::data(
                &serde_json::json!({
                    "valid": true,
                    "kid": verified.kid().as_str(),
                    "jti": claims.jti().as_str(),
                    "route": claims.route().as_str(),
                    "subject": claims.subject().as_str(),
                    "client_id": claims.client_id().as_str(),
                    "expires_at": claims.expires_at().seconds(),
                    "uses": claims.uses(),
                })
                .to_string(),
            );
            Ok(())
        }
        Err(refusal) => Err(Failure::Negative(format!("{}: {refusal}", refusal.slug()))),
    }
}
