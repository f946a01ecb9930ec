//! The frame reader against a slow and obvious one: however the bytes are split, in either
//! direction, under any limits, the same bytes pass, the same is counted, the verdict is the same.
#![no_main]

use libfuzzer_sys::fuzz_target;

#[path = "../../relay/tests/it/pieces.rs"]
mod pieces;
#[path = "../../relay/tests/it/reference.rs"]
mod reference;

use self::reference::Held;

/// Limits and pieces come first in the input, the stream behind them.
const HEAD: usize = 16;

fuzz_target!(|input: &[u8]| {
    let Some((head, bytes)) = input.split_first_chunk::<HEAD>() else {
        return;
    };
    let (held, cuts) = draw(*head);
    let expected = reference::read(held, bytes);
    let whole = pieces::read(held, bytes, std::iter::empty());
    assert_eq!(whole, expected, "in one piece, {held:?}");
    let cut = pieces::read(held, bytes, cuts.into_iter().cycle());
    assert_eq!(cut, expected, "in pieces of {cuts:?}, {held:?}");
    let single = pieces::read(held, bytes, std::iter::repeat(1));
    assert_eq!(single, expected, "byte by byte, {held:?}");
});

/// Limits of any order of magnitude, from nothing to everything; pieces of 1 to 256 bytes.
fn draw(head: [u8; HEAD]) -> (Held, [usize; 8]) {
    let [flags, f, fs, m, ms, fragments, a, allowances, cuts @ ..] = head;
    let scaled = |number: u8, scale: u8| match scale {
        u8::MAX => u64::MAX,
        scale => u64::from(number) << (scale % 57),
    };
    let held = Held {
        masked: flags & 1 != 0,
        rsv1: flags & 2 != 0,
        max_frame: scaled(f, fs),
        max_message: scaled(m, ms),
        max_fragments: fragments.into(),
        allowance: scaled(a, allowances),
    };
    (held, cuts.map(|cut: u8| usize::from(cut) + 1))
}
