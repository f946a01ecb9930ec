//! What a session is held to.

use std::time::Duration;

use tollbridge_domain::{Secret, SessionId};

/// Bounds of one session. Every one is enforced; there is no "off" but where a field says so.
#[derive(Clone, Debug)]
pub struct Limits {
    /// Age at which the session ends.
    pub max_session: Duration,
    /// Silence after which it ends. Data frames count, in either direction: their start, their
    /// end, and each 64 KiB on the way, so that a trickle inside one frame is silence too.
    pub idle_timeout: Duration,
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
    /// How often the client is pinged; the upstream never is.
    pub ping_interval: Option<Duration>,
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
