//! Messages in parts: R06, and RFC 6455, 5.4.

use tollbridge_testkit::Frame;

use super::{broken, passing};
use crate::{act::Act, row::Row, wire::Side};

const MILLION: usize = 1_000_000;

pub(super) fn rows() -> Vec<Row> {
    Side::BOTH
        .into_iter()
        .flat_map(|side| [counted(side), uncounted(side), ordered(side)])
        .flatten()
        .collect()
}

/// R06: one-byte and empty fragments without end, up to the limit.
fn counted(side: Side) -> Vec<Row> {
    let default = ("default", "", 16_384);
    let thousand = ("thousand", "limits.max_fragments = 1000", 1000);
    let one = ("one", "limits.max_fragments = 1", 1);
    let mut rows = Vec::new();
    for (payload, (limit, settings, most)) in
        [("x", default), ("", default), ("x", thousand), ("", one)]
    {
        let start = Frame::text(payload).more();
        let more = Frame::continuation(payload).more();
        let what = format!("r06-{limit}-of-{}", payload.len());
        let mut passes = vec![more.clone(); most];
        passes[0] = start.clone();
        let row = broken(side, &what, side.wire(&[start]), 1009)
            .with(settings)
            .does(side, Act::Repeats(side.wire(&[more]), most + 100))
            .passes(side.other(), &passes);
        rows.push(row);
    }
    rows
}

/// R06: where the route sets no limit, a million of them are just a message.
fn uncounted(side: Side) -> Vec<Row> {
    let row = |what: &str, payload: &str, fragments: usize| {
        let start = side.one(&Frame::text(payload).more());
        let more = side.one(&Frame::continuation(payload).more());
        let end = side.one(&Frame::continuation(payload));
        let other = side.other();
        Row::new(format!("{what}-{}", side.name()))
            .with("limits.max_fragments = 0")
            .says(side, start.clone())
            .does(side, Act::Repeats(more.clone(), fragments))
            .says(side, end.clone())
            .does(other, Act::Hears(start))
            .does(other, Act::HearsAll(more, fragments))
            .does(other, Act::Hears(end))
            .closes(side, &Frame::close(1000, ""))
    };
    vec![
        row("r06-million-empty", "", MILLION),
        row("r06-of-one-byte", "x", MILLION / 10),
    ]
}

/// A message begins once, goes on, and ends; control frames may stand between.
fn ordered(side: Side) -> Vec<Row> {
    let start = Frame::text("a").more();
    let end = Frame::continuation("b");
    let wire = |frames: &[Frame]| side.wire(frames);
    let between = [
        start.clone(),
        Frame::ping("between"),
        Frame::continuation("").more(),
        Frame::pong("unasked"),
        end.clone(),
        Frame::binary(""),
    ];
    let inside = |what, frame: Frame| {
        broken(side, what, wire(&[start.clone(), frame]), 1002)
            .passes(side.other(), std::slice::from_ref(&start))
    };
    let whole = Frame::text("whole");
    vec![
        passing(side, "r06-controls-between", wire(&between)),
        broken(side, "r03-end-of-nothing", side.one(&end), 1002),
        broken(
            side,
            "r03-more-of-nothing",
            wire(&[end.clone().more()]),
            1002,
        ),
        broken(
            side,
            "r03-end-behind-the-end",
            wire(&[whole.clone(), end]),
            1002,
        )
        .passes(side.other(), &[whole]),
        inside("r03-text-inside", Frame::text("b")),
        inside("r03-binary-inside", Frame::binary("b")),
        inside("r03-start-inside", Frame::text("b").more()),
    ]
}
