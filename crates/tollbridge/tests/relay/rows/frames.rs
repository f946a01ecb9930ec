//! Frames that are none: R03, R07 and R09.

use tollbridge_testkit::{Frame, LengthForm};

use super::{broken, passing};
use crate::{
    row::Row,
    wire::{
        KEY,
        Side::{self, Client, Upstream},
    },
};

pub(super) fn rows() -> Vec<Row> {
    let mut rows = vec![
        broken(Client, "r03-mask", Frame::text("hello").encode(), 1002),
        broken(
            Upstream,
            "r03-mask",
            Frame::text("hello").masked(KEY).encode(),
            1002,
        ),
        broken(
            Client,
            "r03-http",
            b"GET / HTTP/1.1\r\nHost: x\r\n\r\n".to_vec(),
            1002,
        ),
        broken(
            Client,
            "r03-tls",
            b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03".to_vec(),
            1002,
        ),
        both_broken(),
    ];
    for side in Side::BOTH {
        rows.extend(reserved(side));
        rows.extend(controls(side));
        rows.extend(deflated(side));
        let text = Frame::text([0xff, 0xfe]);
        rows.push(passing(side, "r01-text-of-no-script", side.wire(&[text])));
    }
    rows
}

/// R03: reserved bits and opcodes.
fn reserved(side: Side) -> Vec<Row> {
    let bits = [4, 2, 1].map(|bits| (format!("r03-rsv-{bits}"), Frame::text("x").rsv(bits)));
    let opcodes = (3..=7).chain(11..=15);
    let opcodes = opcodes.map(|opcode| (format!("r03-opcode-{opcode}"), Frame::new(opcode, "x")));
    bits.into_iter()
        .chain(opcodes)
        .map(|(what, frame)| broken(side, &what, side.wire(&[frame]), 1002))
        .collect()
}

/// R07: control frames are short and whole.
fn controls(side: Side) -> Vec<Row> {
    let ping = |declared, form| side.declaring(Frame::ping("ping"), declared, form);
    let close = Frame::close(1000, &"x".repeat(124));
    let wrong = [
        ("ping-126", side.one(&Frame::ping([b'x'; 126]))),
        ("close-126", side.wire(&[close])),
        ("ping-in-parts", side.one(&Frame::ping("x").more())),
        ("pong-in-parts", side.one(&Frame::pong("x").more())),
        ("close-in-parts", side.one(&Frame::close(1000, "").more())),
        ("ping-in-16-bits", ping(None, LengthForm::Sixteen)),
        ("ping-in-64-bits", ping(None, LengthForm::SixtyFour)),
        ("ping-of-2-40", ping(Some(1 << 40), LengthForm::SixtyFour)),
    ];
    let row = |(what, bytes)| broken(side, &format!("r07-{what}"), bytes, 1002);
    wrong.map(row).into()
}

/// R09: where compression was agreed on, RSV1 marks the first frame of a message and nothing else.
fn deflated(side: Side) -> Vec<Row> {
    let start = Frame::text([0xf2, 0x48, 0xcd]).rsv(4).more();
    let end = Frame::continuation([0xc9, 0xc9, 0x07, 0x00]);
    let good = [start.clone(), Frame::ping("between"), end.clone()];
    let whole = side.wire(&[start.clone(), end.rsv(4)]);
    vec![
        passing(side, "r09-agreed", side.wire(&good)).deflating(),
        broken(side, "r09-rsv1-inside", whole, 1002)
            .deflating()
            .passes(side.other(), &[start]),
        broken(
            side,
            "r09-rsv1-ping",
            side.one(&Frame::ping("x").rsv(4)),
            1002,
        )
        .deflating(),
        broken(side, "r09-rsv2", side.one(&Frame::text("x").rsv(6)), 1002).deflating(),
    ]
}

/// Whoever is read first is to blame; what they are told is the same.
fn both_broken() -> Row {
    let nonsense = Frame::new(3, "x");
    let mut row = broken(Client, "r03-both", Client.one(&nonsense), 1002)
        .frames(Upstream, &[nonsense])
        .by_either();
    row.name = "r03-both-at-once".to_owned();
    row
}
