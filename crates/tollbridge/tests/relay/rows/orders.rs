//! The bridge is told to stop, or has had enough: A04, and limits in mid-message.

use tollbridge_testkit::Frame;

use crate::row::Row;
use crate::{
    act::Act,
    stage::Order,
    told::Told,
    wire::Side::{self, Client, Upstream},
};

pub(super) fn rows() -> Vec<Row> {
    let mut rows = Vec::from(Side::BOTH.map(quota));
    for (order, slug) in [(Order::Kill, "killed"), (Order::Revoke, "revoked")] {
        rows.extend([
            idle(order, slug),
            finished_down(order, slug),
            unfinished_down(order, slug),
            finished_up(order, slug),
            unfinished_up(order, slug),
        ]);
    }
    rows
}

fn ordered(name: &str, slug: &'static str) -> Row {
    Row::new(format!("a04-{slug}-{name}"))
        .told(Client, Told::Ours(4410, slug))
        .told_code(Upstream, 1000)
        .ends("bridge", slug, Some(4410), true)
}

/// A frame in two halves.
fn halves(side: Side) -> (Vec<u8>, Vec<u8>) {
    let mut frame = side.one(&Frame::binary([7; 300]));
    let rest = frame.split_off(150);
    (frame, rest)
}

/// Between two messages: the client said one and read one, so that the session is known.
fn idle(order: Order, slug: &'static str) -> Row {
    let hello = Upstream.one(&Frame::text("hello"));
    ordered("at-rest", slug)
        .says(Upstream, hello.clone())
        .does(Client, Act::Hears(hello))
        .does(Client, Act::Orders(order))
}

/// The client is in the middle of a frame, whose rest comes in time.
fn finished_down(order: Order, slug: &'static str) -> Row {
    let (half, rest) = halves(Upstream);
    ordered("in-a-frame-down", slug)
        .says(Upstream, half.clone())
        .does(Client, Act::Hears(half))
        .does(Client, Act::Orders(order))
        .does(Upstream, Act::HearsClose(1000))
        .says(Upstream, rest.clone())
        .does(Upstream, Act::Finishes)
        .told(Upstream, Told::Nothing)
        .does(Client, Act::Hears(rest))
}

/// The rest never comes: there is no place for a close frame, so the stream ends without. What the
/// upstream answered would be payload.
fn unfinished_down(order: Order, slug: &'static str) -> Row {
    let (half, _) = halves(Upstream);
    ordered("in-half-a-frame-down", slug)
        .says(Upstream, half.clone())
        .does(Client, Act::Hears(half))
        .does(Client, Act::Orders(order))
        .mute(Upstream)
        .told(Client, Told::Nothing)
        .ends("bridge", slug, None, false)
}

/// The upstream is in the middle of a frame, whose rest comes in time.
fn finished_up(order: Order, slug: &'static str) -> Row {
    let (half, rest) = halves(Client);
    stopped_up("in-a-frame-up", order, slug, half)
        .says(Client, rest.clone())
        .does(Upstream, Act::Hears(rest))
}

/// The rest never comes. The client is at a boundary and told at once; its answer would be payload.
fn unfinished_up(order: Order, slug: &'static str) -> Row {
    let (half, _) = halves(Client);
    stopped_up("in-half-a-frame-up", order, slug, half)
        .mute(Client)
        .told(Upstream, Told::Nothing)
        .ends("bridge", slug, Some(4410), false)
}

fn stopped_up(name: &str, order: Order, slug: &'static str, half: Vec<u8>) -> Row {
    let go_on = Upstream.one(&Frame::text("go on"));
    ordered(name, slug)
        .says(Client, half.clone())
        .does(Upstream, Act::Hears(half))
        .says(Upstream, go_on.clone())
        .does(Client, Act::Hears(go_on))
        .does(Client, Act::Orders(order))
}

/// `bytes_per_session` is used up in the middle of a message: the frame too many does not pass,
/// and it is nobody's fault.
fn quota(side: Side) -> Row {
    let start = Frame::text([b'x'; 30]).more();
    let more = Frame::continuation([b'x'; 30]).more();
    let frames = [start.clone(), more.clone(), more.clone(), more.clone()];
    Row::new(format!("r04-quota-{}", side.name()))
        .with("limits.bytes_per_session = \"110B\"")
        .frames(side, &frames)
        .passes(side.other(), &[start, more.clone(), more])
        .told(Client, Told::Ours(4429, "byte_quota"))
        .told_code(Upstream, 1000)
        .ends("bridge", "byte_quota", Some(4429), side == Upstream)
}
