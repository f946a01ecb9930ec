//! Streams that end or break without a close frame, and closes without an answer: R14 and B32.

use tollbridge_testkit::Frame;

use crate::{
    act::Act,
    row::Row,
    told::Told,
    wire::{
        Side::{self, Client, Upstream},
        begun,
    },
};

pub(super) fn rows() -> Vec<Row> {
    let mut rows = unanswered();
    for act in [Act::Finishes, Act::Resets] {
        rows.extend(client_gone(&act));
        rows.extend(upstream_gone(&act));
    }
    rows.extend(Side::BOTH.map(closes_and_ends));
    rows
}

fn word(act: &Act) -> &'static str {
    match act {
        Act::Resets => "reset",
        _ => "fin",
    }
}

/// How a side that did this was told: one that broke the connection reads no more.
fn aftermath(act: &Act, told: Told) -> Told {
    match act {
        Act::Resets => Told::Left,
        _ => told,
    }
}

/// Sees to it that `side` goes on only when what it said has come through.
fn heard(row: Row, side: Side, bytes: Vec<u8>) -> Row {
    let go_on = side.other().one(&Frame::text("go on"));
    row.says(side, bytes.clone())
        .does(side.other(), Act::Hears(bytes))
        .says(side.other(), go_on.clone())
        .does(side, Act::Hears(go_on))
}

/// The client vanishes: the upstream is told 1001, unless it is in the middle of a frame.
fn client_gone(act: &Act) -> Vec<Row> {
    let gone = |what: &str, said: Vec<u8>, told| {
        let row = Row::new(format!("r14-client-{}{what}", word(act)));
        heard(row, Client, said)
            .does(Client, act.clone())
            .told(Client, aftermath(act, Told::Nothing))
            .told(Upstream, told)
            .ends("client", "", None, false)
    };
    let away = || Told::Close(Frame::close(1001, ""));
    let text = Client.one(&Frame::text("still here"));
    let message = Client.one(&Frame::text("still here").more());
    vec![
        gone("", text, away()),
        gone("-in-a-message", message, away()),
        gone("-in-a-frame", begun(Client, 1000, 500), Told::Nothing),
        gone_in_a_header(Client, act)
            .told(Client, aftermath(act, Told::Nothing))
            .told(Upstream, away())
            .ends("client", "", None, false),
    ]
}

/// The upstream vanishes: the client is told 1011, unless it is in the middle of a frame.
fn upstream_gone(act: &Act) -> Vec<Row> {
    let gone = |what: &str, said: Vec<u8>, told, code| {
        let row = Row::new(format!("r14-upstream-{}{what}", word(act)));
        heard(row, Upstream, said)
            .does(Upstream, act.clone())
            .told(Upstream, aftermath(act, Told::Nothing))
            .told(Client, told)
            .ends("upstream", "upstream_lost", code, code.is_some())
    };
    let lost = || Told::Ours(1011, "upstream_lost");
    let text = Upstream.one(&Frame::text("still here"));
    let message = Upstream.one(&Frame::text("still here").more());
    let frame = begun(Upstream, 1000, 500);
    vec![
        gone("", text, lost(), Some(1011)),
        gone("-in-a-message", message, lost(), Some(1011)),
        gone("-in-a-frame", frame, Told::Nothing, None),
        gone_in_a_header(Upstream, act)
            .told(Upstream, aftermath(act, Told::Nothing))
            .told(Client, lost())
            .ends("upstream", "upstream_lost", Some(1011), true),
    ]
}

/// Half a header is nothing yet: it is kept back, and dropped.
fn gone_in_a_header(side: Side, act: &Act) -> Row {
    let half = begun(side, 1 << 20, 0)[..5].to_vec();
    Row::new(format!("r14-{}-{}-in-a-header", side.name(), word(act)))
        .says(side, half)
        .does(side, act.clone())
}

/// Says goodbye and hangs up in one breath.
fn closes_and_ends(side: Side) -> Row {
    Row::new(format!("r14-close-and-fin-{}", side.name()))
        .closes(side, &Frame::close(1000, "bye"))
        .does(side, Act::Finishes)
}

/// Each side, told a close, says nothing for ever, or hangs up instead.
fn unanswered() -> Vec<Row> {
    let close = Frame::close(3000, "impatient");
    let hangs_up = Act::Hears(Client.one(&close));
    vec![
        Row::new("r14-mute-upstream")
            .closes(Client, &close)
            .mute(Upstream)
            .told_code(Client, 3000)
            .ends("client", "", Some(3000), false),
        Row::new("r14-mute-client")
            .closes(Upstream, &close)
            .mute(Client)
            .told(Upstream, Told::Nothing)
            .ends("upstream", "", Some(3000), false),
        Row::new("r14-fin-for-an-answer")
            .closes(Client, &close)
            .does(Upstream, hangs_up)
            .does(Upstream, Act::Finishes)
            .told(Upstream, Told::Nothing)
            .told_code(Client, 3000)
            .ends("client", "", Some(3000), false),
    ]
}
