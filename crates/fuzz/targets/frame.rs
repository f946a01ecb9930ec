//! The frame reader: however the bytes are split, the same pass and the verdict is the same.
#![no_main]

use libfuzzer_sys::fuzz_target;
use tollbridge_relay::{ControlKind, Next, Rules, Scanner};

/// What a reader made of a stream of bytes.
#[derive(Debug, Default, Eq, PartialEq)]
struct Reading {
    passed: usize,
    frames: u64,
    messages: u64,
    controls: Vec<(ControlKind, Vec<u8>)>,
    verdict: Option<String>,
    allowance: u64,
}

fn read(
    rules: Rules,
    bytes: &[u8],
    mut allowance: u64,
    mut split: impl FnMut(usize) -> usize,
) -> Reading {
    let mut scanner = Scanner::new(rules);
    let mut reading = Reading::default();
    let (mut start, mut end) = (0, 0);
    loop {
        let seen = &bytes[start..end];
        let scan = scanner.scan(seen, &mut allowance);
        assert!(scan.pass <= seen.len(), "more passed than there is");
        start += scan.pass;
        reading.passed += scan.pass;
        reading.frames += scan.tally.frames;
        reading.messages += scan.tally.messages;
        reading.allowance = allowance;
        match scan.next {
            Next::Control(control) => {
                let frame = &bytes[start..end];
                assert!(
                    control.wire <= frame.len(),
                    "a control frame is reported before it is whole"
                );
                assert!(
                    scanner.at_boundary(),
                    "a control frame inside another frame"
                );
                reading
                    .controls
                    .push((control.kind, control.payload(frame).collect()));
                start += control.wire;
            }
            Next::Refuse(slug) => {
                reading.verdict = Some(slug.as_str().to_owned());
                return reading;
            }
            Next::More if end == bytes.len() => return reading,
            Next::More => {
                assert!(
                    end - start < 14 + 125,
                    "more is kept than a header or a control frame"
                );
                end += split(bytes.len() - end).clamp(1, bytes.len() - end);
            }
        }
    }
}

fuzz_target!(|input: &[u8]| {
    let Some((&[flags, limit, step], bytes)) = input.split_first_chunk() else {
        return;
    };
    let rules = Rules {
        masked: flags & 1 != 0,
        rsv1: flags & 2 != 0,
        max_frame: u64::from(limit) << 4,
        max_message: u64::from(limit) << 5,
        max_fragments: u32::from(flags >> 4),
    };
    let allowance = if flags & 4 != 0 { 512 } else { u64::MAX };
    let whole = read(rules, bytes, allowance, |left| left);
    let steps = read(rules, bytes, allowance, |_| usize::from(step % 16) + 1);
    let single = read(rules, bytes, allowance, |_| 1);
    assert_eq!(whole, steps);
    assert_eq!(whole, single);
});
