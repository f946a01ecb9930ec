//! A frame's header (RFC 6455, 5.2).

use tollbridge_domain::Slug;

use crate::{Control, ControlKind};

#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) enum Opcode {
    Continuation,
    /// Text or binary: the difference is the peers' affair.
    Start,
    Control(ControlKind),
}

impl Opcode {
    pub(crate) const fn read(nibble: u8) -> Option<Self> {
        match nibble {
            0 => Some(Self::Continuation),
            1 | 2 => Some(Self::Start),
            8 => Some(Self::Control(ControlKind::Close)),
            9 => Some(Self::Control(ControlKind::Ping)),
            10 => Some(Self::Control(ControlKind::Pong)),
            _ => None,
        }
    }
}

/// A judged header.
pub(crate) struct Head {
    pub(crate) opcode: Opcode,
    pub(crate) fin: bool,
    pub(crate) length: u64,
    pub(crate) size: usize,
    pub(crate) mask: [u8; 4],
}

pub(crate) enum Seen {
    Data,
    Partly,
    Whole(Control),
}

impl Head {
    /// Bytes on the wire.
    pub(crate) const fn weight(&self) -> u64 {
        self.length + self.size as u64
    }

    /// Whether it heads a control frame, and whether all of that is there.
    pub(crate) fn control(&self, available: usize) -> Seen {
        let Opcode::Control(kind) = self.opcode else {
            return Seen::Data;
        };
        match usize::try_from(self.weight()) {
            Ok(wire) if wire <= available => {
                Seen::Whole(Control::new(kind, wire, self.size, self.mask))
            }
            _ => Seen::Partly,
        }
    }
}

/// The payload's length and the size of its extension, once they are there.
pub(crate) fn read_length(short: u8, bytes: &[u8]) -> Result<Option<(u64, usize)>, Slug> {
    let (length, extension, least) = match short {
        126 => match bytes.get(2..4).and_then(|field| field.try_into().ok()) {
            Some(field) => (u64::from(u16::from_be_bytes(field)), 2, 126),
            None => return Ok(None),
        },
        127 => match bytes.get(2..10).and_then(|field| field.try_into().ok()) {
            Some(field) => (u64::from_be_bytes(field), 8, 0x1_0000),
            None => return Ok(None),
        },
        short => (u64::from(short), 0, 0),
    };
    // The shortest form is the only one, and the top bit of the longest must be clear.
    if length < least || length > i64::MAX.unsigned_abs() {
        return Err(Slug::ProtocolError);
    }
    Ok(Some((length, extension)))
}
