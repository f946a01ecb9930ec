//! However the bytes are cut, in either direction and under any limits, the frame reader makes of
//! them what its slow twin makes of the whole. The fuzz target `frame` looks further.

use proptest::prelude::*;

use crate::{
    frames::{BINARY, CLOSE, KEY, PING, header, masked, plain},
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

/// Whole and byte by byte, for a reader may take a short way where a frame is there at once.
#[test]
fn limits_that_are_met_exactly_pass_and_one_less_does_not() {
    let client = |length: usize| masked(BINARY, &vec![7; length]);
    let server = |length: usize| plain(BINARY, &vec![7; length]);
    for length in [1, 100, 125, 126, 65_535, 65_536] {
        for (by_client, frame) in [(true, client(length)), (false, server(length))] {
            let exact = Held {
                masked: by_client,
                rsv1: false,
                max_frame: length as u64,
                max_message: length as u64,
                max_fragments: 1,
                allowance: frame.len() as u64,
            };
            let less = |change: fn(&mut Held)| {
                let mut held = exact;
                change(&mut held);
                held
            };
            for (held, refused) in [
                (exact, None),
                (less(|held| held.max_frame -= 1), Some("message_too_big")),
                (less(|held| held.max_message -= 1), Some("message_too_big")),
                (less(|held| held.allowance -= 1), Some("byte_quota")),
            ] {
                let expected = reference::read(held, &frame);
                assert_eq!(expected.refused, refused, "{length}");
                let whole = pieces::read(held, &frame, std::iter::empty());
                assert_eq!(whole, expected, "{length}");
                let single = pieces::read(held, &frame, std::iter::repeat(1));
                assert_eq!(single, expected, "{length}");
            }
        }
    }
}

/// Limits that streams of some frames of up to 200 bytes run into now and then, and often meet
/// exactly.
fn held() -> impl Strategy<Value = Held> {
    let limit = || {
        let exact = prop_oneof![Just(100u64), Just(125), Just(126), Just(200)];
        prop_oneof![2 => 0u64..1000, 3 => exact, 1 => Just(u64::MAX)]
    };
    let fragments = prop_oneof![3 => 0u32..6, 1 => Just(u32::MAX)];
    // One or two frames of 100 bytes with their headers, from a server or a client.
    let exact = prop_oneof![Just(102u64), Just(204), Just(106), Just(212)];
    let allowance = prop_oneof![2 => 0u64..4000, 1 => exact, 3 => Just(u64::MAX)];
    let flags = (any::<bool>(), any::<bool>());
    (flags, limit(), limit(), fragments, allowance).prop_map(
        |((masked, rsv1), max_frame, max_message, max_fragments, allowance)| Held {
            masked,
            rsv1,
            max_frame,
            max_message,
            max_fragments,
            allowance,
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
    let payload = || {
        let size = prop_oneof![3 => 0..200usize, 2 => Just(100), 1 => Just(125), 1 => Just(126)];
        size.prop_flat_map(|size| proptest::collection::vec(any::<u8>(), size))
    };
    let long_form = move |payload: &[u8]| {
        let length = u16::try_from(payload.len()).unwrap().to_be_bytes();
        let bit = if by_client { 0x80 } else { 0 };
        let key: &[u8] = if by_client { &KEY } else { &[] };
        [&[BINARY, bit | 126], length.as_slice(), key, payload].concat()
    };
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
        1 => payload().prop_map(move |payload| long_form(&payload)),
        1 => any::<u64>().prop_map(move |length| header(0x82, by_client, length)),
        1 => proptest::collection::vec(any::<u8>(), 0..20),
        1 => (any::<u8>(), payload()).prop_map(move |(first, payload)| frame(first, &payload)),
    ];
    proptest::collection::vec(piece, 0..12).prop_map(|pieces| pieces.concat())
}
