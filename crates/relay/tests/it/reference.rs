//! What the frame reader must make of a stream of bytes, written down slowly: all bytes at once,
//! whole frames cut from the front of a vector, plain numbers. The fuzz target `frame` reads this
//! file too.

/// What one side's frames are held to.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Held {
    /// Whether this side masks.
    pub(crate) masked: bool,
    /// Whether RSV1 was negotiated.
    pub(crate) rsv1: bool,
    /// Longest payload of one frame.
    pub(crate) max_frame: u64,
    /// Longest payload of one message.
    pub(crate) max_message: u64,
    /// Most frames of one message; 0 is unlimited.
    pub(crate) max_fragments: u32,
    /// Bytes of frames that may come at all.
    pub(crate) allowance: u64,
}

/// What a reader made of a stream.
#[derive(Debug, Default, Eq, PartialEq)]
pub(crate) struct Reading {
    /// Everything that may pass, control frames included.
    pub(crate) passed: Vec<u8>,
    /// Opcode and unmasked payload of each control frame.
    pub(crate) controls: Vec<(u8, Vec<u8>)>,
    pub(crate) frames: u64,
    pub(crate) messages: u64,
    /// The slug of a refusal; nothing behind it was read.
    pub(crate) refused: Option<&'static str>,
    /// What is left of the allowance.
    pub(crate) allowance: u64,
    /// Whether all that passed are whole frames.
    pub(crate) at_boundary: bool,
}

/// Reads all of it.
pub(crate) fn read(held: Held, bytes: &[u8]) -> Reading {
    let mut reading = Reading {
        allowance: held.allowance,
        at_boundary: true,
        ..Reading::default()
    };
    let mut rest = bytes.to_vec();
    // The payload lengths of the frames of a message whose last frame has not begun.
    let mut message: Vec<u128> = Vec::new();
    loop {
        let header = Header::read(&rest);
        let open = !message.is_empty();
        if let Some(slug) = refusal(held, &header, &message, reading.allowance) {
            reading.refused = Some(slug);
            return reading;
        }
        let (Some(size), Some(length)) = (header.size, header.length) else {
            return reading;
        };
        let whole = size as u128 + length;
        let is_whole = rest.len() as u128 >= whole;
        if header.is_control() && !is_whole {
            return reading;
        }
        reading.frames += 1;
        let left = u128::from(reading.allowance).saturating_sub(whole);
        reading.allowance = u64::try_from(left).unwrap();
        if header.is_control() {
            let end = usize::try_from(whole).unwrap();
            let payload = unmask(header.key, &rest[size..end]);
            reading.controls.push((header.opcode, payload));
        } else if header.fin {
            message.clear();
        } else {
            message.push(length);
            assert!(open || header.opcode != 0, "a continuation began a message");
        }
        if !is_whole {
            reading.passed.extend(&rest);
            reading.at_boundary = false;
            return reading;
        }
        if !header.is_control() && header.fin {
            reading.messages += 1;
        }
        let end = usize::try_from(whole).unwrap();
        reading.passed.extend(&rest[..end]);
        rest = rest[end..].to_vec();
    }
}

/// A header as far as it has come (RFC 6455, 5.2).
struct Header {
    /// Both first bytes are there; what is below means nothing before.
    begun: bool,
    fin: bool,
    rsv: [bool; 3],
    opcode: u8,
    masked: bool,
    /// The seven bits.
    short: u8,
    length: Option<u128>,
    key: Option<[u8; 4]>,
    /// All of it, once it is there.
    size: Option<usize>,
}

impl Header {
    fn read(bytes: &[u8]) -> Self {
        let byte = |at: usize| bytes.get(at).copied().unwrap_or(0);
        let bit = |at: usize, bit: u32| byte(at) / 2u8.pow(bit) % 2 == 1;
        let number = |from: usize, to: usize| {
            let digits = bytes.get(from..to)?;
            Some(
                digits
                    .iter()
                    .fold(0, |sum, digit| sum * 256 + u128::from(*digit)),
            )
        };
        let short = byte(1) % 128;
        let (length, length_end) = match short {
            126 => (number(2, 4), 4),
            127 => (number(2, 10), 10),
            _ => (Some(u128::from(short)).filter(|_| bytes.len() >= 2), 2),
        };
        let masked = bit(1, 7);
        let end = if masked { length_end + 4 } else { length_end };
        let key = bytes.get(length_end..end).filter(|_| masked);
        Self {
            begun: bytes.len() >= 2,
            fin: bit(0, 7),
            rsv: [bit(0, 6), bit(0, 5), bit(0, 4)],
            opcode: byte(0) % 16,
            masked,
            short,
            length,
            key: key.map(|key| key.try_into().unwrap()),
            size: Some(end).filter(|end| bytes.len() >= *end),
        }
    }

    fn is_control(&self) -> bool {
        self.opcode >= 8
    }
}

/// Why a frame must not pass, as soon as that can be known.
fn refusal(held: Held, header: &Header, message: &[u128], allowance: u64) -> Option<&'static str> {
    let open = !message.is_empty();
    if header.begun && breaks_the_protocol(held, header, open) {
        return Some("protocol_error");
    }
    let length = header.length?;
    let shortest = match length {
        0..=125 => length,
        126..=0xffff => 126,
        _ => 127,
    };
    if u128::from(header.short) != shortest || length >= 1 << 63 {
        return Some("protocol_error");
    }
    if !header.is_control() {
        let sum = message.iter().sum::<u128>() + length;
        let count = message.len() + 1;
        let too_many = held.max_fragments != 0 && count > held.max_fragments as usize;
        let too_long = length > held.max_frame.into() || sum > held.max_message.into();
        if too_many || too_long {
            return Some("message_too_big");
        }
    }
    let size = match header.short {
        126 => 4,
        127 => 10,
        _ => 2,
    } + if held.masked { 4 } else { 0 };
    if length + size > allowance.into() && header.opcode != 8 {
        return Some("byte_quota");
    }
    None
}

/// RFC 6455, 5.1 to 5.5, as far as the first two bytes tell.
fn breaks_the_protocol(held: Held, header: &Header, open: bool) -> bool {
    let [rsv1, rsv2, rsv3] = header.rsv;
    let may_rsv1 = held.rsv1 && matches!(header.opcode, 1 | 2);
    let fits = match header.opcode {
        0 => open,
        1 | 2 => !open,
        8..=10 => header.fin && header.short <= 125,
        _ => false,
    };
    !fits || rsv2 || rsv3 || rsv1 && !may_rsv1 || header.masked != held.masked
}

fn unmask(key: Option<[u8; 4]>, payload: &[u8]) -> Vec<u8> {
    let key = key.unwrap_or_default();
    let bytes = payload.iter().enumerate();
    bytes.map(|(at, byte)| byte ^ key[at % 4]).collect()
}
