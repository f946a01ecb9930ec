//! What makes an upstream a stand-in for a vendor's service.

use std::{fmt, io};

use async_trait::async_trait;
use serde_json::Value;

use super::{Answer, Call, Dial};

/// A service that somebody sells, played strictly: credentials count in headers only, and what
/// the vendor's documentation does not allow is refused as the vendor refuses it.
#[async_trait]
pub trait Vendor: fmt::Debug + Send + Sync {
    /// What it is called in reports, e.g. `openai-realtime`.
    fn name(&self) -> &'static str;

    /// A dial that it would take.
    fn wants(&self) -> Wants;

    /// The answer to a request that is not for a WebSocket at all.
    fn rest(&self, _dial: &Dial) -> Option<Answer> {
        None
    }

    /// Why this dial is refused.
    fn refusal(&self, dial: &Dial) -> Option<Answer>;

    /// Headers of its 101.
    fn welcome(&self, _dial: &Dial) -> Vec<(String, String)> {
        Vec::new()
    }

    /// What it says and hears from then on.
    ///
    /// # Errors
    /// Where the connection breaks, or the client breaks RFC 6455.
    async fn converse(&self, call: Call) -> io::Result<()>;
}

/// A handshake that a vendor takes.
#[derive(Clone, Debug)]
pub struct Wants {
    /// Path and query.
    pub target: String,
    /// The headers beside those of every WebSocket handshake.
    pub headers: Vec<(&'static str, String)>,
    /// The subprotocols to offer.
    pub protocols: &'static [&'static str],
    /// The first message, where the credential is in it or may not be.
    pub first: Option<Value>,
}

impl Wants {
    /// This path and query, these headers, no subprotocol.
    #[must_use]
    pub fn new(target: &str, headers: &[(&'static str, &str)]) -> Self {
        Self {
            target: target.to_owned(),
            headers: headers
                .iter()
                .map(|&(name, value)| (name, value.to_owned()))
                .collect(),
            protocols: &[],
            first: None,
        }
    }

    /// The same, saying this first.
    #[must_use]
    pub fn saying(mut self, first: Value) -> Self {
        self.first = Some(first);
        self
    }

    /// The same, offering these subprotocols.
    #[must_use]
    pub fn offering(mut self, protocols: &'static [&'static str]) -> Self {
        self.protocols = protocols;
        self
    }
}

/// The answer to a dial that does not become a WebSocket.
pub(super) fn answer(vendor: &dyn Vendor, dial: &Dial) -> Option<Answer> {
    vendor
        .rest(dial)
        .or_else(|| not_a_websocket(dial))
        .or_else(|| vendor.refusal(dial))
}

/// RFC 6455, 4.2.1: what every server checks.
fn not_a_websocket(dial: &Dial) -> Option<Answer> {
    let upgrade = dial.header_values("upgrade");
    let asked = upgrade.len() == 1 && upgrade[0].eq_ignore_ascii_case("websocket");
    if dial.method() != "GET" || !asked {
        return Some(Answer::text(426, "Upgrade Required").header("Upgrade", "websocket"));
    }
    if dial.header_values("sec-websocket-version") != ["13"] {
        return Some(Answer::text(426, "").header("Sec-WebSocket-Version", "13"));
    }
    if dial.header_values("sec-websocket-key").len() != 1 {
        return Some(Answer::text(400, "one Sec-WebSocket-Key, please"));
    }
    None
}
