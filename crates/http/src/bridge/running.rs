//! A session on the list: everybody who is told that it opened and ended.

use std::{sync::Arc, time::Instant};

use actix_web::web;
use futures_util::{FutureExt as _, future};
use tollbridge_domain::{Entropy, Slug};
use tollbridge_hook::Lowered;
use tollbridge_relay::{Card, Ending, Meter, Orders, Reins, Side};
use tollbridge_store::AuditEntry;
use tollbridge_token::Claims;

use super::{
    admission::{Admitted, Entrance},
    call::millis,
    entering::Entering,
    hook,
    lease::HeldLease,
};
use crate::{route::Route, shared::Shared};

/// A session and everything that must be told when it ends.
pub(super) struct Running {
    shared: web::Data<Shared>,
    pub(super) card: Card,
    claims: Claims,
    pub(super) route: Arc<Route>,
    lowered: Lowered,
    request_id: String,
    begun: Instant,
    /// On the way to the session; gone once it has begun.
    entering: Option<Entering>,
    /// Its counters, from its beginning until its end has been told.
    meter: Option<Arc<Meter>>,
    /// Held until the session is dropped.
    _held: HeldLease,
}

impl Running {
    pub(super) fn new(
        entrance: &Entrance<'_>,
        admitted: Admitted,
        upstream_request_id: String,
    ) -> Self {
        let Admitted {
            admission,
            route,
            session,
            held,
            entering,
            client_query: _,
            lowered,
        } = admitted;
        let claims = admission.claims().clone();
        let card = Card {
            session,
            jti: claims.jti().clone(),
            kid: admission.kid().clone(),
            client_id: claims.client_id().clone(),
            subject: claims.subject().clone(),
            route: route.name.clone(),
            origin: entrance.origin.clone(),
            peer: entrance.peer.to_string(),
            label: claims.label().map(str::to_owned),
            metadata: claims.metadata().cloned(),
            started: entrance.shared.clock.now(),
            issued: claims.issued_at(),
            upstream_request_id,
        };
        Self {
            shared: entrance.shared.clone(),
            card,
            claims,
            route,
            lowered,
            request_id: entrance.request_id.clone(),
            begun: Instant::now(),
            entering: Some(entering),
            meter: None,
            _held: held,
        }
    }

    /// What holds for this session.
    pub(super) fn limits(&self) -> tollbridge_relay::Limits {
        hook::limits(&self.route, &self.claims, self.lowered)
    }

    /// Puts the session on the list and runs it; `play` makes all of it between opening and end.
    pub(super) fn enlist<F: Future<Output = Ending> + 'static>(
        mut self,
        play: impl FnOnce(Orders, Arc<Meter>, Arc<dyn Entropy>) -> F,
    ) {
        let shared = self.shared.clone();
        let (reins, orders) = Reins::new();
        let meter = Arc::new(Meter::default());
        self.opened(&meter);
        self.meter = Some(Arc::clone(&meter));
        let arriving = self.entering.take();
        let card = self.card.clone();
        let held = reins.clone();
        let played = play(orders, Arc::clone(&meter), Arc::clone(&shared.entropy));
        // Combined: an `async` block keeps what it awaits twice, as it came and as it is polled.
        let session = future::lazy(move |_| {
            // A revocation that came while we dialled did not find this session in the list.
            if self.revoked() {
                reins.end(Slug::Revoked, None);
            } else if self.shared.health.draining() {
                reins.end(Slug::Draining, Some(1));
            }
            self
        })
        .then(|mut running| played.map(move |ending| running.closed(&ending)));
        shared.registry.open(card, held, meter, session);
        // On the list now: a drain that waited for this one finds it there.
        if let Some(entering) = arriving {
            entering.arrive();
        }
    }

    /// Whether the token has been revoked, or the key that signed it.
    fn revoked(&self) -> bool {
        let (shared, kid) = (&self.shared, &self.card.kid);
        let keys = shared.keyring.snapshot();
        keys.revoked_kids().any(|revoked| revoked == kid)
            || shared.revoked.covers(&self.claims, kid, shared.clock.now())
    }

    fn opened(&self, meter: &Arc<Meter>) {
        let card = &self.card;
        self.shared
            .metrics
            .opened(&card.session, card.route.as_str(), Arc::clone(meter));
        tracing::info!(
            event = "session.opened",
            request_id = self.request_id,
            session_id = %card.session,
            route = %card.route,
            jti = %card.jti,
            kid = %card.kid,
            sub = %card.subject,
            origin = card.origin.as_deref().unwrap_or(""),
            client_ip = card.peer,
            upstream_request_id = card.upstream_request_id,
            "a session opened"
        );
        self.shared.audit.push(self.fact(
            "session.opened",
            "ok",
            serde_json::json!({
                "route": card.route.as_str(),
                "session": card.session.as_str(),
                "request_id": self.request_id,
            }),
        ));
    }

    /// Tells everybody, once.
    fn closed(&mut self, ending: &Ending) {
        let Some(meter) = self.meter.take() else {
            return;
        };
        let lasted = self.begun.elapsed();
        let counts = meter.snapshot();
        let side = match ending.side {
            Side::Client => "client",
            Side::Upstream => "upstream",
            Side::Bridge => "bridge",
        };
        let slug = ending.slug.map_or("", Slug::as_str);
        // Peers choose their codes freely: only ours become a label of their own.
        let label = match (ending.slug, ending.code) {
            (Some(slug), _) => slug.as_str(),
            (None, Some(1000)) => "1000",
            (None, Some(1001)) => "1001",
            (None, Some(_)) => "other",
            (None, None) => "none",
        };
        let card = &self.card;
        self.shared
            .metrics
            .closed(&card.session, card.route.as_str(), side, label, lasted);
        tracing::info!(
            event = "session.closed",
            request_id = self.request_id,
            session_id = %card.session,
            route = %card.route,
            jti = %card.jti,
            sub = %card.subject,
            initiator = side,
            code = ending.code,
            reason = slug,
            clean = ending.clean,
            bytes_up = counts.bytes_up,
            bytes_down = counts.bytes_down,
            messages_up = counts.messages_up,
            messages_down = counts.messages_down,
            duration_ms = millis(lasted),
            "a session ended"
        );
        let result = if slug.is_empty() { "ok" } else { slug };
        self.shared.audit.push(self.fact(
            "session.closed",
            result,
            serde_json::json!({
                "route": card.route.as_str(),
                "session": card.session.as_str(),
                "initiator": side,
                "code": ending.code,
                "bytes_up": counts.bytes_up,
                "bytes_down": counts.bytes_down,
                "duration_ms": millis(lasted),
            }),
        ));
    }

    fn fact(&self, event: &str, result: &str, facts: serde_json::Value) -> AuditEntry {
        AuditEntry {
            seq: 0,
            at: self.shared.clock.now(),
            who: self.card.subject.to_string(),
            from: self.card.peer.clone(),
            event: event.to_owned(),
            target: self.card.jti.to_string(),
            why: String::new(),
            result: result.to_owned(),
            facts,
        }
    }
}

impl Drop for Running {
    /// A session that is still open when its worker stops was cut by a drain: said here, since its
    /// task ends without another word. Where nobody drains it was a fault.
    fn drop(&mut self) {
        let draining = self.shared.health.draining();
        self.closed(&Ending {
            side: Side::Bridge,
            slug: Some(if draining {
                Slug::Draining
            } else {
                Slug::Internal
            }),
            code: None,
            reason_len: 0,
            clean: false,
        });
    }
}
