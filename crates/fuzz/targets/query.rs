//! The query of a bridge request: whatever comes is judged, and a name that occurs twice is never taken for one.
#![no_main]

use libfuzzer_sys::fuzz_target;
use tollbridge_http::query::{Occurrence, Query};

const NAMES: [&str; 4] = ["token", "access_token", "a", ""];

fuzz_target!(|text: &str| {
    let Ok(query) = Query::parse(text) else {
        return;
    };
    for name in NAMES {
        let only = query.only(&[name.to_owned()]);
        match query.get(name) {
            Occurrence::Absent => assert!(only.is_ok_and(|kept| kept.is_empty())),
            Occurrence::Once(value) => {
                assert!(only.is_ok_and(|kept| kept == [(name.to_owned(), value.to_owned())]))
            }
            Occurrence::Repeated => assert!(only.is_err()),
        }
    }
});
