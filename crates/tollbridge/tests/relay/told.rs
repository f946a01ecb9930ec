//! What a side is told last, and what it was told before.

use std::io;

use tollbridge_testkit::{Frame, RawPeer};

use crate::wire::Side;

/// How the bridge takes leave of a side.
#[derive(Clone, Debug)]
pub(crate) enum Told {
    /// The bridge's own close frame, with the slug and the session's id as its reason.
    Ours(u16, &'static str),
    /// A close frame, exactly this one.
    Close(Frame),
    /// No close frame; the stream ends where its steps left it, or behind a whole frame.
    Nothing,
    /// No close frame; the stream ends inside a frame.
    Cut,
    /// It is not there any more.
    Left,
}

/// What a side does about a close frame.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) enum Manners {
    /// Answers with the same.
    Answers,
    /// Has closed itself already.
    Closed,
    /// Nothing.
    Mute,
}

/// Everything that a side read until its stream was over.
#[derive(Debug)]
pub(crate) struct Heard {
    frames: Vec<Frame>,
    cut: bool,
    reset: bool,
}

/// Reads to the end. An upstream with manners ends the connection behind the closes, as servers do.
///
/// Says what is wrong where the end does not come.
pub(crate) async fn listen(
    mut peer: RawPeer,
    side: Side,
    manners: Manners,
) -> Result<Heard, String> {
    let mut heard = Heard {
        frames: Vec::new(),
        cut: false,
        reset: false,
    };
    let mut bytes = Vec::new();
    loop {
        match peer.read_some(&mut bytes).await {
            Ok(0) => break,
            Err(error) if error.kind() == io::ErrorKind::TimedOut => {
                return Err(format!("the end does not come behind {heard:?}"));
            }
            Err(_reset) => {
                heard.reset = true;
                break;
            }
            Ok(_) => {}
        }
        let was_closed = heard.close().is_some();
        heard.take(&mut bytes).await;
        if let Some(close) = heard.close().filter(|_| !was_closed) {
            answer(&mut peer, side, close, manners).await;
        }
    }
    heard.cut = !bytes.is_empty();
    Ok(heard)
}

/// Who does not listen any more is not answered.
async fn answer(peer: &mut RawPeer, side: Side, close: &Frame, manners: Manners) {
    if manners == Manners::Answers {
        let answer = Frame::new(8, &close.payload);
        let _sent = peer.send(&side.wire(&[answer])).await;
    }
    if side == Side::Upstream && manners != Manners::Mute {
        let _ended = peer.finish().await;
    }
}

impl Heard {
    async fn take(&mut self, bytes: &mut Vec<u8>) {
        let mut whole = 0;
        loop {
            let mut rest = &bytes[whole..];
            let Ok(Some(frame)) = Frame::read(&mut rest).await else {
                break;
            };
            self.frames.push(frame);
            whole = bytes.len() - rest.len();
        }
        bytes.drain(..whole);
    }

    fn close(&self) -> Option<&Frame> {
        self.frames.iter().find(|frame| frame.opcode == 8)
    }

    /// Whether it is these frames, in this order, and then that end.
    pub(crate) fn judge(mut self, side: Side, passes: &[Frame], told: &Told) -> Result<(), String> {
        self.judge_masks(side)?;
        let close = self.take_close()?;
        if self.frames != passes {
            let (read, wanted) = (brief(&self.frames), brief(passes));
            return Err(format!("read {read}, not {wanted}"));
        }
        self.judge_end(side, close.as_ref(), told)
    }

    /// Whether each frame is as it should be at its place, and then that end.
    pub(crate) fn judge_each(
        mut self,
        side: Side,
        told: &Told,
        is_right: impl Fn(usize, &Frame) -> bool,
    ) -> Result<(), String> {
        self.judge_masks(side)?;
        let close = self.take_close()?;
        let mut frames = self.frames.iter().enumerate();
        match frames.find(|(at, frame)| !is_right(*at, frame)) {
            Some((at, frame)) => Err(format!("frame {at} is {frame:?}")),
            None => self.judge_end(side, close.as_ref(), told),
        }
    }

    fn take_close(&mut self) -> Result<Option<Frame>, String> {
        let close = match self.frames.last() {
            Some(frame) if frame.opcode == 8 => self.frames.pop(),
            _ => None,
        };
        close.as_ref().map_or(Ok(()), judge_wire)?;
        Ok(close)
    }

    fn judge_end(&self, side: Side, close: Option<&Frame>, told: &Told) -> Result<(), String> {
        let as_told = match (told, close) {
            (Told::Ours(code, slug), Some(close)) => is_ours(close, *code, slug),
            (Told::Close(wanted), Some(close)) => wanted == close,
            (Told::Nothing, None) => !self.cut,
            // A client that read everything so far has what there was: its stream ends in order.
            (Told::Cut, None) => self.cut && (side == Side::Upstream || !self.reset),
            _ => false,
        };
        match as_told {
            true => Ok(()),
            false => Err(format!("told {close:?} (cut: {}), not {told:?}", self.cut)),
        }
    }

    /// What an upstream reads is masked, what a client reads is not; the key says nothing.
    fn judge_masks(&mut self, side: Side) -> Result<(), String> {
        for frame in &mut self.frames {
            if frame.mask.take().is_some() != (side == Side::Upstream) {
                return Err(format!("masked the wrong way: {frame:?}"));
            }
        }
        Ok(())
    }
}

/// Of many frames the number and the first.
fn brief(frames: &[Frame]) -> String {
    let few = frames.get(..3).unwrap_or(frames);
    format!("{} frames {few:?}", frames.len())
}

/// 1005, 1006 and 1015 never go on the wire, nor does half a code or a reason that is no text.
fn judge_wire(close: &Frame) -> Result<(), String> {
    let legal = match close.payload.as_slice() {
        [] => true,
        [_] => false,
        [high, low, reason @ ..] => {
            let code = u16::from_be_bytes([*high, *low]);
            matches!(code, 1000..=1003 | 1007..=1014 | 3000..=4999)
                && reason.len() <= 123
                && std::str::from_utf8(reason).is_ok()
        }
    };
    match legal {
        true => Ok(()),
        false => Err(format!("must not be on the wire: {close:?}")),
    }
}

fn is_ours(close: &Frame, code: u16, slug: &str) -> bool {
    let Some((told, reason)) = close.close_parts() else {
        return false;
    };
    told == code && reason.starts_with(&format!("tb:{slug};")) && reason.contains("id=")
}
