//! The frame reader, fed piece by piece as a connection feeds it. The fuzz target `frame` reads
//! this file too.

use tollbridge_relay::{ControlKind, Next, Rules, Scanner};

use crate::reference::{Held, Reading};

/// Feeds the bytes in pieces of these sizes, the rest in one, and notes what comes of it.
pub(crate) fn read(held: Held, bytes: &[u8], pieces: impl Iterator<Item = usize>) -> Reading {
    let mut scanner = Scanner::new(rules(held));
    let mut reading = Reading {
        allowance: held.allowance,
        ..Reading::default()
    };
    let mut pieces = pieces;
    let mut kept = Vec::new();
    let mut rest = bytes;
    while !rest.is_empty() && reading.refused.is_none() {
        let size = pieces.next().unwrap_or(rest.len());
        let (piece, behind) = rest.split_at(size.clamp(1, rest.len()));
        kept.extend_from_slice(piece);
        rest = behind;
        take(&mut scanner, &mut kept, &mut reading);
        assert!(
            kept.len() < 14 + 125 || reading.refused.is_some(),
            "too much is kept"
        );
    }
    reading.at_boundary = scanner.at_boundary();
    reading
}

fn take(scanner: &mut Scanner, kept: &mut Vec<u8>, reading: &mut Reading) {
    loop {
        let scan = scanner.scan(kept, &mut reading.allowance);
        assert!(scan.pass <= kept.len(), "more passed than there is");
        reading.frames += scan.tally.frames;
        reading.messages += scan.tally.messages;
        reading.passed.extend(kept.drain(..scan.pass));
        match scan.next {
            Next::More => return,
            Next::Refuse(slug) => {
                reading.refused = Some(slug.as_str());
                return;
            }
            Next::Control(control) => {
                assert!(scanner.at_boundary(), "a control frame inside a frame");
                let payload = control.payload(kept).collect();
                reading.controls.push((opcode(control.kind), payload));
                reading.passed.extend(kept.drain(..control.wire));
            }
        }
    }
}

const fn opcode(kind: ControlKind) -> u8 {
    match kind {
        ControlKind::Close => 8,
        ControlKind::Ping => 9,
        ControlKind::Pong => 10,
    }
}

const fn rules(held: Held) -> Rules {
    Rules {
        masked: held.masked,
        rsv1: held.rsv1,
        max_frame: held.max_frame,
        max_message: held.max_message,
        max_fragments: held.max_fragments,
    }
}
