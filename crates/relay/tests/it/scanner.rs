//! The frame reader on its own.

use tollbridge_domain::Slug;
use tollbridge_relay::{ControlKind, Next, Rules, Scanner};

use crate::frames::{BINARY, PING, header, masked, plain};

#[test]
fn many_frames_are_one_scan() {
    let mut scanner = Scanner::new(rules());
    let bytes = masked(BINARY, b"x").repeat(1000);
    let scan = scanner.scan(&bytes, &mut u64::MAX.clone());
    assert_eq!((scan.pass, scan.next), (bytes.len(), Next::More));
    assert_eq!((scan.tally.frames, scan.tally.messages), (1000, 1000));
}

#[test]
fn a_control_frame_interrupts_a_scan_and_shows_its_payload() {
    let mut scanner = Scanner::new(rules());
    let before = masked(BINARY, b"x");
    let bytes = [before.as_slice(), &masked(PING, b"hello")].concat();
    let scan = scanner.scan(&bytes, &mut u64::MAX.clone());
    assert_eq!(scan.pass, before.len());
    let Next::Control(control) = scan.next else {
        panic!("{:?}", scan.next);
    };
    assert_eq!((control.kind, control.wire), (ControlKind::Ping, 11));
    let payload: Vec<u8> = control.payload(&bytes[before.len()..]).collect();
    assert_eq!(payload, b"hello");
}

#[test]
fn a_boundary_is_where_no_payload_is_due() {
    let mut scanner = Scanner::new(rules());
    assert!(scanner.at_boundary());
    scanner.scan(&header(BINARY, true, 5), &mut u64::MAX.clone());
    assert!(!scanner.at_boundary());
    scanner.scan(b"12345", &mut u64::MAX.clone());
    assert!(scanner.at_boundary());
    scanner.scan(&[BINARY, 0x85], &mut u64::MAX.clone());
    assert!(scanner.at_boundary());
}

#[test]
fn the_second_byte_is_enough_for_most_verdicts() {
    for start in [
        [0x83, 0x80],
        [0xa1, 0x80],
        [0x80, 0x80],
        [0x09, 0x80],
        [0x89, 0xfe],
        [0x81, 0],
    ] {
        let scan = Scanner::new(rules()).scan(&start, &mut u64::MAX.clone());
        assert_eq!(
            (scan.pass, scan.next),
            (0, Next::Refuse(Slug::ProtocolError))
        );
    }
}

#[test]
fn sizes_at_the_end_of_all_numbers_do_not_overflow() {
    let boundless = Rules {
        max_frame: u64::MAX,
        max_message: u64::MAX,
        max_fragments: 0,
        masked: false,
        rsv1: false,
    };
    let mut scanner = Scanner::new(boundless);
    let huge = header(0x02, false, i64::MAX as u64);
    let scan = scanner.scan(&huge, &mut u64::MAX.clone());
    assert_eq!((scan.pass, scan.next), (huge.len(), Next::More));
}

#[test]
fn the_allowance_is_spent_by_whole_frames_and_never_overdrawn() {
    let mut allowance = 20;
    let mut scanner = Scanner::new(Rules {
        masked: false,
        ..rules()
    });
    let bytes = [plain(BINARY, &[1; 10]), plain(BINARY, &[1; 10])].concat();
    let scan = scanner.scan(&bytes, &mut allowance);
    assert_eq!((scan.pass, scan.next), (12, Next::Refuse(Slug::ByteQuota)));
    assert_eq!(allowance, 8);
}

const fn rules() -> Rules {
    Rules {
        masked: true,
        rsv1: false,
        max_frame: 1 << 20,
        max_message: 1 << 20,
        max_fragments: 16384,
    }
}
