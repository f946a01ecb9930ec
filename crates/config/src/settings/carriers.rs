//! Where tokens travel.

use std::time::Duration;

use crate::{
    carrier_template::{NamedCarrier, SubprotocolCarrier},
    json_pointer::JsonPointer,
};

/// `[routes.NAME.carriers]`; the header `Authorization: Bearer` carries tokens on every route.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Carriers {
    /// Query parameters.
    pub query: Vec<NamedCarrier>,
    /// Headers, names in lower case.
    pub header: Vec<NamedCarrier>,
    /// Subprotocols with the token in them.
    pub subprotocol: Vec<SubprotocolCarrier>,
    /// Subprotocols whose successor in the list is the token.
    pub subprotocol_pair: Vec<String>,
    /// The client's first message.
    pub message: Option<MessageCarrier>,
}

/// `[routes.NAME.carriers.message]`: who brings a token nowhere else may still send it first.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct MessageCarrier {
    /// Where in the message's JSON the token stands.
    pub field: JsonPointer,
    /// How long the bridge waits for the message.
    pub timeout: Duration,
    /// Longest message, in bytes.
    pub max: u64,
    /// What the bridge says first, in place of the upstream; JSON.
    pub greeting: Option<String>,
}
