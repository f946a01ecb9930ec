//! However the bytes are cut, the same passes and the same is refused.

use proptest::prelude::*;
use tollbridge_relay::{ControlKind, Next, Rules, Scanner};

use crate::frames::{CLOSE, header, masked};

proptest! {
    #[test]
    fn any_split_gives_the_same_bytes_and_the_same_verdict(
        bytes in stream(),
        cuts in proptest::collection::vec(1usize..40, 0..60),
    ) {
        let whole = read(&bytes, &[]);
        prop_assert_eq!(read(&bytes, &cuts), whole);
        let single = vec![1; bytes.len()];
        prop_assert_eq!(read(&bytes, &single), read(&bytes, &[]));
    }

    #[test]
    fn what_passes_is_a_prefix(bytes in proptest::collection::vec(any::<u8>(), 0..400)) {
        let seen = read(&bytes, &[]);
        prop_assert!(bytes.starts_with(&seen.passed));
    }
}

#[derive(Debug, Eq, PartialEq)]
struct Seen {
    passed: Vec<u8>,
    closes: Vec<Vec<u8>>,
    frames: u64,
    messages: u64,
    refused: Option<&'static str>,
    allowance: u64,
}

/// Feeds the bytes in pieces of the given sizes, the rest in one.
fn read(bytes: &[u8], cuts: &[usize]) -> Seen {
    let mut scanner = Scanner::new(RULES);
    let mut allowance = 5000;
    let mut seen = Seen {
        passed: Vec::new(),
        closes: Vec::new(),
        frames: 0,
        messages: 0,
        refused: None,
        allowance: 0,
    };
    let mut kept = Vec::new();
    let mut rest = bytes;
    let mut cuts = cuts.iter();
    while !rest.is_empty() && seen.refused.is_none() {
        let size = cuts.next().map_or(rest.len(), |cut| (*cut).min(rest.len()));
        kept.extend_from_slice(&rest[..size]);
        rest = &rest[size..];
        take(&mut scanner, &mut kept, &mut allowance, &mut seen);
    }
    seen.allowance = allowance;
    seen
}

fn take(scanner: &mut Scanner, kept: &mut Vec<u8>, allowance: &mut u64, seen: &mut Seen) {
    loop {
        let scan = scanner.scan(kept, allowance);
        seen.frames += scan.tally.frames;
        seen.messages += scan.tally.messages;
        seen.passed.extend(kept.drain(..scan.pass));
        match scan.next {
            Next::More => return,
            Next::Refuse(slug) => {
                seen.refused = Some(slug.as_str());
                return;
            }
            Next::Control(control) => {
                if control.kind == ControlKind::Close {
                    seen.closes.push(control.payload(kept).collect());
                }
                seen.passed.extend(kept.drain(..control.wire));
            }
        }
    }
}

/// Mostly well-formed frames, with a broken one now and then.
fn stream() -> impl Strategy<Value = Vec<u8>> {
    let payload = proptest::collection::vec(any::<u8>(), 0..200);
    let frame = prop_oneof![
        6 => (0u8..=2, any::<bool>(), payload.clone()).prop_map(|(opcode, fin, payload)| {
            masked(opcode | if fin { 0x80 } else { 0 }, &payload)
        }),
        3 => (8u8..=10, payload.clone()).prop_map(|(opcode, payload)| {
            masked(0x80 | opcode, &payload[..payload.len().min(125)])
        }),
        1 => Just(masked(CLOSE, b"\x03\xe8bye")),
        1 => any::<u64>().prop_map(|length| header(0x82, true, length)),
        1 => proptest::collection::vec(any::<u8>(), 0..20),
        1 => (any::<u8>(), payload).prop_map(|(first, payload)| masked(first, &payload)),
    ];
    proptest::collection::vec(frame, 0..12).prop_map(|frames| frames.concat())
}

const RULES: Rules = Rules {
    masked: true,
    rsv1: true,
    max_frame: 1000,
    max_message: 1500,
    max_fragments: 4,
};
