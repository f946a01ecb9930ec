//! What a scanner and a session weigh.

use tollbridge_relay::{Rules, Scanner};

#[test]
fn a_scanner_is_its_only_memory() {
    assert!(size_of::<Scanner>() <= 96, "{}", size_of::<Scanner>());
    assert!(size_of::<Rules>() <= 32, "{}", size_of::<Rules>());
}
