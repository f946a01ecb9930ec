//! Data goes to stdout, words go to stderr. A closed pipe is not an error.

use std::io::Write;

/// One line of data.
pub(crate) fn data(line: &str) {
    let _closed = writeln!(std::io::stdout().lock(), "{line}");
}

/// One line for people.
pub(crate) fn words(line: &str) {
    let _closed = writeln!(std::io::stderr().lock(), "{line}");
}
