//! Data goes to stdout, words go to stderr. A closed pipe is not an error.

use std::io::Write;

/// One line of data.
pub(crate) fn data(line: &str) {
    let _closed = writeln!(std::io::stdout().lock(), "{line}");
}

/// What an act came to: in words, and as data where data is asked for.
pub(crate) fn done(json: bool, value: &serde_json::Value, said: &str) {
    words(said);
    if json {
        data(&value.to_string());
    }
}

/// One line for people.
pub(crate) fn words(line: &str) {
    let _closed = writeln!(std::io::stderr().lock(), "{line}");
}
