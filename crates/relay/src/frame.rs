//! An incremental reader of frame headers (RFC 6455, 5.2). It judges lengths when it has read
//! them and never looks at the payload of a data frame.

use tollbridge_domain::Slug;

use crate::{
    Control, ControlKind,
    head::{Head, Opcode, Seen, read_length},
};

/// What one side's frames are held to.
#[derive(Clone, Copy, Debug)]
pub struct Rules {
    /// Whether this side must mask (a client) or must not (a server).
    pub masked: bool,
    /// Whether permessage-deflate was negotiated.
    pub rsv1: bool,
    /// Longest payload of one frame.
    pub max_frame: u64,
    /// Longest payload of one message.
    pub max_message: u64,
    /// Most frames of one message; 0 is unlimited.
    pub max_fragments: u32,
}

/// Reads one side's frames. Its memory is this struct: it keeps no bytes.
#[derive(Clone, Debug)]
pub struct Scanner {
    rules: Rules,
    /// Payload of the current data frame still to come.
    left: u64,
    /// Payload that passed since the last sign of life.
    crept: u64,
    /// The message whose last frame has not begun yet.
    message: Option<Message>,
}

/// What a scan saw.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct Scan {
    /// So many bytes from the front may pass as they are.
    pub pass: usize,
    /// What lies behind them.
    pub next: Next,
    /// What to count.
    pub tally: Tally,
}

/// What lies behind the bytes that may pass.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Next {
    /// The beginning of a header or control frame, or nothing: scan it again with more behind it.
    More,
    /// A whole control frame; go on behind it.
    Control(Control),
    /// A frame that must not pass. Nothing of it was taken; scan no further.
    Refuse(Slug),
}

/// Counts of one scan.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
pub struct Tally {
    /// Headers read, control frames included.
    pub frames: u64,
    /// Data messages that became complete.
    pub messages: u64,
    /// Whether a data frame began, ended, or grew by another 64 KiB.
    pub lively: bool,
}

impl Scanner {
    /// At the first frame's first byte.
    #[must_use]
    pub const fn new(rules: Rules) -> Self {
        Self {
            rules,
            left: 0,
            crept: 0,
            message: None,
        }
    }

    /// Reads on. `bytes` begin where the last scan's passing bytes (and its control frame) ended;
    /// `allowance` is what the session's frames may still weigh, and is reduced.
    pub fn scan(&mut self, bytes: &[u8], allowance: &mut u64) -> Scan {
        let mut tally = Tally::default();
        let mut pass = 0;
        let next = loop {
            let rest = bytes.get(pass..).unwrap_or(&[]);
            if self.left > 0 {
                let taken = self.take_payload(rest.len(), &mut tally);
                if taken == 0 {
                    break Next::More;
                }
                pass += taken;
                continue;
            }
            pass += self.skim(rest, allowance, &mut tally);
            let rest = bytes.get(pass..).unwrap_or(&[]);
            if rest.is_empty() {
                break Next::More;
            }
            match self.judge(rest, *allowance) {
                Ok(None) => break Next::More,
                Ok(Some(head)) => match head.control(rest.len()) {
                    Seen::Partly => break Next::More,
                    Seen::Whole(control) => {
                        tally.frames += 1;
                        *allowance = allowance.saturating_sub(head.weight());
                        break Next::Control(control);
                    }
                    Seen::Data => {
                        *allowance -= head.weight();
                        self.begin(&head, &mut tally);
                        pass += head.size;
                    }
                },
                Err(slug) => break Next::Refuse(slug),
            }
        };
        Scan { pass, next, tally }
    }

    /// Whether all that passed are whole frames, so that a frame of ours may follow.
    #[must_use]
    pub const fn at_boundary(&self) -> bool {
        self.left == 0
    }

    /// Payload bytes of the current data frame still to come.
    pub(crate) const fn left(&self) -> u64 {
        self.left
    }

    /// Passes whole data messages of one short frame each, as most are, in few steps. Whatever is
    /// anything else is left to [`judge`](Self::judge), which would have said the same of these.
    pub(crate) fn skim(&mut self, bytes: &[u8], allowance: &mut u64, tally: &mut Tally) -> usize {
        if self.left > 0 || self.message.is_some() {
            return 0;
        }
        let (mask_bit, mask_size) = if self.rules.masked { (0x80, 4) } else { (0, 0) };
        let longest = self.rules.max_frame.min(self.rules.max_message);
        let mut pass = 0;
        let mut messages = 0;
        while let Some(&[0x81 | 0x82, second, ..]) = bytes.get(pass..) {
            let (length, extension) = match second ^ mask_bit {
                short @ 0..=125 => (usize::from(short), 0),
                126 => match bytes.get(pass + 2..pass + 4) {
                    Some(&[high, low]) => (usize::from(u16::from_be_bytes([high, low])), 2),
                    _ => break,
                },
                _ => break,
            };
            let wire = 2 + extension + mask_size + length;
            let is_long_form = extension != 0 && length < 126;
            let is_whole = wire <= bytes.len() - pass;
            if is_long_form || !is_whole || length as u64 > longest || wire as u64 > *allowance {
                break;
            }
            *allowance -= wire as u64;
            pass += wire;
            messages += 1;
        }
        if messages > 0 {
            tally.frames += messages;
            tally.messages += messages;
            tally.lively = true;
            self.crept = 0;
        }
        pass
    }

