//! Data goes to stdout, words go to stderr. A closed pipe is not an error: whoever closed it has
//! seen enough. A full disk is one: what was to be kept is lost.

use std::{
    io::{ErrorKind, Write},
    sync::atomic::{AtomicBool, Ordering},
};

/// Whether data was lost.
static LOST: AtomicBool = AtomicBool::new(false);

/// One line of data.
pub(crate) fn data(line: &str) {
    let written = writeln!(std::io::stdout().lock(), "{line}");
    if written.is_err_and(|error| error.kind() != ErrorKind::BrokenPipe) {
        LOST.store(true, Ordering::Relaxed);
    }
}

/// Whether a line of data could not be written.
pub(crate) fn lost() -> bool {
    LOST.load(Ordering::Relaxed)
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
