//! The configuration: any text is accepted or refused with a place, and what is accepted can be shown.
#![no_main]

use std::path::Path;

use libfuzzer_sys::fuzz_target;

fuzz_target!(|text: &str| {
    match tollbridge_config::parse(text, "fuzz.toml", Path::new("/nowhere"), Vec::new()) {
        Ok(loaded) => assert!(!loaded.settings.show().is_empty()),
        Err(problems) => {
            assert!(!problems.0.is_empty(), "refused without a problem");
            assert!(!problems.to_string().is_empty());
            for problem in &problems.0 {
                let lines = text.split('\n').count();
                assert!(
                    problem
                        .line
                        .is_none_or(|line| (1..=lines + 1).contains(&line)),
                    "a line that is not there"
                );
            }
        }
    }
});
