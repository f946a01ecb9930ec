//! Identifiers that vendors give to requests and sessions: unlike each other within a process.

use std::sync::atomic::{AtomicU64, Ordering};

static GIVEN: AtomicU64 = AtomicU64::new(0);

fn next() -> u64 {
    GIVEN.fetch_add(1, Ordering::Relaxed) + 1
}

/// 32 hexadecimal digits.
pub(super) fn hex() -> String {
    format!("{:032x}", next())
}

/// A UUID of version 4 by its looks.
pub(super) fn uuid() -> String {
    format!("5eed0000-0000-4000-8000-{:012x}", next())
}

/// As OpenAI's: `sess_…`, `event_…`.
pub(super) fn named(kind: &str) -> String {
    format!("{kind}_{:024x}", next())
}

/// Whether this is one, of any version.
pub(super) fn is_uuid(text: &str) -> bool {
    let groups: Vec<_> = text.split('-').map(str::len).collect();
    groups == [8, 4, 4, 4, 12] && text.bytes().all(|it| it == b'-' || it.is_ascii_hexdigit())
}
