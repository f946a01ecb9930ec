//! Control frames in numbers: R08.

use tollbridge_testkit::Frame;

use crate::row::Row;
use crate::{act::Act, wire::Side};

pub(super) fn rows() -> Vec<Row> {
    let floods = [
        ("pings", Frame::ping("storm"), 100_000),
        ("pings-of-nothing", Frame::ping(""), 100_000),
        ("pongs", Frame::pong([b'x'; 125]), 10_000),
        ("empty-messages", Frame::text(""), 100_000),
    ];
    floods
        .iter()
        .flat_map(|(what, frame, times)| Side::BOTH.map(|side| flood(side, what, frame, *times)))
        .collect()
}

/// They all pass, and none is answered by the bridge.
fn flood(side: Side, what: &str, frame: &Frame, times: usize) -> Row {
    let bytes = side.one(frame);
    Row::new(format!("r08-{what}-{}", side.name()))
        .does(side, Act::Repeats(bytes.clone(), times))
        .does(side.other(), Act::HearsAll(bytes, times))
        .closes(side, &Frame::close(1000, ""))
}
