//! The route's hook: the team's own decision, after every other and before a use is taken.

use std::time::{Duration, Instant};

use tollbridge_domain::{RouteName, Slug, TokenId};
use tollbridge_hook::{Lowered, Question, Unavailable, Verdict};
use tollbridge_relay::Limits;
use tollbridge_token::{Claims, Verified};

use super::{admission::Entrance, refusal::Refusal};
use crate::{
    route::Route,
    shared::{Generation, Worker},
    tally::Counted,
};

impl Entrance<'_> {
    /// Begins a question, where the route has a hook. A token asks as often at once as it has uses:
    /// however many handshakes come with it, each answer could admit one of them, and it must not
    /// take everybody's turns.
    pub(super) fn question_of(
        &self,
        route: &Route,
        claims: &Claims,
    ) -> Result<Option<Counted<TokenId>>, Refusal> {
        if route.hook.is_none() {
            return Ok(None);
        }
        let uses = usize::try_from(claims.uses()).unwrap_or(usize::MAX);
        let counted = self.shared.questions.count(claims.jti(), uses, usize::MAX);
        counted.map(Some).ok_or_else(|| {
            let why = "as many of its handshakes as it has uses are being decided";
            Refusal::genuine(Slug::TokenUsed, why, claims)
        })
    }

    /// Asks the route's hook, where it has one, about a token that has a use left.
    pub(crate) async fn hooked(
        &self,
        route: &Route,
        verified: &Verified,
        worker: &Worker,
    ) -> Result<Lowered, Refusal> {
        let Some(hook) = &route.hook else {
            return Ok(Lowered::default());
        };
        let claims = verified.claims();
        self.unspent(claims).await?;
        let mut random = [0; 16];
        self.shared.entropy.fill(&mut random);
        let begun = Instant::now();
        let (question, limits) = (self.question(claims), in_force(route, claims));
        let answer = hook.ask(worker.asking(), &question, limits, random).await;
        self.shared
            .metrics
            .hook
            .answered(route.name.as_str(), &answer, begun.elapsed());
        let lowered = judged(answer, route, claims)?;
        // That took its time: what may have changed is looked at again.
        if claims.is_over(self.shared.clock.now()) {
            let why = "it expired while the hook was asked";
            return Err(Refusal::genuine(Slug::TokenExpired, why, claims));
        }
        self.unrevoked(verified)?;
        self.open_for_work(claims)?;
        Ok(lowered)
    }

    /// Whether somebody else has a say as well.
    pub(crate) fn has_hook(&self) -> bool {
        self.route.as_ref().is_some_and(|it| it.hook.is_some())
    }

    fn question<'q>(&'q self, claims: &'q Claims) -> Question<'q> {
        Question {
            jti: claims.jti(),
            subject: claims.subject(),
            client_id: claims.client_id(),
            route: claims.route(),
            origin: self.origin.as_deref(),
            client_ip: self.peer,
            label: claims.label(),
            metadata: claims.metadata(),
            params: claims.params(),
        }
    }
}

fn judged(
    answer: Result<Verdict, Unavailable>,
    route: &Route,
    claims: &Claims,
) -> Result<Lowered, Refusal> {
    let away = |retry_after: u32| Refusal {
        retry_after: Some(retry_after),
        ..Refusal::genuine(Slug::Overloaded, "the hook gave no answer", claims)
    };
    match answer {
        Ok(Verdict::Allowed(lowered)) => Ok(lowered),
        Ok(Verdict::Beyond(limit)) => {
            let why = format!("the answer's `{limit}` is not within the limit in force");
            unavailable(&route.name, &why);
            Err(away(1))
        }
        Ok(Verdict::Denied(reason)) => {
            let why = match reason.as_str() {
                "" => "the hook said no".to_owned(),
                reason => format!("the hook said no: {reason}"),
            };
            Err(Refusal::genuine(Slug::RouteNotAllowed, why, claims))
        }
        Err(Unavailable(seconds)) => Err(away(seconds)),
    }
}

/// What a hook may lower.
fn in_force(route: &Route, claims: &Claims) -> Lowered {
    let limits = limits(route, claims, Lowered::default());
    Lowered {
        max_session: Some(u32::try_from(limits.max_session.as_secs()).unwrap_or(u32::MAX)),
        bytes: limits.bytes_per_session,
    }
}

/// The route's limits, with the token's shorter life where it has one and what the hook lowered.
pub(super) fn limits(route: &Route, claims: &Claims, lowered: Lowered) -> Limits {
    let mut limits = route.limits.clone();
    let lives = [claims.max_session(), lowered.max_session];
    for seconds in lives.into_iter().flatten() {
        let life = Duration::from_secs(u64::from(seconds));
        limits.max_session = limits.max_session.min(life);
    }
    let quotas = [limits.bytes_per_session, lowered.bytes];
    limits.bytes_per_session = quotas.into_iter().flatten().min();
    limits
}

/// Has it told how every question of this generation ended.
pub(crate) fn watch(generation: &Generation) {
    for route in generation.routes.iter() {
        if let Some(hook) = &route.hook {
            let name = route.name.clone();
            hook.watch(move |outcome| match outcome {
                Ok(()) => {
                    tracing::debug!(event = "hook.asked", route = %name, "a hook was asked");
                }
                Err(reason) => unavailable(&name, reason),
            });
        }
    }
}

fn unavailable(route: &RouteName, reason: &str) {
    tracing::warn!(
        event = "hook.unavailable",
        route = %route,
        reason,
        "a hook gave no answer"
    );
}
