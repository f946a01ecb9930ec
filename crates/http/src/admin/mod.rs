//! The admin API: sessions, keys, API keys, revocations, denials, audit, drain, reload.

mod apikeys;
mod asked;
mod door;
mod keys;
mod node;
mod revocations;
mod sessions;

use actix_web::{HttpResponse, http::header, web};

pub use self::door::Door;
use crate::{
    audit::chain,
    problem::{Code, Problem},
};

/// Mounts `/admin/v1/…`.
pub(crate) fn configure(cfg: &mut web::ServiceConfig) {
    cfg.service(
        web::scope("/admin/v1")
            .route("/overview", web::get().to(node::overview))
            .route("/routes", web::get().to(node::routes))
            .route("/denials", web::get().to(node::denials))
            .route("/audit", web::get().to(node::audit))
            .route("/config", web::get().to(node::config))
            .route("/drain", web::post().to(node::drain))
            .route("/reload", web::post().to(node::reload))
            .route("/sessions", web::get().to(sessions::list))
            .route("/sessions/{id}", web::delete().to(sessions::kill))
            .route("/keys", web::get().to(keys::list))
            .route("/keys/rotate", web::post().to(keys::rotate))
            .route("/keys/{kid}/revoke", web::post().to(keys::revoke))
            .route("/apikeys", web::get().to(apikeys::list))
            .route("/apikeys", web::post().to(apikeys::create))
            .route("/apikeys/{id}", web::delete().to(apikeys::revoke))
            .route("/revocations", web::get().to(revocations::list))
            .route("/revocations", web::post().to(revocations::add)),
    );
}

/// 200 with a body that is not to be kept.
fn ok(body: &serde_json::Value) -> HttpResponse {
    HttpResponse::Ok()
        .insert_header((header::CACHE_CONTROL, "no-store"))
        .json(body)
}

/// The operator may read why the store did not do it.
fn failed(error: &dyn std::error::Error) -> Problem {
    tracing::error!(event = "admin.failed", error = %chain(error), "an operator act failed");
    Problem::with(Code::Slug(tollbridge_domain::Slug::Internal), chain(error))
}
