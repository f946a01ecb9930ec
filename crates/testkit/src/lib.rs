//! What tests of several crates need, and nothing that runs in production.
//!
//! [`Server`] is the real binary on free ports. [`http()`], [`get`] and [`post_json`] speak HTTP/1.1
//! on a bare socket and judge every answer they read. [`RawWs`] is a WebSocket client that can
//! say anything, right or wrong. [`Upstream`] is the far side, scripted, and remembers what it was
//! told, or one of the [`vendors`]; [`EntraStandIn`] gives tokens; [`RawUpstream`] hands its connections to the test, as [`RawPeer`]s. [`ManualClock`] and
//! [`SeededEntropy`] stand in for time and chance; [`Logs`] looks for secrets where none may be.
#![expect(
    clippy::expect_used,
    clippy::unwrap_used,
    reason = "in a test, a broken assumption is best reported by a panic where it broke"
)]

mod authority;
mod chance;
mod clock;
mod frame;
mod handshake;
mod head;
mod http;
mod log_lines;
mod raw_peer;
mod raw_upstream;
mod raw_ws;
mod server;
mod tls_client;
mod upstream;

pub use self::{
    authority::{Authority, Identity},
    chance::SeededEntropy,
    clock::ManualClock,
    frame::{Event, Frame, LengthForm},
    handshake::Handshake,
    http::{Response, get, http, http_unjudged, post_json},
    log_lines::Logs,
    raw_peer::RawPeer,
    raw_upstream::RawUpstream,
    raw_ws::RawWs,
    server::{Builder as ServerBuilder, Server, Stopped},
    tls_client::{TlsClient, Tunnel},
    upstream::{
        Answer, Behaviour, Builder as UpstreamBuilder, Call, Dial, EntraMood, EntraStandIn, Heard,
        IssuedTokens, Lie, Message, Notices, Tally, Upstream, Vendor, Wants, sha256_hex, vendors,
    },
};

/// How long anything in a test may take before the test fails. Generous, since the machines that
/// run tests are busy.
pub(crate) const PATIENCE: std::time::Duration = std::time::Duration::from_secs(20);
