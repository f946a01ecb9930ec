//! Silence, in whatever disguise: R11.

use crate::row::Row;
use crate::{
    act::Act,
    told::Told,
    wire::{
        Side::{Client, Upstream},
        begun,
    },
};

const SECOND: &str = "limits.idle_timeout = \"1s\"";

/// Twelve seconds of it, which nobody waits for.
const TRICKLE: usize = 300;

pub(super) fn rows() -> Vec<Row> {
    vec![
        idle("r11-nothing"),
        // What the client says behind half a header is the rest of it.
        idle("r11-half-header-client")
            .says(Client, [0x82])
            .mute(Client)
            .ends("bridge", "idle_timeout", Some(4408), false),
        idle("r11-long-header-client")
            .says(Client, &begun(Client, 1 << 20, 0)[..9])
            .mute(Client)
            .ends("bridge", "idle_timeout", Some(4408), false),
        idle("r11-half-header-upstream").says(Upstream, [0x82]),
        idle("r11-half-ping-upstream").says(Upstream, [0x89, 5, b'h']),
        trickle_up(),
        trickle_down(),
        idle("r11-old-age")
            .with("limits.max_session = \"1s\"")
            .told(Client, Told::Ours(4408, "max_session"))
            .ends("bridge", "max_session", Some(4408), true),
    ]
}

fn idle(name: &str) -> Row {
    Row::new(name)
        .with(SECOND)
        .told(Client, Told::Ours(4408, "idle_timeout"))
        .told_code(Upstream, 1000)
        .ends("bridge", "idle_timeout", Some(4408), true)
}

/// A payload byte by byte is silence too. The upstream is inside the frame and cannot be told.
fn trickle_up() -> Row {
    idle("r11-trickle-client")
        .says(Client, begun(Client, 5000, 0))
        .does(Client, Act::Trickles(vec![7; TRICKLE]))
        .mute(Client)
        .told(Upstream, Told::Cut)
        .ends("bridge", "idle_timeout", Some(4408), false)
}

/// The same the other way round: now it is the client who cannot be told.
fn trickle_down() -> Row {
    idle("r11-trickle-upstream")
        .says(Upstream, begun(Upstream, 5000, 0))
        .does(Upstream, Act::Trickles(vec![7; TRICKLE]))
        .told(Client, Told::Cut)
        .ends("bridge", "idle_timeout", None, false)
}
