//! Everybody who should know what came of a mint: metrics, log, audit, denials.

use std::time::Instant;

use tollbridge_domain::Grant;
use tollbridge_store::AuditEntry;
use tollbridge_token::Minted;

use super::Attempt;
use crate::{
    denials::Denial,
    problem::{Code, Problem},
};

impl Attempt<'_> {
    pub(super) fn succeeded(&self, grant: &Grant, minted: &Minted, begun: Instant) {
        let route = grant.route.as_str();
        let auth = self
            .caller
            .as_ref()
            .map_or("", |caller| caller.name.as_str());
        self.shared
            .metrics
            .minted
            .with_label_values(&[route, auth])
            .inc();
        self.shared
            .metrics
            .mint_seconds
            .with_label_values(&[route])
            .observe(begun.elapsed().as_secs_f64());
        tracing::info!(
            event = "token.minted",
            request_id = self.request_id,
            route,
            auth,
            jti = %minted.claims.jti(),
            kid = %minted.kid,
            sub = %grant.subject,
            client_ip = self.peer,
            "a token was minted"
        );
        self.shared.audit.push(AuditEntry {
            seq: 0,
            at: self.shared.clock.now(),
            who: grant.client_id.to_string(),
            from: self.peer.clone(),
            event: "token.minted".to_owned(),
            target: minted.claims.jti().to_string(),
            why: grant.label.clone().unwrap_or_default(),
            result: "ok".to_owned(),
            facts: serde_json::json!({
                "route": route,
                "subject": grant.subject.as_str(),
                "kid": minted.kid.as_str(),
                "uses": grant.uses,
                "request_id": self.request_id,
            }),
        });
    }

    pub(super) fn refused(&self, problem: &Problem) {
        let code = problem.code.as_str();
        let route = self.route.clone();
        let why = if self.why.is_empty() {
            problem.detail.clone()
        } else {
            self.why.clone()
        };
        let label = route.as_deref().unwrap_or("");
        self.shared
            .metrics
            .mint_denied
            .with_label_values(&[label, code])
            .inc();
        let who = self
            .caller
            .as_ref()
            .map(|caller| caller.client_id().to_string());
        tracing::info!(
            event = "token.denied",
            request_id = self.request_id,
            route = label,
            auth = who.as_deref().unwrap_or(""),
            code,
            reason = why,
            client_ip = self.peer,
            "a mint was refused"
        );
        if let (Some(who), Code::Forbidden) = (&who, problem.code) {
            self.shared.audit.push(AuditEntry {
                seq: 0,
                at: self.shared.clock.now(),
                who: who.clone(),
                from: self.peer.clone(),
                event: "token.denied".to_owned(),
                target: label.to_owned(),
                why: why.clone(),
                result: code.to_owned(),
                facts: serde_json::json!({ "request_id": self.request_id }),
            });
        }
        self.shared.denials.push(Denial {
            at: self.shared.clock.now(),
            surface: "mint",
            code,
            why,
            route,
            origin: None,
            peer: self.peer.clone(),
            subject: who,
            jti: None,
            request_id: self.request_id.clone(),
            count: 1,
        });
    }
}
