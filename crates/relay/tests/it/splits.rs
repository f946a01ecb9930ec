//! However the bytes are cut, in either direction and under any limits, the frame reader makes of
//! them what its slow twin makes of the whole. The fuzz target `frame` looks further.

use proptest::prelude::*;

use crate::{
    frames::{CLOSE, PING, header, masked, plain},
    pieces,
    reference::{self, Held},
};

proptest! {
    #[test]
    fn any_split_gives_what_the_slow_reader_gives(
        (held, bytes) in held().prop_flat_map(|held| (Just(held), stream(held.masked))),
        cuts in proptest::collection::vec(1usize..40, 0..60),
    ) {
        let expected = reference::read(held, &bytes);
        let whole = pieces::read(held, &bytes, std::iter::empty());
        prop_assert_eq!(&whole, &expected);
        let cut = pieces::read(held, &bytes, cuts.into_iter());
        prop_assert_eq!(&cut, &expected);
        let single = pieces::read(held, &bytes, std::iter::repeat(1));
        prop_assert_eq!(&single, &expected);
    }

    #[test]
    fn what_passes_of_any_bytes_is_a_prefix(
        held in held(),
        bytes in proptest::collection::vec(any::<u8>(), 0..400),
    ) {
        let seen = pieces::read(held, &bytes, std::iter::empty());
        prop_assert!(bytes.starts_with(&seen.passed));
        prop_assert_eq!(seen, reference::read(held, &bytes));
    }
}

/// Limits that streams of some frames of up to 200 bytes run into now and then.
fn held() -> impl Strategy<Value = Held> {
    let limit = || prop_oneof![3 => 0u64..1000, 1 => Just(u64::MAX)];
    let fragments = prop_oneof![3 => 0u32..6, 1 => Just(u32::MAX)];
    let flags = (any::<bool>(), any::<bool>());
    (flags, limit(), limit(), fragments, limit()).prop_map(
        |((masked, rsv1), max_frame, max_message, max_fragments, allowance)| Held {
            masked,
            rsv1,
            max_frame,
            max_message,
            max_fragments,
            allowance: allowance.saturating_mul(4),
        },
    )
}

/// Mostly well-formed frames of one side, with a broken one now and then.
fn stream(by_client: bool) -> impl Strategy<Value = Vec<u8>> {
    let frame = move |first, payload: &[u8]| {
        if by_client {
            masked(first, payload)
        } else {
            plain(first, payload)
        }
    };
    let payload = || proptest::collection::vec(any::<u8>(), 0..200);
    let message = proptest::collection::vec(payload(), 1..5).prop_map(move |parts| {
        let last = parts.len() - 1;
        let frames = parts.iter().enumerate().map(|(at, part)| {
            let opcode = if at == 0 { 0x02 } else { 0x00 };
            frame(opcode | if at == last { 0x80 } else { 0 }, part)
        });
        frames.collect::<Vec<_>>().concat()
    });
    let piece = prop_oneof![
        6 => message,
        3 => (8u8..=10, payload()).prop_map(move |(opcode, payload)| {
            frame(0x80 | opcode, &payload[..payload.len().min(125)])
        }),
        1 => Just(frame(CLOSE, b"\x03\xe8bye")),
        1 => Just(frame(PING, b"")),
        1 => (0u8..=2, any::<bool>(), payload()).prop_map(move |(opcode, fin, payload)| {
            frame(opcode | if fin { 0x80 } else { 0 }, &payload)
        }),
        1 => any::<u64>().prop_map(move |length| header(0x82, by_client, length)),
        1 => proptest::collection::vec(any::<u8>(), 0..20),
        1 => (any::<u8>(), payload()).prop_map(move |(first, payload)| frame(first, &payload)),
    ];
    proptest::collection::vec(piece, 0..12).prop_map(|pieces| pieces.concat())
}
