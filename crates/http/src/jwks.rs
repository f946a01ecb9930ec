//! `GET /.well-known/jwks.json`.

use actix_web::{HttpRequest, HttpResponse, http::header, web};

use crate::shared::Shared;

/// The public keys of every key that verifies or is about to sign (RFC 7517, RFC 8615).
pub(crate) async fn jwks(req: HttpRequest, shared: web::Data<Shared>) -> HttpResponse {
    let snapshot = shared.keyring.snapshot();
    let jwks = snapshot.jwks();
    let etag = jwks.etag.as_str();
    let known = req
        .headers()
        .get_all(header::IF_NONE_MATCH)
        .filter_map(|line| line.to_str().ok())
        .flat_map(|line| line.split(','))
        .any(|tag| tag.trim().trim_start_matches("W/") == etag);
    let mut answer = if known {
        HttpResponse::NotModified()
    } else {
        HttpResponse::Ok()
    };
    answer
        .insert_header((header::ETAG, etag))
        .insert_header((
            header::CACHE_CONTROL,
            format!("public, max-age={}", shared.generation.load().jwks_max_age),
        ))
        .insert_header((header::CONTENT_TYPE, "application/jwk-set+json"));
    if known {
        answer.finish()
    } else {
        answer.body(jwks.body.to_vec())
    }
}
