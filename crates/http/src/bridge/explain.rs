//! A bridge address asked without `Upgrade`: 426, and to the holder of a genuine token what would
//! happen. The token is not consumed.

use actix_web::http::header::{self, HeaderValue};

use super::{
    admission::{Entrance, Refusal},
    handshake, refusal,
};
use crate::{
    problem::Problem,
    route::{Origins, Route},
};

/// Answers the plain request.
pub(crate) async fn explain(entrance: &Entrance<'_>) -> Problem {
    let answer = match judged(entrance).await {
        Ok(()) => handshake::upgrade_required(
            "The token is good: a WebSocket handshake with it would be admitted now.",
        ),
        Err(refusal) => {
            entrance.tell(&refusal);
            match refusal.claims {
                // A stranger learns no more than at the upgrade itself.
                None => refusal::problem(&refusal).closing(),
                Some(_) => explained(&refusal),
            }
        }
    };
    match entrance
        .route
        .as_deref()
        .and_then(|route| readable_by(route, entrance.origin.as_deref()))
    {
        Some(origin) => answer
            .header(header::ACCESS_CONTROL_ALLOW_ORIGIN, origin)
            .header(header::VARY, HeaderValue::from_static("origin")),
        None => answer,
    }
}

async fn judged(entrance: &Entrance<'_>) -> Result<(), Refusal> {
    let (route, _query, verified) = entrance.verified().await?;
    entrance.allowed(&route, &verified)?;
    entrance.rated(&route, verified.claims())
}

fn explained(refusal: &Refusal) -> Problem {
    let status = refusal.slug.status();
    let close = refusal
        .slug
        .close_code()
        .map_or(String::new(), |code| format!(" or close code {code}"));
    handshake::upgrade_required(&format!(
        "A WebSocket handshake with this token would be refused: {} ({status}{close}). {}",
        refusal.slug,
        refusal.slug.detail(),
    ))
}

fn readable_by(route: &Route, origin: Option<&str>) -> Option<HeaderValue> {
    let origin = origin?;
    let listed = matches!(&route.origins, Origins::Only(_)) && route.origins.allows(origin);
    let any = matches!(&route.origins, Origins::Any);
    if any {
        return Some(HeaderValue::from_static("*"));
    }
    listed.then(|| HeaderValue::from_str(origin).ok()).flatten()
}
