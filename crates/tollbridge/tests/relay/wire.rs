//! Bytes as they go on the wire.

use tollbridge_testkit::{Frame, LengthForm};

/// The key of every frame that a client of these tests masks.
pub(crate) const KEY: [u8; 4] = [0x1f, 0x2e, 0x3d, 0x4c];

/// Who talks.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) enum Side {
    Client,
    Upstream,
}

impl Side {
    pub(crate) const BOTH: [Self; 2] = [Self::Client, Self::Upstream];

    pub(crate) const fn name(self) -> &'static str {
        match self {
            Self::Client => "client",
            Self::Upstream => "upstream",
        }
    }

    pub(crate) const fn other(self) -> Self {
        match self {
            Self::Client => Self::Upstream,
            Self::Upstream => Self::Client,
        }
    }

    /// As this side must send it: a client masks.
    pub(crate) fn dressed(self, frame: Frame) -> Frame {
        match self {
            Self::Client => frame.masked(KEY),
            Self::Upstream => frame,
        }
    }

    /// A frame of this side.
    pub(crate) fn one(self, frame: &Frame) -> Vec<u8> {
        self.dressed(frame.clone()).encode()
    }

    /// Frames of this side, one behind the other.
    pub(crate) fn wire(self, frames: &[Frame]) -> Vec<u8> {
        let dressed = frames.iter().map(|frame| self.dressed(frame.clone()));
        dressed.flat_map(|frame| frame.encode()).collect()
    }

    /// A frame that declares another length, or its own in another form.
    pub(crate) fn declaring(
        self,
        frame: Frame,
        declared: Option<u64>,
        form: LengthForm,
    ) -> Vec<u8> {
        self.dressed(frame).encode_as(declared, form)
    }
}

/// The header of a binary frame and so much of its payload.
pub(crate) fn begun(side: Side, declared: u64, payload: usize) -> Vec<u8> {
    side.declaring(
        Frame::binary(vec![7; payload]),
        Some(declared),
        LengthForm::Minimal,
    )
}

/// A close frame without a code.
pub(crate) fn empty_close() -> Frame {
    Frame::new(8, "")
}
