//! The actix surface of Tollbridge, mountable in any actix-web app.
//!
//! Two planes, two functions: [`public`] mints and bridges, [`admin()`] watches and acts. Both take
//! their state from app data ([`Shared`] once a process, [`Worker`] once a thread) and want
//! [`layer`] around them, which gives requests their ids and problems their bodies.
//!
//! Another application mounts [`mint()`] behind its own login and [`bridge()`] beside it; these two
//! bring their state and their layer along.

mod admin;
mod allow;
mod ask;
mod audit;
mod body;
mod bridge;
mod carriers;
mod cors;
mod denials;
mod drain;
mod forwarded;
mod health;
mod identity;
mod jwks;
mod metrics;
mod mint;
mod oauth;
mod openai;
mod openapi;
mod presented;
mod problem;
pub mod query;
mod rate;
mod request;
mod revoked;
mod revoking;
mod route;
mod sender;
mod shared;
mod sign;
mod takeover;
mod tally;
mod wire;

use actix_web::{HttpResponse, guard, http::header, middleware::from_fn, web};

pub use self::{
    admin::Door,
    allow::{Ceilings, Rule},
    audit::{AuditSink, AuditWriter, chain, sink},
    bridge::{Probe, probe},
    carriers::{Carriers, InMessage, InSubprotocol, Named},
    denials::{Denial, Denials},
    forwarded::Trust,
    identity::Identity,
    metrics::{HookMetrics, ListenerMetrics, Metrics, TlsMetrics},
    mint::grant,
    openapi::document as openapi_document,
    presented::{body as minted_body, token as presented},
    problem::{Code, FieldError, Problem},
    rate::{Key, Rate},
    request::{RequestId, layer},
    revoked::{Revoked, names},
    route::{Caps, Compression, Origins, Param, RefuseBy, Route, Table},
    shared::{Generation, Health, ReloadError, ReloadReport, Shared, Steering, Worker},
    sign::{Read, Sign},
    takeover::{Listening, ServerPair, ServerPairError, ServerTls, Workers, serve},
    tally::Tally,
    wire::{api_key, signing_key},
};

/// Mounts the public plane: mint, bridge, keys, health.
pub fn public(shared: web::Data<Shared>) -> impl FnOnce(&mut web::ServiceConfig) {
    move |cfg| {
        for resource in minting() {
            cfg.service(resource.wrap(cors::pages(shared.clone())));
        }
        cfg.configure(oauth)
            .service(
                only("/v1/openapi.json", "GET, HEAD")
                    .route(web::get().to(openapi::openapi))
                    .route(web::head().to(openapi::openapi)),
            )
            .service(asked_by_proxies())
            .service(published())
            .configure(healthy)
            .default_service(web::to(bridge::bridge));
    }
}

/// Mounts the mint in an application, whose own middleware may vouch with an [`Identity`].
pub fn mint(shared: web::Data<Shared>) -> impl FnOnce(&mut web::ServiceConfig) {
    move |cfg| {
        for resource in minting() {
            let pages = cors::pages(shared.clone());
            cfg.service(
                resource
                    .app_data(shared.clone())
                    .wrap(pages)
                    .wrap(from_fn(layer)),
            );
        }
    }
}

/// Mounts the bridge in an application: routes by name and at their own paths, and the public keys.
/// To be called in the closure that makes the application, once a worker thread.
pub fn bridge(shared: web::Data<Shared>) -> impl FnOnce(&mut web::ServiceConfig) {
    move |cfg| {
        let known = shared.clone();
        let ours = guard::fn_guard(move |asked| {
            let generation = known.generation.load();
            generation.routes.owns(asked.head().uri.path())
        });
        let routes = web::resource("/{path:.*}")
            .guard(ours)
            .app_data(shared.clone())
            .app_data(web::ThinData(Worker::default()))
            .wrap(from_fn(layer))
            .to(bridge::bridge);
        cfg.service(published().app_data(shared).wrap(from_fn(layer)))
            .service(routes);
    }
}

/// The addresses that mint.
fn minting() -> [actix_web::Resource; 2] {
    [
        only("/v1/tokens", "POST").route(web::post().to(mint::mint)),
        only("/v1/realtime/client_secrets", "POST").route(web::post().to(openai::client_secrets)),
    ]
}

