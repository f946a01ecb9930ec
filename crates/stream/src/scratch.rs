//! Two buffers a thread, shared by all its TLS streams: one for what comes, one for what goes.

use std::{cell::Cell, thread::LocalKey};

/// Borrowed for the length of one poll; never across an await.
pub(crate) struct Scratch {
    buffer: Box<[u8]>,
    home: &'static LocalKey<Home>,
}

type Home = Cell<Option<Box<[u8]>>>;

impl Scratch {
    /// For ciphertext on its way in: [`INCOMING`] bytes.
    pub(crate) fn incoming() -> Self {
        Self::borrow(&INCOMING_HOME, INCOMING)
    }

    /// For ciphertext on its way out: [`OUTGOING`] bytes.
    pub(crate) fn outgoing() -> Self {
        Self::borrow(&OUTGOING_HOME, OUTGOING)
    }

    pub(crate) fn bytes(&mut self) -> &mut [u8] {
        &mut self.buffer
    }

    /// This thread's buffer, or a new one where it is out on loan.
    fn borrow(home: &'static LocalKey<Home>, size: usize) -> Self {
        let kept = home.try_with(Cell::take).ok().flatten();
        let buffer = kept.unwrap_or_else(|| vec![0; size].into_boxed_slice());
        Self { buffer, home }
    }
}

impl Drop for Scratch {
    fn drop(&mut self) {
        let buffer = std::mem::take(&mut self.buffer);
        // A thread that is ending has no use for it.
        let _ending = self.home.try_with(|home| home.set(Some(buffer)));
    }
}

thread_local! {
    static INCOMING_HOME: Home = const { Cell::new(None) };
    static OUTGOING_HOME: Home = const { Cell::new(None) };
}

/// Most plaintext in a record (RFC 8446, 5.1).
pub(crate) const RECORD: usize = 16 * 1024;

/// What a record of TLS 1.3 adds to its plaintext: head, content type and tag. TLS 1.2 with the
/// ciphers that we speak adds [`RECORD_HEAD_TLS12`] at most.
pub(crate) const RECORD_HEAD: usize = 5 + 1 + 16;

/// Head, explicit nonce and tag.
const RECORD_HEAD_TLS12: usize = 5 + 8 + 16;

/// Most that a record takes on the wire: TLS 1.2 lets a cipher add 2 KiB (RFC 5246, 6.2.3).
pub(crate) const RECORD_ON_WIRE: usize = 5 + RECORD + 2048;

/// How many records are worked on at once. A relay reads as much in plain TCP (ADR 9), and most floods cost a tenth less
/// than with the five records of a 64 KiB message (ADR 8).
const RECORDS: usize = 12;

/// As many records in one read.
pub(crate) const INCOMING: usize = RECORDS * (RECORD + RECORD_HEAD_TLS12);

/// Most that may wait for its rest: a handshake message such as a chain of certificates, of which rustls takes none
/// above 64 KiB, and the heads of its records.
pub(crate) const LONGEST_TORN: usize = 82 * 1024;

/// Most plaintext that is taken in one write.
pub(crate) const LONGEST_WRITE: usize = RECORDS * RECORD;

/// Most ciphertext that may wait in order to go with the next write, e.g. session tickets.
pub(crate) const RIDERS: usize = 4 * 1024;

/// A write, what goes with it, and an update of the keys in front of it.
pub(crate) const OUTGOING: usize = LONGEST_WRITE + RECORDS * RECORD_HEAD_TLS12 + RIDERS + 128;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_buffer_is_used_again_and_never_twice_at_once() {
        let mut first = Scratch::incoming();
        first.bytes().fill(1);
        let mut second = Scratch::incoming();
        assert_eq!(second.bytes(), [0; INCOMING]);
        drop(second);
        drop(first);
        assert_eq!(Scratch::incoming().bytes(), [1; INCOMING]);
    }
}
