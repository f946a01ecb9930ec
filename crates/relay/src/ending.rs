//! How a session ended.

use tollbridge_domain::Slug;

/// Who did it.
#[derive(Clone, Copy, Debug, Eq, Hash, PartialEq)]
pub enum Side {
    /// The browser's leg.
    Client,
    /// The far side's leg.
    Upstream,
    /// This program: a limit, an order, a fault.
    Bridge,
}

impl Side {
    /// The name in logs and metrics.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Client => "client",
            Self::Upstream => "upstream",
            Self::Bridge => "bridge",
        }
    }
}

/// Why a session is called off before anything of it was relayed.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct Reason {
    /// Who brought it about.
    pub side: Side,
    /// By which name; `None` where the client is gone.
    pub slug: Option<Slug>,
    /// After how many seconds to come again.
    pub retry_after: Option<u32>,
}

/// The one truth about a session's end, for its log event, its metric and its audit record.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Ending {
    /// Who closed first, broke the rules, stopped taking bytes, or vanished.
    pub side: Side,
    /// Why, where the bridge had to say something of its own; `None` where a peer closed or the
    /// client vanished.
    pub slug: Option<Slug>,
    /// The close code that was put on the wire towards the client; `None` where there was no
    /// close frame, or one without a code.
    pub code: Option<u16>,
    /// Length of the reason beside that code. Not the reason: a peer wrote it.
    pub reason_len: usize,
    /// Whether the client's leg saw a close frame in each direction.
    pub clean: bool,
}