/// The public keys.
fn published() -> actix_web::Resource {
    only("/.well-known/jwks.json", "GET, HEAD")
        .route(web::get().to(jwks::jwks))
        .route(web::head().to(jwks::jwks))
}

/// Mounts the admin plane; the app data says through which [`Door`].
pub fn admin(cfg: &mut web::ServiceConfig) {
    cfg.configure(admin::configure)
        .configure(healthy)
        .service(only("/startupz", "GET").route(web::get().to(health::startupz)))
        .service(only("/metrics", "GET").route(web::get().to(scrape)))
        .default_service(web::to(nothing));
}

/// Where proxies ask; some put the address that they were asked for behind ours. A scope, so that the
/// pattern is tried where it can match and not for every session.
fn asked_by_proxies() -> actix_web::Scope {
    let any = answering(web::resource(["", "/{target:.*}"]), "GET, HEAD")
        .route(web::get().to(bridge::forward_auth))
        .route(web::head().to(bridge::forward_auth));
    web::scope(bridge::FORWARD_AUTH)
        .guard(spelt_out())
        .service(any)
}

fn oauth(cfg: &mut web::ServiceConfig) {
    cfg.service(only("/v1/oauth/token", "POST").route(web::post().to(oauth::exchange)))
        .service(only("/v1/tokens/introspect", "POST").route(web::post().to(oauth::introspect)))
        .service(only("/v1/tokens/revoke", "POST").route(web::post().to(oauth::revoke)));
}

fn healthy(cfg: &mut web::ServiceConfig) {
    cfg.service(only("/livez", "GET").route(web::get().to(health::livez)))
        .service(only("/readyz", "GET").route(web::get().to(health::readyz)));
}

/// A resource whose address is what came: actix compares what is left of `/v1/%74okens` after decoding,
/// and a proxy in front that guards `/v1/tokens` does not.
fn only(path: &'static str, methods: &'static str) -> actix_web::Resource {
    let spelt = guard::fn_guard(move |asked| asked.head().uri.path().ends_with(path));
    answering(web::resource(path).guard(spelt), methods)
}

/// The same of an address that others put theirs behind.
fn spelt_out() -> impl guard::Guard {
    guard::fn_guard(|asked| asked.head().uri.path().starts_with(bridge::FORWARD_AUTH))
}

/// A resource that answers every other method with 405 and what it takes.
fn answering(resource: actix_web::Resource, methods: &'static str) -> actix_web::Resource {
    resource.default_service(web::to(move || async move {
        Err::<HttpResponse, Problem>(
            Problem::new(Code::MethodNotAllowed)
                .header(header::ALLOW, header::HeaderValue::from_static(methods))
                .closing(),
        )
    }))
}

async fn nothing() -> Result<HttpResponse, Problem> {
    Err(Problem::new(Code::NotFound))
}

async fn scrape(shared: web::Data<Shared>) -> Result<HttpResponse, Problem> {
    for key in shared.keyring.snapshot().records() {
        let stage = serde_json::to_value(key.stage).unwrap_or_default();
        let stage = stage.as_str().unwrap_or_default();
        for state in ["staged", "active", "retiring", "retired"] {
            let is = i64::from(state == stage);
            shared
                .metrics
                .key_info
                .with_label_values(&[key.kid.as_str(), state])
                .set(is);
        }
        if let Some(at) = key.activated_at {
            shared
                .metrics
                .key_activated
                .with_label_values(&[key.kid.as_str()])
                .set(at.seconds());
        }
    }
    for route in shared.generation.load().routes.iter() {
        if let Some(limit) = route.caps.sessions {
            shared
                .metrics
                .sessions_limit
                .with_label_values(&[route.name.as_str()])
                .set(limit.into());
        }
    }
    let text = shared.metrics.text().map_err(|error| {
        tracing::error!(event = "metrics.failed", error = %error, "the metrics could not be encoded");
        Problem::from(tollbridge_domain::Slug::Internal)
    })?;
    Ok(HttpResponse::Ok()
        .content_type("text/plain; version=0.0.4")
        .body(text))
}