    fn take_payload(&mut self, available: usize, tally: &mut Tally) -> usize {
        let taken = usize::try_from(self.left).map_or(available, |left| left.min(available));
        let length = taken as u64;
        self.left -= length;
        self.crept += length;
        if self.crept >= SIGN_OF_LIFE {
            self.crept = 0;
            tally.lively = true;
        }
        if self.left == 0 {
            self.end_frame(tally);
        }
        taken
    }

    const fn end_frame(&self, tally: &mut Tally) {
        tally.lively = true;
        if self.message.is_none() {
            tally.messages += 1;
        }
    }

    const fn begin(&mut self, head: &Head, tally: &mut Tally) {
        tally.frames += 1;
        tally.lively = true;
        self.crept = 0;
        self.left = head.length;
        let so_far = self.so_far();
        self.message = if head.fin {
            None
        } else {
            Some(Message {
                size: so_far.size.saturating_add(head.length),
                fragments: so_far.fragments.saturating_add(1),
            })
        };
        if self.left == 0 {
            self.end_frame(tally);
        }
    }

    /// As much of a verdict as the bytes allow: a broken rule is named as soon as the bytes that
    /// break it are there, so that nobody waits for the rest of a header.
    fn judge(&self, bytes: &[u8], allowance: u64) -> Result<Option<Head>, Slug> {
        let &[first, second, ..] = bytes else {
            return Ok(None);
        };
        let opcode = self.judge_start(first, second)?;
        let Some((length, extension)) = read_length(second & 0x7f, bytes)? else {
            return Ok(None);
        };
        let mask_at = 2 + extension;
        let size = mask_at + if self.rules.masked { 4 } else { 0 };
        let weight = length + size as u64;
        let is_close = opcode == Opcode::Control(ControlKind::Close);
        self.judge_length(opcode, length)?;
        if weight > allowance && !is_close {
            return Err(Slug::ByteQuota);
        }
        if bytes.len() < size {
            return Ok(None);
        }
        Ok(Some(Head {
            opcode,
            fin: first & 0x80 != 0,
            length,
            size,
            mask: bytes
                .get(mask_at..size)
                .and_then(|mask| mask.try_into().ok())
                .unwrap_or_default(),
        }))
    }

    fn judge_start(&self, first: u8, second: u8) -> Result<Opcode, Slug> {
        let opcode = Opcode::read(first & 0x0f).ok_or(Slug::ProtocolError)?;
        let fin = first & 0x80 != 0;
        let rsv_allowed = if self.rules.rsv1 && opcode == Opcode::Start {
            0x40
        } else {
            0
        };
        let legal = match opcode {
            Opcode::Control(_) => fin && second & 0x7f <= 125,
            Opcode::Start => self.message.is_none(),
            Opcode::Continuation => self.message.is_some(),
        };
        let masked = second & 0x80 != 0;
        if first & 0x70 & !rsv_allowed != 0 || masked != self.rules.masked || !legal {
            return Err(Slug::ProtocolError);
        }
        Ok(opcode)
    }

    const fn judge_length(&self, opcode: Opcode, length: u64) -> Result<(), Slug> {
        if matches!(opcode, Opcode::Control(_)) {
            return Ok(());
        }
        let so_far = self.so_far();
        let rules = &self.rules;
        let too_many = rules.max_fragments != 0 && so_far.fragments >= rules.max_fragments;
        let too_long =
            length > rules.max_frame || so_far.size.saturating_add(length) > rules.max_message;
        if too_many || too_long {
            return Err(Slug::MessageTooBig);
        }
        Ok(())
    }

    const fn so_far(&self) -> Message {
        match self.message {
            Some(message) => message,
            None => Message {
                size: 0,
                fragments: 0,
            },
        }
    }
}

#[derive(Clone, Copy, Debug)]
struct Message {
    size: u64,
    fragments: u32,
}

/// A frame that grows by less than this within the idle timeout is a trickle, not traffic.
const SIGN_OF_LIFE: u64 = 64 * 1024;
