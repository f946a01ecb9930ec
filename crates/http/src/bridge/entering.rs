//! A bearer on the way from admission to its session: counted, so that a drain waits for it, and
//! put on record where the way ends in nothing, since by then it has cost a use.

use std::sync::atomic::Ordering;

use actix_web::web;
use tollbridge_domain::{SessionId, Subject, TokenId};
use tollbridge_store::AuditEntry;

use super::admission::Entrance;
use crate::shared::Shared;

/// Dropped without having [arrived](Self::arrive), it says that the client did not wait.
pub(crate) struct Entering {
    shared: web::Data<Shared>,
    session: SessionId,
    jti: TokenId,
    subject: Subject,
    route: String,
    peer: String,
    origin: String,
    request_id: String,
    arrived: bool,
}

impl Entering {
    /// Sets out: a use has been taken.
    pub(crate) fn begin(
        entrance: &Entrance<'_>,
        session: &SessionId,
        claims: &tollbridge_token::Claims,
    ) -> Self {
        entrance.shared.entering.fetch_add(1, Ordering::SeqCst);
        Self {
            shared: entrance.shared.clone(),
            session: session.clone(),
            jti: claims.jti().clone(),
            subject: claims.subject().clone(),
            route: claims.route().to_string(),
            peer: entrance.peer.to_string(),
            origin: entrance.origin.clone().unwrap_or_default(),
            request_id: entrance.request_id.clone(),
            arrived: false,
        }
    }

    /// The session has begun, or the bearer was told why not.
    pub(crate) fn arrive(mut self) {
        self.arrived = true;
    }

    fn vanished(&self) {
        let denied = &self.shared.metrics.upgrade_denied;
        denied.with_label_values(&[&self.route, VANISHED]).inc();
        tracing::info!(
            event = "upgrade.vanished",
            request_id = self.request_id,
            session_id = %self.session,
            route = self.route,
            jti = %self.jti,
            sub = %self.subject,
            origin = self.origin,
            client_ip = self.peer,
            "the client was gone before its answer"
        );
        self.shared.audit.push(AuditEntry {
            seq: 0,
            at: self.shared.clock.now(),
            who: self.subject.to_string(),
            from: self.peer.clone(),
            event: "upgrade.vanished".to_owned(),
            target: self.jti.to_string(),
            why: String::new(),
            result: VANISHED.to_owned(),
            facts: serde_json::json!({
                "route": self.route,
                "session": self.session.as_str(),
                "request_id": self.request_id,
            }),
        });
    }
}

impl Drop for Entering {
    fn drop(&mut self) {
        if !self.arrived {
            self.vanished();
        }
        self.shared.entering.fetch_sub(1, Ordering::SeqCst);
    }
}

/// The reason where nobody refused: the client did not wait.
const VANISHED: &str = "client_gone";
