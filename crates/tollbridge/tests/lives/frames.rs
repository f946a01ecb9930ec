//! What RFC 6455 forbids, from either side: 1002 or 1007, and the other side is told too.

use tollbridge_testkit::{Behaviour, Event, Frame, LengthForm, Upstream};

use crate::house::{House, route, told_to_go, upstream_told};

const KEY: [u8; 4] = [9, 8, 7, 6];

/// Each on a session of its own: sends these bytes and expects this end, at both sides.
async fn all_end(wrong: Vec<(&str, Vec<u8>, u16)>) {
    let upstream = Upstream::behaving(Behaviour::Echo).await;
    let house = House::with(&[route("echo", &upstream, "")]).await;
    for (at, (what, bytes, code)) in wrong.into_iter().enumerate() {
        let slug = match code {
            1007 => "bad_utf8",
            _ => "protocol_error",
        };
        let mut ws = house.session("echo").await;
        ws.send_raw(&bytes).await;
        told_to_go(&mut ws, code, slug).await;
        assert_eq!(ws.recv().await, Event::Eof, "{what}");
        let dials = upstream.ended(at + 1).await;
        let close = Event::Frame(Frame::close(code, ""));
        assert_eq!(unmasked(dials[at].end.clone().unwrap()), close, "{what}");
        let frames = dials[at].frames.iter();
        let passed = frames.filter(|frame| frame.fin && frame.opcode != 8);
        assert_eq!(passed.count(), 0, "nothing whole passes: {what}");
    }
}

fn unmasked(event: Event) -> Event {
    let frame = event.frame();
    Event::Frame(Frame {
        mask: None,
        ..frame
    })
}

/// R03: what a client may not send.
#[tokio::test]
async fn a_client_that_breaks_the_protocol_is_told_1002() {
    let masked = |frame: Frame| frame.masked(KEY).encode();
    let inside = [
        masked(Frame::text("a").more()),
        masked(Frame::text("b").more()),
    ];
    let mut wrong = vec![
        ("unmasked", Frame::text("hello").encode()),
        (
            "a continuation of nothing",
            masked(Frame::continuation("x")),
        ),
        ("a message inside a message", inside.concat()),
    ];
    for bits in [4, 2, 1] {
        wrong.push(("a reserved bit", masked(Frame::text("x").rsv(bits))));
    }
    for opcode in (3..=7).chain(11..=15) {
        wrong.push(("a reserved opcode", masked(Frame::new(opcode, "x"))));
    }
    let wrong = wrong.into_iter().map(|(what, bytes)| (what, bytes, 1002));
    all_end(wrong.collect()).await;
}

/// R03, the other direction: one server, a route each.
#[tokio::test]
async fn an_upstream_that_breaks_the_protocol_ends_the_session_with_1002() {
    let wrong = [
        ("masked", Frame::text("hello").masked(KEY)),
        ("rsv1", Frame::text("hello").rsv(4)),
        ("rsv3", Frame::text("hello").rsv(1)),
        ("opcode-3", Frame::new(3, "x")),
        ("opcode-11", Frame::new(11, "x")),
        ("continuation", Frame::continuation("x")),
    ];
    let mut upstreams = Vec::new();
    for (name, frame) in wrong {
        let upstream = Upstream::behaving(Behaviour::Raw(frame.encode())).await;
        upstreams.push((name, upstream));
    }
    let routes: Vec<String> = upstreams
        .iter()
        .map(|(name, upstream)| route(name, upstream, ""))
        .collect();
    let house = House::with(&routes).await;
    for (name, upstream) in &upstreams {
        let mut ws = house.session(name).await;
        told_to_go(&mut ws, 1002, "protocol_error").await;
        upstream_told(upstream, Some(1002)).await;
        assert_eq!(house.ended(name).await["initiator"], "upstream", "{name}");
    }
}

/// R05: lengths that are not written as they must be.
#[tokio::test]
async fn a_length_in_the_wrong_form_is_a_protocol_error() {
    let frame = Frame::text("hello").masked(KEY);
    let encoded = |declared, form| frame.encode_as(declared, form);
    all_end(vec![
        ("5 in two bytes", encoded(None, LengthForm::Sixteen), 1002),
        (
            "5 in eight bytes",
            encoded(None, LengthForm::SixtyFour),
            1002,
        ),
        (
            "the highest bit set",
            encoded(Some((1 << 63) | 5), LengthForm::SixtyFour),
            1002,
        ),
    ])
    .await;
}

/// R07: control frames that are none.
#[tokio::test]
async fn a_malformed_control_frame_ends_the_session() {
    let wrong = [
        ("a ping in parts", Frame::ping("x").more(), 1002),
        ("a long ping", Frame::ping([b'x'; 126]), 1002),
        ("half a close code", Frame::new(8, [3]), 1002),
        (
            "a close that must not be sent",
            Frame::close(1006, ""),
            1002,
        ),
        ("a close of no meaning", Frame::close(999, ""), 1002),
        ("a reason in no script", Frame::new(8, [3, 232, 255]), 1007),
    ];
    let wrong = wrong.map(|(what, frame, code)| (what, frame.masked(KEY).encode(), code));
    all_end(wrong.to_vec()).await;
}

/// R06, short: a message of one-byte and then of empty fragments has an end.
#[tokio::test]
async fn a_message_in_endless_fragments_is_cut_at_the_limit() {
    let upstream = Upstream::behaving(Behaviour::Echo).await;
    let house = House::with(&[route("echo", &upstream, "limits.max_fragments = 1000")]).await;
    for payload in ["x", ""] {
        let mut ws = house.session("echo").await;
        let part = Frame::continuation(payload).more().masked(KEY).encode();
        let start = Frame::text(payload).more().masked(KEY).encode();
        // Cut in the middle, the rest may not be taken.
        let _taken = ws
            .try_send_raw(&[start, part.repeat(20_000)].concat())
            .await;
        told_to_go(&mut ws, 1009, "message_too_big").await;
    }
    let dials = upstream.ended(2).await;
    for dial in dials {
        let fragments = dial.frames.iter().filter(|frame| frame.opcode != 8).count();
        assert!(fragments <= 1000, "{fragments} fragments passed");
    }
}
