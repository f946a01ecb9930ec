//! `tollbridge demo`: no file, no account, no network.

use std::{path::Path, sync::Arc};

use actix_web::web;
use tollbridge_authn::ApiKeyName;
use tollbridge_domain::{Act, Actor, CallerName, Clock as _, Entropy, SystemClock};
use tollbridge_keyring::RingEntropy;
use tollbridge_store::Scope;

use crate::{
    cli::Demo,
    demo,
    failure::Failure,
    lifecycle::{Extra, Ready},
    output, telemetry,
};

pub(super) async fn run(options: Demo) -> Result<(), Failure> {
    let folder = tempfile::Builder::new()
        .prefix("tollbridge-demo-")
        .tempdir()
        .map_err(|error| Failure::of("a temporary folder", &error))?;
    let secret = random_hex();
    let (upstream, upstream_at) = demo::upstream(secret.clone())
        .map_err(|error| Failure::of("the demo's upstream", &error))?;
    let upstream_handle = upstream.handle();
    let running = actix_rt::spawn(upstream);
    let throwaway = options
        .tls
        .then(|| demo::Throwaway::for_listener(options.listen.ip(), SystemClock.now()))
        .transpose()
        .map_err(|error| Failure::of("the demo's certificate", &error))?;
    let config = demo::config(
        options.listen,
        throwaway.as_ref(),
        folder.path(),
        upstream_at,
        &secret,
    );
    let ready = prepare(&config, folder.path()).await?;
    let (public, admin) = (ready.public()?, ready.admin()?);
    let base = ready.public_base()?;
    let keys = demo::Keys {
        mint: make_key(&ready, Scope::Mint).await?,
        admin: make_key(&ready, Scope::Admin).await?,
    };
    let mint_key = keys.mint.clone();
    let trust = throwaway
        .map(|throwaway| throwaway.trust())
        .transpose()
        .map_err(|error| Failure::of("the demo's certificate", &error))?;
    let desk = web::Data::new(demo::Desk::new(public, admin, upstream_at, keys, trust));
    let page = demo::page(desk);
    let extra: Extra = Arc::new(move |cfg| page(cfg));
    let announce = move || {
        let unproven = if options.tls { "k" } else { "" };
        output::data(&format!("page {base}/"));
        output::data(&format!("key {mint_key}"));
        output::data(&format!(
            "curl -s{unproven} {base}/v1/tokens -H 'Authorization: Bearer {mint_key}' -H 'Content-Type: application/json' -d '{{\"route\":\"echo\"}}'"
        ));
        if options.tls {
            output::words(
                "the certificate was made for this run and nobody vouches for it: the browser will warn, go on",
            );
        }
        if !options.no_open && webbrowser::open(&format!("{base}/")).is_err() {
            output::words("no browser could be opened; open the page's address yourself");
        }
    };
    let outcome = ready.run(Some(extra), announce).await;
    upstream_handle.stop(false).await;
    let _stopped = running.await;
    outcome
}

async fn prepare(text: &str, folder: &Path) -> Result<Ready, Failure> {
    let loaded = tollbridge_config::parse(text, "the demo's configuration", folder, Vec::new())
        .map_err(|problems| Failure::Configuration(problems.to_string()))?;
    telemetry::start(&loaded.settings.log);
    Ready::prepare(loaded.settings, None).await
}

async fn make_key(ready: &Ready, scope: Scope) -> Result<String, Failure> {
    let shared = ready.shared();
    let (name, caller) = match scope {
        Scope::Mint => ("demo", CallerName::parse("backend").ok()),
        Scope::Viewer | Scope::Admin => ("demo-admin", None),
    };
    let name =
        ApiKeyName::parse(name).map_err(|error| Failure::of("the demo's API key", &error))?;
    let (text, record) = tollbridge_authn::create(
        &name,
        scope,
        caller,
        Vec::new(),
        None,
        shared.clock.as_ref(),
        shared.entropy.as_ref(),
    );
    let act = Act {
        actor: Actor::system(),
        event: "apikey.created",
        target: record.id.clone(),
        why: "demo".to_owned(),
    };
    shared
        .store
        .add_api_key(&record, &act)
        .await
        .map_err(|error| Failure::of("the demo's API key", &error))?;
    shared
        .api_keys
        .refresh()
        .await
        .map_err(|error| Failure::of("the demo's API key", &error))?;
    Ok(text.reveal().clone())
}

fn random_hex() -> String {
    let mut bytes = [0_u8; 16];
    RingEntropy::default().fill(&mut bytes);
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}
