//! Control frames: short, so they are read whole.

/// Which one.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum ControlKind {
    /// Opcode 8.
    Close,
    /// Opcode 9.
    Ping,
    /// Opcode 10.
    Pong,
}

/// Where a whole control frame lies in the bytes that were scanned.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct Control {
    /// Which one.
    pub kind: ControlKind,
    /// Its length on the wire, header included.
    pub wire: usize,
    head: usize,
    mask: [u8; 4],
}

impl Control {
    pub(crate) const fn new(kind: ControlKind, wire: usize, head: usize, mask: [u8; 4]) -> Self {
        Self {
            kind,
            wire,
            head,
            mask,
        }
    }

    /// The unmasked payload, given the bytes that begin with this frame.
    pub fn payload(&self, bytes: &[u8]) -> impl Iterator<Item = u8> {
        let masked = bytes.get(self.head..self.wire).unwrap_or(&[]);
        masked
            .iter()
            .zip(self.mask.iter().cycle())
            .map(|(byte, key)| byte ^ key)
    }
}
