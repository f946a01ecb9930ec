//! What a caller allows a bearer to do.

use std::collections::BTreeMap;

use crate::{ClientId, Origin, RouteName, Subject};

/// Values for a route's declared upstream parameters.
pub type Params = BTreeMap<String, String>;

/// What a token is worth. Already within the route's and the server's ceilings: policy made it.
#[derive(Clone, Debug, PartialEq)]
pub struct Grant {
    /// Whom the token is for.
    pub subject: Subject,
    /// Caller and API key that asked for it.
    pub client_id: ClientId,
    /// The named upstream.
    pub route: RouteName,
    /// Seconds in which the token may open a session.
    pub redeem_within: u32,
    /// Seconds a session may last; `None` leaves it to the route.
    pub max_session: Option<u32>,
    /// Sessions it may open, at least 1.
    pub uses: u32,
    /// The only `Origin` that may redeem it, if set.
    pub origin: Option<Origin>,
    /// Values for the upstream template, defaults filled in.
    pub params: Params,
    /// Shown in the session list and the audit log.
    pub label: Option<String>,
    /// As `label`, structured; at most 512 bytes of JSON.
    pub metadata: Option<serde_json::Value>,
}
