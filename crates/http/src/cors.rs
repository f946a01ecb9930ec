//! Which pages of other origins may mint, as browsers ask it (<https://fetch.spec.whatwg.org/#http-cors-protocol>).

use actix_cors::Cors;
use actix_web::{
    http::{
        Method,
        header::{self, HeaderMap, HeaderValue},
    },
    web::Data,
};

use crate::{
    request::X_REQUEST_ID,
    route::Origins,
    shared::{Generation, Shared},
};

/// How long a browser may remember the answer, seconds.
const REMEMBERED: usize = 600;

/// Lets pages mint that stand on a route's list by their exact origin, where somebody may mint for
/// that route in a visitor's name. An API key has no business in a page, and `["*"]` names nobody:
/// a browser that sends cookies wants an exact name.
pub(crate) fn pages(shared: Data<Shared>) -> Cors {
    Cors::default()
        .allowed_origin_fn(move |origin, _head| may_mint(&shared.generation.load(), origin))
        .allowed_methods([Method::POST])
        .allowed_headers([header::AUTHORIZATION, header::CONTENT_TYPE])
        .expose_headers([header::RETRY_AFTER, X_REQUEST_ID])
        .supports_credentials()
        .max_age(REMEMBERED)
}

/// Who may not read an answer, or did not say that a page asks, is not told what pages may do with it.
pub(crate) fn all_or_nothing(headers: &mut HeaderMap) {
    if !headers.contains_key(header::ACCESS_CONTROL_ALLOW_ORIGIN) {
        for name in [
            header::ACCESS_CONTROL_ALLOW_CREDENTIALS,
            header::ACCESS_CONTROL_EXPOSE_HEADERS,
        ] {
            headers.remove(name);
        }
    }
}

fn may_mint(generation: &Generation, origin: &HeaderValue) -> bool {
    let Ok(origin) = origin.to_str() else {
        return false;
    };
    generation.routes.iter().any(|route| {
        let by_visitors = route
            .callers
            .iter()
            .any(|caller| !generation.api_key_callers.contains(caller));
        let listed = match &route.origins {
            Origins::Any => false,
            listed @ Origins::Only(_) => listed.allows(origin),
        };
        by_visitors && listed
    })
}
