//! What a session is held to.

use std::time::Duration;

use tollbridge_domain::{Secret, SessionId};

/// Bounds of one session. Every one is enforced; there is no "off" but where a field says so.
#[derive(Clone, Debug)]
pub struct Limits {
    /// Age at which the session ends.
    pub max_session: Duration,
    /// Silence of both peers after which it ends. Data frames count: their start, their end, and
    /// each 64 KiB on the way, so that a trickle inside one frame is silence too.
    pub idle_timeout: Duration,
    /// Silence of the client alone after which it ends; `None` is off. While the upstream takes
    /// nothing the client is not read, and its silence is not held against it.
    pub client_idle_timeout: Option<Duration>,
    /// The same of the upstream.
    pub upstream_idle_timeout: Option<Duration>,
    /// What breaks a silence besides data.
    pub idle_counts: IdleCounts,
    /// Longest payload of one frame.
    pub max_frame: u64,
    /// Longest payload of one message, its fragments added up.
    pub max_message: u64,
    /// Most frames of one message; 0 is unlimited.
    pub max_fragments: u32,
    /// Bytes of frames, headers included, that both directions together may carry.
    pub bytes_per_session: Option<u64>,
    /// How long a side may take nothing of what waits for it.
    pub write_timeout: Duration,
    /// Pings towards the client; `None` is off.
    pub client_pings: Option<Pings>,
    /// Pings towards the upstream; `None` is off, for some never answer one.
    pub upstream_pings: Option<Pings>,
}

/// What breaks a silence.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
pub enum IdleCounts {
    /// Data frames.
    #[default]
    Data,
    /// Data frames, and the peers' own pings and pongs; never a ping of the bridge's, nor the pong
    /// to it.
    Control,
}

/// Pings of the bridge's own (RFC 6455, 5.5.2), and how long it waits for an answer.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct Pings {
    /// From one to the next.
    pub interval: Duration,
    /// How long after a ping the peer may be silent before it counts as gone. Any byte of it is
    /// an answer.
    pub pong_timeout: Duration,
}

/// What was agreed for one session before its first byte.
#[derive(Clone, Debug)]
pub struct Terms {
    /// The route's bounds, narrowed by the token's.
    pub limits: Limits,
    /// Whether permessage-deflate was negotiated end to end, so that RSV1 is allowed.
    pub rsv1: bool,
    /// Told to the client in the bridge's own close reasons, for support requests.
    pub session: SessionId,
    /// Texts that must not reach the client: an upstream's close reason holding one is dropped.
    pub secrets: Vec<Secret<String>>,
}
