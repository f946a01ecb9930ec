//! Sums over what passed.

use std::fmt;

use ring::digest::{Context, SHA256, digest};
use serde_json::{Value, json};

/// Counts messages and bytes, and hashes the bytes in order.
#[derive(Clone)]
pub struct Tally {
    /// How many were added.
    pub messages: u64,
    /// How many bytes they had.
    pub bytes: u64,
    hash: Context,
}

impl Tally {
    /// SHA-256 over all bytes so far.
    #[must_use]
    pub fn sha256(&self) -> String {
        hex(self.hash.clone().finish().as_ref())
    }

    /// For a report.
    #[must_use]
    pub fn to_json(&self) -> Value {
        json!({"messages": self.messages, "bytes": self.bytes, "sha256": self.sha256()})
    }

    pub(crate) fn add(&mut self, bytes: &[u8]) {
        self.messages += 1;
        self.bytes += u64::try_from(bytes.len()).unwrap();
        self.hash.update(bytes);
    }
}

impl Default for Tally {
    fn default() -> Self {
        Self {
            messages: 0,
            bytes: 0,
            hash: Context::new(&SHA256),
        }
    }
}

impl fmt::Debug for Tally {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} messages of {} bytes", self.messages, self.bytes)
    }
}

/// SHA-256 in hexadecimal.
#[must_use]
pub fn sha256_hex(bytes: &[u8]) -> String {
    hex(digest(&SHA256, bytes).as_ref())
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_tally_hashes_what_was_added_in_order() {
        let mut tally = Tally::default();
        tally.add(b"ab");
        tally.add(b"c");
        assert_eq!(tally.sha256(), sha256_hex(b"abc"));
        assert_eq!((tally.messages, tally.bytes), (2, 3));
    }
}
