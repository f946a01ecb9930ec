//! Lengths, declared and written: R04 and R05.

use tollbridge_testkit::{Frame, LengthForm};

use super::{broken, passing};
use crate::{
    act::Act,
    row::Row,
    wire::{Side, begun},
};

const LIMITS: &str = "limits.max_frame = \"1KiB\"\nlimits.max_message = \"2KiB\"";

pub(super) fn rows() -> Vec<Row> {
    Side::BOTH
        .into_iter()
        .flat_map(|side| [declared(side), written(side), added_up(side), allowed(side)])
        .flatten()
        .collect()
}

/// R04: judged by the header, whatever follows. From 2^63 on it is no length at all.
fn declared(side: Side) -> Vec<Row> {
    let lengths = [
        ("one-too-many", 1025, 1009),
        ("2-32", 1 << 32, 1009),
        ("2-40", 1 << 40, 1009),
        ("2-63-less-one", (1 << 63) - 1, 1009),
        ("2-63", 1 << 63, 1002),
        ("2-64-less-one", u64::MAX, 1002),
    ];
    let mut rows = Vec::from(lengths.map(|(what, length, code)| {
        let bytes = begun(side, length, 16 * 1024);
        broken(side, &format!("r04-{what}"), bytes, code).with(LIMITS)
    }));
    let slowly = Act::Pieces(1, begun(side, 1 << 40, 0));
    rows.push(broken(side, "r04-2-40-slowly", Vec::new(), 1009).does(side, slowly));
    rows
}

/// R05: the shortest form is the only one.
fn written(side: Side) -> Vec<Row> {
    let forms = [
        ("5-in-16", 5, LengthForm::Sixteen),
        ("125-in-16", 125, LengthForm::Sixteen),
        ("0-in-64", 0, LengthForm::SixtyFour),
        ("126-in-64", 126, LengthForm::SixtyFour),
        ("65535-in-64", 65_535, LengthForm::SixtyFour),
    ];
    let row = |(what, length, form)| {
        let bytes = side.declaring(Frame::binary(vec![7; length]), None, form);
        broken(side, &format!("r05-{what}"), bytes, 1002)
    };
    forms.map(row).into()
}

/// A message is as long as its fragments.
fn added_up(side: Side) -> Vec<Row> {
    let start = Frame::text([b'x'; 700]).more();
    let more = Frame::continuation([b'x'; 700]).more();
    let bytes = side.wire(&[start.clone(), more.clone(), more.clone()]);
    let end = Frame::continuation([b'x'; 649]);
    let last = side.wire(&[start.clone(), more.clone(), end]);
    vec![
        broken(side, "r04-message", bytes, 1009)
            .with(LIMITS)
            .passes(side.other(), &[start.clone(), more.clone()]),
        broken(side, "r04-message-by-one", last, 1009)
            .with(LIMITS)
            .passes(side.other(), &[start, more]),
    ]
}

/// What is exactly as long as allowed passes, and every form of length that is right.
fn allowed(side: Side) -> Vec<Row> {
    let frame = side.one(&Frame::binary([7; 1024]));
    let message = side.wire(&[
        Frame::text([b'x'; 1024]).more(),
        Frame::continuation([b'x'; 1024]),
        Frame::text([b'x'; 1024]),
    ]);
    let forms = [0, 1, 125, 126, 65_535, 65_536].map(|length| Frame::binary(vec![7; length]));
    let slowly = side.wire(&[Frame::text([b'x'; 126]), Frame::ping("slowly")]);
    let mut rows = vec![
        passing(side, "r04-frame-at-limit", frame).with(LIMITS),
        passing(side, "r04-message-at-limit", message).with(LIMITS),
        passing(side, "r05-every-form", side.wire(&forms)),
    ];
    rows.push(
        Row::new(format!("r11-byte-by-byte-{}", side.name()))
            .does(side, Act::Pieces(1, slowly.clone()))
            .does(side.other(), Act::Hears(slowly))
            .closes(side, &Frame::close(1000, "")),
    );
    rows
}
