//! A running session: its 101, its tasks, and everybody who is told that it opened and ended.

use std::{
    sync::Arc,
    time::{Duration, Instant},
};

use actix_web::{HttpResponse, web};
use bytes::BytesMut;
use futures_util::{FutureExt as _, future};
use tollbridge_domain::{Secret, SessionId, Slug};
use tollbridge_relay::{Card, Ending, Meter, Reins, Side, Terms, relay};
use tollbridge_store::AuditEntry;
use tollbridge_stream::Early;
use tollbridge_token::Claims;
use tollbridge_upstream::{Dialled, Socket};

use super::{
    admission::{Admitted, Entrance, HeldLease},
    call::{Agreed, millis},
    entering::Entering,
    facts,
    handshake::Handshake,
    introduction, leg, negotiate,
};
use crate::{route::Route, shared::Shared};

/// Answers 101 and starts the session.
pub(crate) fn open(
    entrance: &Entrance<'_>,
    admitted: Admitted,
    agreed: Agreed,
    handshake: &Handshake,
    payload: web::Payload,
) -> HttpResponse {
    let dialled = &agreed.dialled;
    let kept = facts::kept(&admitted.route, headers(dialled), &agreed.secrets);
    let protocol = negotiate::echo(dialled.protocol.as_deref(), &handshake.offer);
    let answer = negotiate::switch(
        handshake,
        protocol.as_deref(),
        dialled.extensions.as_deref(),
        &kept,
    );
    let ready = Ready::new(entrance, admitted, agreed);
    // Where the client is gone before its 101 this is dropped, and `Entering` puts it on record.
    leg::connect(entrance.req, answer, payload, move |client| {
        if introduction::is_due(ready.route()) {
            introduction::introduce(ready, client);
        } else {
            ready.start(client);
        }
    })
}

fn headers(dialled: &Dialled) -> impl Iterator<Item = (&str, &[u8])> {
    let lines = dialled.headers.iter();
    lines.map(|(name, value)| (name.as_str(), value.as_slice()))
}

/// A session that lacks nothing but its client.
pub(crate) struct Ready<U = Socket> {
    running: Running,
    upstream: U,
    terms: Terms,
    message: Vec<(String, Secret<String>)>,
}

impl Ready {
    pub(crate) fn new(entrance: &Entrance<'_>, admitted: Admitted, agreed: Agreed) -> Self {
        let Agreed {
            dialled,
            secrets,
            message,
        } = agreed;
        let upstream_request_id = facts::request_ids(&admitted.route, headers(&dialled), &secrets);
        let running = Running::new(entrance, admitted, upstream_request_id);
        let terms = Terms {
            limits: running.limits(),
            rsv1: dialled.extensions.is_some(),
            session: running.card.session.clone(),
            secrets,
        };
        Self {
            running,
            upstream: dialled.socket,
            terms,
            message,
        }
    }

    /// With bytes of the upstream that were read already and are still to be passed on.
    pub(crate) fn unread(self, bytes: BytesMut) -> Ready<Early<Socket>> {
        Ready {
            running: self.running,
            upstream: Early::new(bytes, self.upstream),
            terms: self.terms,
            message: self.message,
        }
    }

    pub(crate) const fn upstream(&mut self) -> &mut Socket {
        &mut self.upstream
    }
}

impl<U: tollbridge_relay::Leg + 'static> Ready<U> {
    pub(crate) const fn route(&self) -> &Arc<Route> {
        &self.running.route
    }

    pub(crate) const fn session(&self) -> &SessionId {
        &self.running.card.session
    }

    /// What is set in the client's first message, by JSON pointer.
    pub(crate) fn take_message(&mut self) -> Vec<(String, Secret<String>)> {
        std::mem::take(&mut self.message)
    }

    /// A key for a frame that is to look like the client's.
    pub(crate) fn mask(&self) -> [u8; 4] {
        let mut key = [0; 4];
        self.running.shared.entropy.fill(&mut key);
        key
    }

    pub(crate) fn start<C: tollbridge_relay::Leg + 'static>(self, client: C) {
        self.running.start(client, self.upstream, self.terms);
    }

    /// It never came to a session that relays: told as one that opened and ended at once.
    pub(crate) fn fail(self, slug: Slug) {
        self.end(Side::Bridge, Some(slug));
    }

    /// The same where it is the client that left.
    pub(crate) fn leave(self) {
        self.end(Side::Client, None);
    }

    fn end(mut self, side: Side, slug: Option<Slug>) {
        let meter = Arc::new(Meter::default());
        self.running.opened(&meter);
        self.running.meter = Some(meter);
        if let Some(entering) = self.running.entering.take() {
            entering.arrive();
        }
        self.running.closed(&Ending {
            side,
            slug,
            code: None,
            reason_len: 0,
            clean: false,
        });
    }
}

/// A session and everything that must be told when it ends.
struct Running {
    shared: web::Data<Shared>,
    card: Card,
    claims: Claims,
    route: Arc<Route>,
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
    fn new(entrance: &Entrance<'_>, admitted: Admitted, upstream_request_id: String) -> Self {
        let Admitted {
            admission,
            route,
            session,
            held,
            entering,
            client_query: _,
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
            request_id: entrance.request_id.clone(),
            begun: Instant::now(),
            entering: Some(entering),
            meter: None,
            _held: held,
        }
    }

    /// The route's limits, with the token's shorter life where it has one.
    fn limits(&self) -> tollbridge_relay::Limits {
        let mut limits = self.route.limits.clone();
        if let Some(seconds) = self.claims.max_session() {
            limits.max_session = limits
                .max_session
                .min(Duration::from_secs(u64::from(seconds)));
        }
        limits
    }

    fn start<C: tollbridge_relay::Leg + 'static, U: tollbridge_relay::Leg + 'static>(
        mut self,
        client: C,
        upstream: U,
        terms: Terms,
    ) {
        let shared = self.shared.clone();
        let (reins, orders) = Reins::new();
        let meter = Arc::new(Meter::default());
        self.opened(&meter);
        self.meter = Some(Arc::clone(&meter));
        let arriving = self.entering.take();
        let entropy = Arc::clone(&shared.entropy);
        let card = self.card.clone();
        let metered = Arc::clone(&meter);
        let held = reins.clone();
        let relayed = relay(client, upstream, terms, orders, metered, entropy);
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
        .then(|mut running| relayed.map(move |ending| running.closed(&ending)));
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
    /// task ends without another word.
    fn drop(&mut self) {
        self.closed(&Ending {
            side: Side::Bridge,
            slug: Some(Slug::Draining),
            code: None,
            reason_len: 0,
            clean: false,
        });
    }
}
