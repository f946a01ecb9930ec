//! The actix surface of Tollbridge, mountable in any actix-web app.
//!
//! Two planes, two functions: [`public`] mints and bridges, [`admin()`] watches and acts. Both take
//! their state from app data ([`Shared`] once a process, [`Worker`] once a thread) and want
//! [`layer`] around them, which gives requests their ids and problems their bodies.

mod admin;
mod ask;
mod audit;
mod body;
mod bridge;
mod carriers;
mod denials;
mod forwarded;
mod health;
mod jwks;
mod metrics;
mod mint;
mod openai;
mod problem;
pub mod query;
mod rate;
mod request;
mod revoked;
mod route;
mod shared;
mod sign;
mod takeover;
mod wire;

use actix_web::{HttpResponse, http::header, web};

pub use self::{
    admin::Door,
    audit::{AuditSink, AuditWriter, chain, sink},
    bridge::{Probe, probe},
    carriers::{Carriers, InMessage, InSubprotocol, Named},
    denials::{Denial, Denials},
    forwarded::Trust,
    metrics::{Metrics, TlsMetrics},
    mint::{grant, minted_body, presented},
    problem::{Code, FieldError, Problem},
    rate::{Key, Rate},
    request::{RequestId, layer},
    revoked::{Revoked, names},
    route::{Caps, Compression, Origins, Param, RefuseBy, Route, Table},
    shared::{Generation, Health, ReloadError, ReloadReport, Shared, Steering, Worker},
    sign::{Read, Sign},
    takeover::{Listening, ServerPair, ServerPairError, ServerTls, Workers, serve},
    wire::{api_key, signing_key},
};

/// Mounts the public plane: mint, bridge, keys, health.
pub fn public(cfg: &mut web::ServiceConfig) {
    cfg.service(only(web::resource("/v1/tokens"), "POST").route(web::post().to(mint::mint)))
        .service(
            only(web::resource("/v1/realtime/client_secrets"), "POST")
                .route(web::post().to(openai::client_secrets)),
        )
        .service(
            only(web::resource("/.well-known/jwks.json"), "GET, HEAD")
                .route(web::get().to(jwks::jwks))
                .route(web::head().to(jwks::jwks)),
        )
        .configure(healthy)
        .default_service(web::to(bridge::bridge));
}

/// Mounts the admin plane; the app data says through which [`Door`].
pub fn admin(cfg: &mut web::ServiceConfig) {
    cfg.configure(admin::configure)
        .configure(healthy)
        .service(only(web::resource("/startupz"), "GET").route(web::get().to(health::startupz)))
        .service(only(web::resource("/metrics"), "GET").route(web::get().to(scrape)))
        .default_service(web::to(nothing));
}

fn healthy(cfg: &mut web::ServiceConfig) {
    cfg.service(only(web::resource("/livez"), "GET").route(web::get().to(health::livez)))
        .service(only(web::resource("/readyz"), "GET").route(web::get().to(health::readyz)));
}

/// A resource that answers every other method with 405 and what it takes.
fn only(resource: actix_web::Resource, methods: &'static str) -> actix_web::Resource {
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
