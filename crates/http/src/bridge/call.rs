//! Calling the upstream with the real credentials, and giving a use back where that came to
//! nothing.

use std::time::{Duration, Instant};

use tollbridge_credential::Fetched;
use tollbridge_domain::{Secret, Slug, Telltale};
use tollbridge_store::GiveBack;
use tollbridge_upstream::{DialError, Dialled};

use super::{
    admission::{Admitted, Entrance},
    carrier,
    compose::{Composed, Occasion, compose},
    facts,
    handshake::Handshake,
    negotiate,
    refusal::{Refusal, Said},
};
use crate::{
    route::Route,
    shared::{Shared, Worker},
};

/// An upstream that did not take the call, and whether it can have noticed.
pub(crate) struct Failed {
    refusal: Refusal,
    untouched: bool,
    /// With which the upstream answered, if it did.
    status: Option<u16>,
}

/// What was agreed with the upstream.
pub(crate) struct Agreed {
    pub(crate) dialled: Dialled,
    /// What no close reason may carry to the client.
    pub(crate) secrets: Vec<Secret<String>>,
    /// What is set in the client's first message, by JSON pointer.
    pub(crate) message: Vec<(String, Secret<String>)>,
}

/// Dials the upstream with the real credentials.
pub(crate) async fn dial(
    entrance: &Entrance<'_>,
    admitted: &Admitted,
    handshake: &Handshake,
    worker: &Worker,
) -> Result<Agreed, Failed> {
    let fetched = fetch(entrance, admitted, worker).await?;
    let first = once(entrance, admitted, handshake, worker, fetched.as_ref()).await;
    let unauthorized = matches!(&first, Err(failed) if failed.status == Some(401));
    let (true, Some(old), Some(credential)) = (unauthorized, &fetched, &admitted.route.fetch)
    else {
        return first;
    };
    // Revoked before its time, or a clock that differs: one renewal, one more dial.
    credential.refused(old);
    let renewed = fetch(entrance, admitted, worker).await;
    let renewed = renewed.map_err(|failed| Failed {
        // The upstream has seen a handshake of this token.
        untouched: false,
        ..failed
    })?;
    if renewed.as_ref().map(Fetched::generation) == Some(old.generation()) {
        return first;
    }
    let second = once(entrance, admitted, handshake, worker, renewed.as_ref()).await;
    second.map_err(|failed| Failed {
        untouched: false,
        ..failed
    })
}

/// Fetches what the route's engine fetches.
async fn fetch(
    entrance: &Entrance<'_>,
    admitted: &Admitted,
    worker: &Worker,
) -> Result<Option<Fetched>, Failed> {
    let Some(credential) = &admitted.route.fetch else {
        return Ok(None);
    };
    let fetched = credential.get(worker.asking()).await;
    fetched.map(Some).map_err(|error| {
        tracing::warn!(
            event = "upstream.failed",
            request_id = entrance.request_id,
            session_id = %admitted.session,
            route = %admitted.route.name,
            code = error.slug().as_str(),
            reason = %crate::audit::chain(&error),
            "there is no credential to dial with"
        );
        let claims = admitted.admission.claims();
        Failed {
            refusal: Refusal {
                retry_after: (error.slug() != Slug::UpstreamRefused).then_some(1),
                upstream: Some(Box::new(Said {
                    session: admitted.session.clone(),
                    kept: Vec::new(),
                })),
                ..Refusal::genuine(error.slug(), error.to_string(), claims)
            },
            untouched: true,
            status: None,
        }
    })
}

/// One dial.
async fn once(
    entrance: &Entrance<'_>,
    admitted: &Admitted,
    handshake: &Handshake,
    worker: &Worker,
    fetched: Option<&Fetched>,
) -> Result<Agreed, Failed> {
    let route = &admitted.route;
    let claims = admitted.admission.claims();
    let composed = compose(route, occasion(entrance, admitted, handshake, fetched));
    let composed = composed.map_err(|error| Failed {
        refusal: Refusal::genuine(error.slug(fetched), error.to_string(), claims),
        untouched: true,
        status: None,
    })?;
    let Composed {
        call,
        secrets,
        message,
    } = composed;
    let begun = Instant::now();
    let outcome = worker
        .dialer(entrance.generation.number, route)
        .dial(call)
        .await;
    observe(entrance.shared, route, &outcome, begun.elapsed());
    match outcome {
        Ok(dialled) => Ok(Agreed {
            dialled,
            secrets,
            message,
        }),
        Err(error) => {
            let upstream = tell(entrance, admitted, &error, &secrets, begun.elapsed());
            let refusal = Refusal {
                // A refused credential does not mend itself by waiting.
                retry_after: (error.slug() != Slug::UpstreamRefused).then_some(1),
                upstream: Some(Box::new(upstream)),
                ..Refusal::genuine(error.slug(), error.to_string(), claims)
            };
            Err(Failed {
                refusal,
                untouched: error.untouched(),
                status: error.status(),
            })
        }
    }
}

