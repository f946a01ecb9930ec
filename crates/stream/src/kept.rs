//! Bytes that wait for somebody.

/// A queue of bytes that holds no memory while it is empty.
pub(crate) struct Kept {
    bytes: Vec<u8>,
    gone: usize,
}

impl Kept {
    pub(crate) const NONE: Self = Self {
        bytes: Vec::new(),
        gone: 0,
    };

    pub(crate) const fn is_empty(&self) -> bool {
        self.bytes.is_empty()
    }

    /// What waits.
    pub(crate) fn rest(&self) -> &[u8] {
        self.bytes.get(self.gone..).unwrap_or_default()
    }

    pub(crate) fn push(&mut self, bytes: &[u8]) {
        self.bytes.extend_from_slice(bytes);
    }

    /// Queues `size` bytes that the caller fills in. They are few, perhaps behind a write that waits: to double the
    /// room for them would be a waste.
    pub(crate) fn grow(&mut self, size: usize) -> &mut [u8] {
        let end = self.bytes.len();
        self.bytes.reserve_exact(size);
        self.bytes.resize(end + size, 0);
        self.bytes.get_mut(end..).unwrap_or_default()
    }

    /// So many bytes need not wait any more.
    pub(crate) fn advance(&mut self, size: usize) {
        self.gone += size;
        if self.gone >= self.bytes.len() {
            self.clear();
        }
    }

    /// Bytes on the heap.
    pub(crate) const fn held(&self) -> usize {
        self.bytes.capacity()
    }

    pub(crate) fn clear(&mut self) {
        *self = Self::NONE;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_has_gone_frees_its_memory() {
        let mut kept = Kept::NONE;
        kept.push(b"abc");
        kept.grow(1).copy_from_slice(b"d");
        kept.advance(3);
        assert_eq!(kept.rest(), b"d");
        kept.push(b"e");
        kept.advance(2);
        assert!(kept.is_empty());
        assert_eq!(kept.held(), 0);
        assert_eq!(kept.rest(), b"");
    }

    #[test]
    fn an_alert_behind_a_long_write_takes_its_own_room_only() {
        let mut kept = Kept::NONE;
        kept.push(&[1; 200_000]);
        kept.grow(24).fill(2);
        assert!(kept.held() < 201_000, "{}", kept.held());
    }
}
