//! What happens to one session of the disorder, drawn from a seed, and what has to come of it.

/// Numbers from a seed (splitmix64).
pub struct Dice(u64);

impl Dice {
    pub fn new(seed: u64, who: u64) -> Self {
        let mut d = Dice(seed ^ who.wrapping_mul(0x9e37_79b9_7f4a_7c15));
        d.next();
        d
    }

    pub fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        z ^ (z >> 31)
    }

    /// From `low` to just below `high`.
    pub fn range(&mut self, low: u64, high: u64) -> u64 {
        low + self.next() % (high - low)
    }

    fn pick<T: Copy>(&mut self, of: &[T]) -> T {
        of[self.range(0, of.len() as u64) as usize]
    }
}

#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Side {
    Client,
    Upstream,
}

impl Side {
    pub fn name(self) -> &'static str {
        match self {
            Side::Client => "client",
            Side::Upstream => "upstream",
        }
    }
}

/// How a side brings the session to its end.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Act {
    /// A close frame with that code, or an empty one.
    Close(Option<u16>),
    /// A TCP reset.
    Reset,
    /// The end of its half of the stream, between two frames, without a close frame.
    HalfClose,
    /// The same in the middle of a frame.
    Torn,
    /// Reads no more, while the other side floods.
    Stall,
    /// Reads, but says nothing, not even a pong (clients only: upstreams are not pinged).
    Mute,
    /// Neither side says anything but pongs.
    Idle,
    /// A frame with a reserved opcode.
    Break,
}

impl Act {
    pub fn name(self) -> &'static str {
        match self {
            Act::Close(Some(_)) => "close",
            Act::Close(None) => "close without a code",
            Act::Reset => "reset",
            Act::HalfClose => "half-close",
            Act::Torn => "half-close in a frame",
            Act::Stall => "stall",
            Act::Mute => "mute",
            Act::Idle => "idle",
            Act::Break => "broken frame",
        }
    }
}

/// How a side sends its messages.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Pace {
    Brisk,
    /// Long pauses between messages, short ones before reads.
    Delayed,
    /// Frames in small pieces.
    Trickled,
}

#[derive(Clone, Copy, Debug)]
pub struct Plan {
    pub who: u64,
    pub by: Side,
    pub act: Act,
    /// Milliseconds from the handshake to the act.
    pub after: u64,
    /// The client's and the upstream's.
    pub pace: [Pace; 2],
}

/// What a side has to read at the end.
#[derive(Clone, Debug, PartialEq)]
pub enum Last {
    /// A close frame with that code, and that slug where it is the bridge's own.
    Told(Option<u16>, Option<&'static str>),
    /// No close frame: the stream breaks off.
    Cut,
    /// That close frame, or none where the break came first.
    ToldOrCut(u16, Option<&'static str>),
    /// Whatever it still gets.
    Any,
}

impl Plan {
    /// The plan for one session: its act comes within `latest` milliseconds.
    pub fn new(seed: u64, who: u64, latest: u64) -> Self {
        let mut d = Dice::new(seed, who);
        let mut by = d.pick(&[Side::Client, Side::Upstream]);
        let code = d.pick(&[1000, 1000, 1001, 3000, 3999, 4000, 4321, 4999]);
        let acts = [
            Act::Close(Some(code)),
            Act::Close(Some(code)),
            Act::Close(None),
            Act::Reset,
            Act::Reset,
            Act::HalfClose,
            Act::HalfClose,
            Act::Torn,
            Act::Stall,
            Act::Mute,
            Act::Idle,
            Act::Break,
        ];
        let act = d.pick(&acts);
        if act == Act::Mute {
            by = Side::Client;
        }
        let after = d.range(100, latest.max(101));
        let paces = [Pace::Brisk, Pace::Delayed, Pace::Trickled];
        let pace = [d.pick(&paces), d.pick(&paces)];
        Plan { who, by, act, after, pace }
    }

    /// `initiator` and `reason` of the session's event in the log.
    pub fn record(&self) -> (&'static str, &'static str) {
        let side = self.by.name();
        match (self.act, self.by) {
            (Act::Close(_) | Act::Mute, _) => (side, ""),
            (Act::Reset | Act::HalfClose | Act::Torn, Side::Client) => (side, ""),
            (Act::Reset | Act::HalfClose | Act::Torn, Side::Upstream) => (side, "upstream_lost"),
            (Act::Stall, _) => (side, "write_timeout"),
            (Act::Idle, _) => ("bridge", "idle_timeout"),
            (Act::Break, _) => (side, "protocol_error"),
        }
    }

    /// What a side has to read last.
    pub fn last(&self, side: Side) -> Last {
        let told = |code, slug| Last::Told(Some(code), Some(slug));
        let plain = |code| Last::Told(Some(code), None);
        let own = side == self.by;
        match (self.act, side) {
            (Act::Close(code), _) => Last::Told(code, None),
            (Act::Reset | Act::Stall, _) if own => Last::Any,
            (Act::Reset, Side::Client) => Last::ToldOrCut(1011, Some("upstream_lost")),
            (Act::Reset, Side::Upstream) => Last::ToldOrCut(1001, None),
            (Act::HalfClose | Act::Torn, _) if own => Last::Cut,
            (Act::HalfClose, Side::Client) => told(1011, "upstream_lost"),
            (Act::HalfClose | Act::Mute, Side::Upstream) => plain(1001),
            (Act::Torn | Act::Mute, _) => Last::Cut,
            (Act::Stall, Side::Client) => told(4408, "write_timeout"),
            (Act::Idle, Side::Client) => told(4408, "idle_timeout"),
            (Act::Stall | Act::Idle, Side::Upstream) => plain(1000),
            (Act::Break, Side::Client) => told(1002, "protocol_error"),
            (Act::Break, Side::Upstream) => plain(1002),
        }
    }

    /// Whether all that the acting side sent must have arrived.
    pub fn is_orderly(&self) -> bool {
        matches!(self.act, Act::Close(_) | Act::HalfClose)
    }
}