/// The client's own head contributes only what is on a list.
fn occasion<'a>(
    entrance: &Entrance<'_>,
    admitted: &'a Admitted,
    handshake: &Handshake,
    fetched: Option<&'a Fetched>,
) -> Occasion<'a> {
    let route = &admitted.route;
    let claims = admitted.admission.claims();
    let mut random = [0_u8; 16];
    entrance.shared.entropy.fill(&mut random);
    let passed = route.header_allow.iter().flat_map(|name| {
        let lines = entrance.req.headers().get_all(name.as_str());
        lines
            .filter(|value| !carrier::bears(&route.carriers, name, value.as_bytes()))
            .map(move |value| (name.clone(), value.as_bytes().to_vec()))
    });
    Occasion {
        session: &admitted.session,
        subject: claims.subject(),
        params: claims.params(),
        client_query: &admitted.client_query,
        passed: passed.collect(),
        protocols: handshake.offer.upstream.clone(),
        extensions: negotiate::extensions(route, handshake),
        fetched,
        now: entrance.shared.clock.now(),
        random,
    }
}

/// Writes down what the upstream said, and picks out what the client may know of it.
fn tell(
    entrance: &Entrance<'_>,
    admitted: &Admitted,
    error: &DialError,
    secrets: &[Secret<String>],
    took: Duration,
) -> Said {
    let route = &admitted.route;
    let refused = error.refused();
    let headers = || {
        let lines = refused.into_iter().flat_map(|refused| &refused.headers);
        lines.map(|(name, value)| (name.as_str(), value.as_bytes()))
    };
    let body = refused.map(|refused| Telltale::of(secrets).redacted(&refused.body));
    tracing::warn!(
        event = "upstream.failed",
        request_id = entrance.request_id,
        session_id = %admitted.session,
        route = %route.name,
        code = error.slug().as_str(),
        status = error.status(),
        reason = %crate::audit::chain(error),
        upstream_request_id = facts::request_ids(route, headers(), secrets),
        upstream_body = body.as_deref().unwrap_or(""),
        duration_ms = millis(took),
        "the upstream did not take the call"
    );
    Said {
        session: admitted.session.clone(),
        kept: facts::kept(route, headers(), secrets),
    }
}

fn observe(shared: &Shared, route: &Route, outcome: &Result<Dialled, DialError>, took: Duration) {
    let (label, status) = match outcome {
        Ok(_) => ("ok", "101".to_owned()),
        Err(error) => (
            error.slug().as_str(),
            error
                .status()
                .map_or_else(|| "none".to_owned(), |status| status.to_string()),
        ),
    };
    let name = route.name.as_str();
    shared
        .metrics
        .handshake_seconds
        .with_label_values(&[name, label])
        .observe(took.as_secs_f64());
    shared
        .metrics
        .handshakes
        .with_label_values(&[name, status.as_str()])
        .inc();
}

/// Gives the use back where no byte of the handshake reached the upstream.
pub(crate) async fn give_back(
    entrance: &Entrance<'_>,
    admitted: Admitted,
    failed: Failed,
) -> Refusal {
    let Admitted {
        admission,
        entering,
        ..
    } = admitted;
    // Whatever becomes of the use, the bearer is told now.
    entering.arrive();
    if !failed.untouched {
        return failed.refusal;
    }
    let returned = admission.give_back(entrance.shared.used.as_ref()).await;
    let outcome = match returned {
        Ok(GiveBack::Returned) => "the use was given back",
        Ok(GiveBack::Refused) => "the use was given back before and is spent now",
        Err(_) => "the use could not be given back",
    };
    Refusal {
        why: format!("{}; {outcome}", failed.refusal.why),
        ..failed.refusal
    }
}

/// Whole milliseconds, as logs want them.
pub(crate) fn millis(time: Duration) -> u64 {
    u64::try_from(time.as_millis()).unwrap_or(u64::MAX)
}
