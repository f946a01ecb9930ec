//! A bridge address asked without `Upgrade`: 426, and to the holder of a genuine token what would
//! happen. The token is not consumed.

use actix_web::http::header::{self, HeaderValue};
use tollbridge_domain::Slug;

use super::{
    admission::Entrance,
    carrier::Offer,
    handshake,
    refusal::{self, Refusal},
};
use crate::{
    problem::Problem,
    route::{Origins, Route},
};

/// Answers the plain request. A path that is no route's stays 404: there is nothing to upgrade.
pub(crate) async fn explain(entrance: &Entrance<'_>) -> Problem {
    let answer = match judged(entrance).await {
        Ok(()) if entrance.has_hook() => handshake::upgrade_required(
            "The token is good: a WebSocket handshake with it would be admitted now, if the route's hook agrees.",
        ),
        Ok(()) => handshake::upgrade_required(
            "The token is good: a WebSocket handshake with it would be admitted now.",
        ),
        Err(refusal) if entrance.may_follow(&refusal) && entrance.welcomes_strangers().is_ok() => {
            handshake::upgrade_required(
                "A WebSocket handshake would be accepted here, and its first message must bring a token.",
            )
        }
        Err(refusal) => {
            entrance.tell(&refusal);
            if refusal.slug == Slug::UnknownRoute {
                return refusal::problem(&refusal).closing();
            }
            explained(&refusal)
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

/// Judges as the upgrade would, and takes nothing: no use, no lease, none of a hook's time.
async fn judged(entrance: &Entrance<'_>) -> Result<(), Refusal> {
    let (route, query, verified) = entrance.verified(&Offer::default()).await?;
    entrance.allowed(&route, &verified)?;
    entrance.rated(&route, verified.claims())?;
    entrance.client_query(&route, &query, verified.claims())?;
    entrance.open_for_work(verified.claims())?;
    entrance.room(&route, verified.claims()).await?;
    entrance.unspent(verified.claims()).await
}

/// A stranger reads the slug and its public text, as at the upgrade itself; the holder of a
/// genuine token also reads how the upgrade would say it.
fn explained(refusal: &Refusal) -> Problem {
    let detail = refusal.slug.detail();
    let detail = match (&refusal.claims, refusal.slug.close_code()) {
        (Some(_), Some(code)) => format!(
            "A WebSocket handshake with this token would be refused: {} ({}, or close code {code}). {detail}",
            refusal.slug,
            refusal.slug.status(),
        ),
        _ => detail.to_owned(),
    };
    Problem {
        reason: Some(refusal.slug),
        ..handshake::upgrade_required(&detail)
    }
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
