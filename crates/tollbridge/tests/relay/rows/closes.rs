//! Close frames: R07 and R14.

use tollbridge_testkit::Frame;

use super::broken;
use crate::{
    act::Act,
    row::Row,
    stage::CREDENTIAL,
    told::Told,
    wire::{
        Side::{self, Client, Upstream},
        empty_close,
    },
};

pub(super) fn rows() -> Vec<Row> {
    let mut rows = vec![secretive(), at_once(), other_words(), last_words()];
    for side in Side::BOTH {
        rows.extend(unchanged(side));
        rows.extend(refused(side));
        rows.extend(misplaced(side));
    }
    rows
}

/// R14: what may be said is said unchanged, by either side.
fn unchanged(side: Side) -> Vec<Row> {
    let row = |what: String, close| Row::new(what).closes(side, &close);
    let name = side.name();
    let ranges = (1000..=1003).chain(1007..=1014);
    let codes = ranges.chain([3000, 3999, 4000, 4999]);
    let mut rows: Vec<Row> = codes
        .map(|code| row(format!("r14-{code}-{name}"), Frame::close(code, "why")))
        .collect();
    let longest = "€".repeat(41);
    rows.push(row(format!("r14-empty-{name}"), empty_close()));
    rows.push(row(format!("r14-bare-{name}"), Frame::close(1000, "")));
    rows.push(row(
        format!("r14-longest-{name}"),
        Frame::close(4000, &longest),
    ));
    rows
}

/// R07: codes that must not be on the wire, half a code, and a reason that is no text.
fn refused(side: Side) -> Vec<Row> {
    let codes = [
        0, 999, 1004, 1005, 1006, 1015, 1016, 2000, 2999, 5000, 65_535,
    ];
    let mut rows: Vec<Row> = codes
        .into_iter()
        .map(|code| {
            let close = side.one(&Frame::close(code, "gone"));
            broken(side, &format!("r07-code-{code}"), close, 1002)
        })
        .collect();
    let half = side.one(&Frame::new(8, [3]));
    let garbled = side.one(&Frame::new(8, [0x03, 0xe8, b'a', 0xff]));
    let split = side.one(&Frame::new(8, [0x03, 0xe8, 0xe2, 0x82]));
    rows.push(broken(side, "r07-half-a-code", half, 1002));
    rows.push(broken(side, "r07-reason-garbled", garbled, 1007));
    rows.push(broken(side, "r07-reason-cut", split, 1007));
    rows
}

/// A close in the middle of a message is a close; what stands behind it is nothing.
fn misplaced(side: Side) -> Vec<Row> {
    let begun = Frame::text("begun").more();
    let close = Frame::close(1000, "enough");
    let name = side.name();
    let mut late = Row::new(format!("r07-data-behind-{name}")).closes(side, &close);
    late = late.frames(side, &[Frame::text("late"), Frame::new(3, "worse")]);
    vec![
        Row::new(format!("r07-in-a-message-{name}"))
            .frames(side, std::slice::from_ref(&begun))
            .closes(side, &close)
            .passes(side.other(), &[begun]),
        late,
    ]
}

/// A reason that tells the credential is dropped, and its code kept.
fn secretive() -> Row {
    let told = format!("no such key: {CREDENTIAL}");
    Row::new("r14-credential")
        .closes(Upstream, &Frame::close(4001, &told))
        .told_code(Client, 4001)
        .told_code(Upstream, 4001)
}

/// Both close at once: each reads the other's.
fn at_once() -> Row {
    let (ours, theirs) = (Frame::close(1000, "client"), Frame::close(4000, "upstream"));
    Row::new("r14-both-at-once")
        .closes(Client, &ours)
        .closes(Upstream, &theirs)
        .told(Client, Told::Close(theirs))
        .told(Upstream, Told::Close(ours))
        .by_either()
}

/// An upstream that answers in its own words.
fn other_words() -> Row {
    let close = Frame::close(3000, "client");
    let answer = Frame::close(3001, "upstream");
    Row::new("r14-other-words")
        .closes(Client, &close)
        .does(Upstream, Act::Hears(Client.wire(&[close])))
        .frames(Upstream, std::slice::from_ref(&answer))
        .does(Upstream, Act::Finishes)
        .told(Client, Told::Close(answer))
        .told(Upstream, Told::Nothing)
        .ends("client", "", Some(3001), true)
}

/// An upstream that had more to say before its answer.
fn last_words() -> Row {
    let close = Frame::close(1000, "");
    let more = [Frame::text("one more thing"), Frame::ping("still there?")];
    Row::new("r14-last-words")
        .closes(Client, &close)
        .does(Upstream, Act::Hears(Client.one(&close)))
        .frames(Upstream, &more)
        .frames(Upstream, std::slice::from_ref(&close))
        .does(Upstream, Act::Finishes)
        .passes(Client, &more)
        .told(Upstream, Told::Nothing)
}
