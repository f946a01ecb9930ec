//! What one session, and all of a route, may take.

use std::time::Duration;

/// `[routes.NAME.limits]`; what is `None` is unlimited, or off.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Limits {
    /// Age of a session; whole seconds.
    pub max_session: Duration,
    /// Time without anything sent by either side.
    pub idle_timeout: Duration,
    /// Time without anything sent by the client.
    pub client_idle_timeout: Option<Duration>,
    /// Time without anything sent by the upstream.
    pub upstream_idle_timeout: Option<Duration>,
    /// What is something sent.
    pub idle_counts: IdleCounts,
    /// Bytes of one frame.
    pub max_frame: u64,
    /// Bytes of one message.
    pub max_message: u64,
    /// Frames of one message; 0 is unlimited.
    pub max_fragments: u32,
    /// Sessions at once on the route.
    pub sessions: Option<u32>,
    /// Sessions at once for one subject.
    pub sessions_per_subject: Option<u32>,
    /// Payload bytes of one session, both ways together.
    pub bytes_per_session: Option<u64>,
    /// Connections a minute, per subject and per address.
    pub connects_per_minute: Option<u32>,
    /// Until the upstream has answered.
    pub connect_timeout: Duration,
    /// For a peer to take what is sent.
    pub write_timeout: Duration,
    /// Between pings to the client; `None` is off.
    pub ping_interval: Option<Duration>,
    /// For the client's answer; `None` is as long as `ping_interval`.
    pub pong_timeout: Option<Duration>,
    /// Between pings to the upstream; `None` is off.
    pub upstream_ping_interval: Option<Duration>,
    /// For the upstream's answer; `None` is as long as `upstream_ping_interval`.
    pub upstream_pong_timeout: Option<Duration>,
}

/// `routes.NAME.limits.idle_counts`
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum IdleCounts {
    /// Data frames.
    Data,
    /// Data frames, and the peers' own pings and pongs.
    Control,
}
