//! From an upstream that took the call to a session: its 101, and what it is played with.

use std::sync::Arc;

use actix_web::{HttpResponse, web};
use tollbridge_domain::{Entropy, Secret};
use tollbridge_relay::{Ending, Meter, Orders, Terms, relay};
use tollbridge_upstream::{Dialled, Socket};

use super::{
    admission::{Admitted, Entrance},
    call::Agreed,
    facts,
    handshake::Handshake,
    introduction, leg, negotiate,
    running::Running,
};
use crate::{route::Route, takeover::ClientLeg};

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
pub(crate) struct Ready {
    running: Running,
    upstream: Socket,
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
        let lines = headers(&dialled);
        let upstream_request_id = facts::request_ids(&admitted.route, lines, &secrets);
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

    pub(crate) const fn route(&self) -> &Arc<Route> {
        &self.running.route
    }

    pub(crate) fn start(self, client: ClientLeg) {
        let Self {
            running,
            upstream,
            terms,
            message: _,
        } = self;
        running.enlist(move |orders, meter, entropy| {
            relay(client, upstream, terms, orders, meter, entropy)
        });
    }

    /// A session that does not begin with relaying: `play` is all of it.
    pub(crate) fn begin<F: Future<Output = Ending> + 'static>(self, play: impl FnOnce(Parts) -> F) {
        let Self {
            running,
            upstream,
            terms,
            message,
        } = self;
        let route = Arc::clone(&running.route);
        running.enlist(move |orders, meter, entropy| {
            play(Parts {
                route,
                upstream,
                terms,
                message,
                orders,
                meter,
                entropy,
            })
        });
    }
}

/// What a session is played with.
pub(crate) struct Parts {
    pub(crate) route: Arc<Route>,
    pub(crate) upstream: Socket,
    pub(crate) terms: Terms,
    /// What is set in the client's first message, by JSON pointer.
    pub(crate) message: Vec<(String, Secret<String>)>,
    pub(crate) orders: Orders,
    pub(crate) meter: Arc<Meter>,
    pub(crate) entropy: Arc<dyn Entropy>,
}
