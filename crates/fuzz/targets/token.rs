//! The token parser: what a stranger sends is judged by its form alone, and what has the form can be shown to an operator.
#![no_main]

use libfuzzer_sys::fuzz_target;
use tollbridge_token::{RawToken, inspect, parses};

fuzz_target!(|text: &str| {
    let parses = parses(text);
    let Ok(raw) = RawToken::parse(text) else {
        assert!(!parses, "no token could look like this");
        return;
    };
    assert_eq!(format!("{raw:?}"), "RawToken([redacted])");
    match inspect(&raw) {
        Ok(inspected) => assert!(!inspected.verified),
        Err(_) => assert!(!parses, "a token that cannot be shown"),
    }
});
