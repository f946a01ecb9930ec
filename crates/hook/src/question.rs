//! What a hook is told.

use std::net::IpAddr;

use serde::Serialize;
use serde_json::Value;
use tollbridge_domain::{ClientId, Moment, Params, RouteName, Subject, TokenId};

/// Who wants to connect where. What it does not hold, a hook does not learn: no token, no
/// credential, no header.
#[derive(Clone, Copy, Debug, Serialize)]
pub struct Question<'a> {
    /// The token's id.
    pub jti: &'a TokenId,
    /// Whom it is for.
    pub subject: &'a Subject,
    /// Who minted it.
    pub client_id: &'a ClientId,
    /// Where to.
    pub route: &'a RouteName,
    /// The page, where it is one.
    pub origin: Option<&'a str>,
    /// From where.
    pub client_ip: IpAddr,
    /// What the mint said of it.
    pub label: Option<&'a str>,
    /// The same, structured.
    pub metadata: Option<&'a Value>,
    /// Values for the upstream's address.
    pub params: &'a Params,
}

impl Question<'_> {
    /// The body of the question.
    pub(crate) fn body(&self, at: Moment) -> String {
        let event = Event {
            kind: "session.connect",
            timestamp: at.to_string(),
            data: self,
        };
        #[expect(clippy::expect_used, reason = "every map in it has text for keys")]
        serde_json::to_string(&event).expect("a question serialises")
    }
}

#[derive(Serialize)]
struct Event<'a> {
    #[serde(rename = "type")]
    kind: &'static str,
    timestamp: String,
    data: &'a Question<'a>,
}
