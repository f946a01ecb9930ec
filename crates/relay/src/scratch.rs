//! One read buffer a thread, shared by all its sessions: an idle session holds none.

use std::cell::Cell;

/// Borrowed for the length of one read, scan and write; never across an await.
pub(crate) struct Scratch(Box<[u8]>);

impl Scratch {
    /// This thread's buffer, or a new one where it is out on loan.
    pub(crate) fn borrow() -> Self {
        let kept = BUFFER.try_with(Cell::take).ok().flatten();
        Self(kept.unwrap_or_else(|| vec![0; SCRATCH_SIZE].into_boxed_slice()))
    }

    pub(crate) fn bytes(&mut self) -> &mut [u8] {
        &mut self.0
    }
}

impl Drop for Scratch {
    fn drop(&mut self) {
        let buffer = std::mem::take(&mut self.0);
        // A thread that is ending has no use for it.
        let _ending = BUFFER.try_with(|kept| kept.set(Some(buffer)));
    }
}

thread_local! {
    static BUFFER: Cell<Option<Box<[u8]>>> = const { Cell::new(None) };
}

/// Large enough that a message of 64 KiB and its header come in one read, small enough for a cache.
pub(crate) const SCRATCH_SIZE: usize = 68 * 1024;
