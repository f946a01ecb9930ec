//! One bridged session: two byte streams in, transparent at frame level, an honest ending out.
//!
//! Nothing here knows HTTP, tokens or sockets. A [`Leg`] is any byte stream whose WebSocket
//! handshake is over; [`relay()`] joins two of them. It reads frame headers and close frames, and
//! passes everything else as it came: a payload is never unmasked, and kept only as long as the
//! other side does not take it.

mod backlog;
mod close;
mod control;
mod deadline;
mod ending;
mod farewell;
mod frame;
mod head;
mod heartbeat;
mod limits;
mod meter;
#[cfg(test)]
mod noted;
mod orders;
mod prelude;
mod pump;
mod registry;
mod relay;
mod scratch;
mod session;
mod verdict;
mod watch;

pub use self::{
    close::Close,
    control::{Control, ControlKind},
    ending::{Ending, Reason, Side},
    farewell::{refuse, see_off},
    frame::{Next, Rules, Scan, Scanner, Tally},
    limits::{IdleCounts, Limits, Pings, Terms},
    meter::{Counts, Meter},
    orders::{Orders, Reins},
    prelude::{First, NoFirst, Opening, first_message, message_frame, say},
    registry::{Card, Live, Registry},
    relay::{call_off, relay},
};
pub use tollbridge_stream::Leg;
