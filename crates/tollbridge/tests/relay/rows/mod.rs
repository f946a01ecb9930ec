//! The table, by subject.

use tollbridge_testkit::Frame;

use crate::{
    act::Act,
    row::Row,
    told::Told,
    wire::Side::{self, Client, Upstream},
};

mod closes;
mod ends;
mod floods;
mod fragments;
mod frames;
mod lengths;
mod orders;
mod silence;

/// All of it. Names are unique: each is a route.
pub(crate) fn all() -> Vec<Row> {
    let mut rows = Vec::new();
    rows.extend(frames::rows());
    rows.extend(lengths::rows());
    rows.extend(fragments::rows());
    rows.extend(closes::rows());
    rows.extend(ends::rows());
    rows.extend(silence::rows());
    rows.extend(orders::rows());
    rows.extend(floods::rows());
    rows
}

/// This side sends what must not pass: both are told so, the client with the slug.
fn broken(by: Side, what: &str, bytes: Vec<u8>, code: u16) -> Row {
    let slug = match code {
        1002 => "protocol_error",
        1007 => "bad_utf8",
        _ => "message_too_big",
    };
    Row::new(format!("{what}-{}", by.name()))
        .says(by, bytes)
        .told(Client, Told::Ours(code, slug))
        .told_code(Upstream, code)
        // Nothing is heard any more from a client that cannot be understood, not even its answer.
        .ends(by.name(), slug, Some(code), by == Upstream)
}

/// This side sends what passes byte by byte; then it closes.
fn passing(by: Side, what: &str, bytes: Vec<u8>) -> Row {
    Row::new(format!("{what}-{}", by.name()))
        .says(by, bytes.clone())
        .does(by.other(), Act::Hears(bytes))
        .closes(by, &Frame::close(1000, ""))
}
