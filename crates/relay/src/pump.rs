//! One direction: read, judge, write.

use std::task::{Context, Poll, ready};

use tokio::{task::coop::has_budget_remaining, time::Instant};
use tollbridge_domain::Slug;

use crate::{
    Control, ControlKind, Leg, Meter, Next, Scanner, Side, Tally,
    backlog::Backlog,
    close::Goodbye,
    heartbeat::Heartbeat,
    scratch::{SCRATCH_SIZE, Scratch},
};

/// Carries one side's bytes to the other. Waits for its own sink only.
pub(crate) struct Pump {
    from: Side,
    scanner: Scanner,
    /// The beginning of a header or control frame, kept until it can be judged.
    partial: Vec<u8>,
    backlog: Backlog,
    course: Course,
    /// Set while a read is pending: the source wakes whoever polled it last.
    asleep: bool,
    /// Set once the source has closed, ended or broken the rules.
    halted: bool,
}

#[derive(Clone, Copy, Debug, Eq, PartialEq)]
enum Course {
    /// Everything passes.
    Flow,
    /// The frame that has begun passes, nothing behind it.
    FinishFrame,
    /// Nothing more is read; what waits is delivered.
    Deliver,
    /// The sink takes nothing any more.
    Dead,
}

/// Why a pump stopped reading.
pub(crate) enum Halt {
    /// A close frame was read; it has not been passed on.
    Closed(Goodbye),
    /// A frame that must not pass.
    Broke(Slug),
    /// The source ended or failed without a close frame.
    Gone,
    /// The sink failed.
    Deaf,
    /// The frame that had begun has passed, as was asked.
    Rested,
}

/// One poll of a session.
#[derive(Clone, Copy)]
pub(crate) struct Turn {
    pub(crate) now: Instant,
    /// Whether whoever polls is who polled before: a pending read would wake the right one.
    pub(crate) familiar: bool,
}

/// What both directions share, lent for one poll.
pub(crate) struct Shared<'a> {
    pub(crate) turn: Turn,
    pub(crate) active_at: &'a mut Instant,
    pub(crate) control_counts: bool,
    pub(crate) allowance: &'a mut u64,
    pub(crate) meter: &'a Meter,
    pub(crate) heartbeat: Option<&'a mut Heartbeat>,
}

impl Pump {
    pub(crate) fn new(from: Side, scanner: Scanner) -> Self {
        Self {
            from,
            scanner,
            partial: Vec::new(),
            backlog: Backlog::default(),
            course: Course::Flow,
            asleep: false,
            halted: false,
        }
    }

    /// Moves bytes until one of the peers must be waited for, or the direction halts. Each halt is
    /// told once; afterwards what waits is still delivered.
    pub(crate) fn poll<S: Leg, K: Leg>(
        &mut self,
        cx: &mut Context<'_>,
        source: &mut S,
        sink: &mut K,
        shared: &mut Shared<'_>,
    ) -> Poll<Halt> {
        if shared.turn.familiar && self.sleeps_on(source) {
            return Poll::Pending;
        }
        let mut scratch = Scratch::borrow();
        for round in 0..ROUNDS {
            if self.course == Course::Dead {
                return Poll::Pending;
            }
            if !self.backlog.is_idle()
                && ready!(self.backlog.poll_deliver(cx, sink, shared.turn.now)).is_err()
            {
                self.course = Course::Dead;
                return Poll::Ready(Halt::Deaf);
            }
            if self.appetite() == 0 {
                return Poll::Pending;
            }
            // Most messages come alone: to know that there is no other costs less than to read in vain.
            if round > 0 && source.poll_readable(cx).is_pending() {
                self.asleep = has_budget_remaining();
                return Poll::Pending;
            }
            let halt = self.poll_round(cx, source, sink, shared, scratch.bytes());
            if let Some(halt) = ready!(halt) {
                self.halted = !matches!(halt, Halt::Deaf);
                self.stop();
                return Poll::Ready(halt);
            }
            if self.course == Course::FinishFrame && self.appetite() == 0 {
                self.stop();
                return Poll::Ready(Halt::Rested);
            }
        }
        // A source that always has more must not starve the other direction.
        cx.waker().wake_by_ref();
        Poll::Pending
    }

    /// Queues a frame of ours. Only at a boundary.
    pub(crate) fn push(&mut self, frame: &[u8]) {
        self.backlog.push(frame);
    }

    /// Passes the frame that has begun and stops.
    pub(crate) fn finish_frame(&mut self) {
        if self.course == Course::Flow {
            self.course = Course::FinishFrame;
            self.partial = Vec::new();
        }
    }

    /// Reads nothing more.
    pub(crate) fn stop(&mut self) {
        if self.course != Course::Dead {
            self.course = Course::Deliver;
        }
    }

    /// Understands nothing of the source, from the first byte on.
    pub(crate) fn turn_away(&mut self) {
        self.halted = true;
        self.stop();
    }

    /// Whether a frame of ours may be queued, and stands a chance of being read.
    pub(crate) fn at_boundary(&self) -> bool {
        self.scanner.at_boundary() && self.course != Course::Dead && !self.backlog.is_torn()
    }

    /// Whether a boundary may yet come.
    pub(crate) fn may_reach_boundary(&self) -> bool {
        matches!(self.course, Course::Flow | Course::FinishFrame)
    }

    /// Whether the sink failed.
    pub(crate) fn is_dead(&self) -> bool {
        self.course == Course::Dead
    }

    /// Whether nothing more is to be understood from the source.
    pub(crate) const fn is_halted(&self) -> bool {
        self.halted
    }

    /// Since when the sink has taken nothing of what waits for it.
    pub(crate) const fn waiting_since(&self) -> Option<Instant> {
        self.backlog.waiting_since()
    }

    /// What is left of it for the farewell: what the sink has not taken, and where reading stood.
    pub(crate) fn into_rest(self) -> (Backlog, Scanner, Vec<u8>) {
        (self.backlog, self.scanner, self.partial)
    }

    /// Whether there is nothing to do for this direction: what wakes a session concerns one of the two,
    /// mostly, and the other need not pay for it.
    fn sleeps_on<S: Leg>(&self, source: &S) -> bool {
        self.asleep && self.course == Course::Flow && self.backlog.is_idle() && source.is_silent()
    }

    fn appetite(&self) -> usize {
        match self.course {
            Course::Flow => SCRATCH_SIZE,
            Course::FinishFrame => usize::try_from(self.scanner.left()).unwrap_or(usize::MAX),
            Course::Deliver | Course::Dead => 0,
        }
    }

    fn poll_round<S: Leg, K: Leg>(
        &mut self,
        cx: &mut Context<'_>,
        source: &mut S,
        sink: &mut K,
        shared: &mut Shared<'_>,
        scratch: &mut [u8],
    ) -> Poll<Option<Halt>> {
        let kept = self.partial.len();
        let (front, room) = scratch.split_at_mut(kept);
        if kept > 0 {
            front.copy_from_slice(&self.partial);
        }
        let limit = room.len().min(self.appetite());
        let room = room.get_mut(..limit).unwrap_or_default();
        let read = source.poll_read_at_once(cx, room);
        // Without a budget left it was not the source that made us wait.
        self.asleep = read.is_pending() && has_budget_remaining();
        let Some(count @ 1..) = ready!(read).ok() else {
            return Poll::Ready(Some(Halt::Gone));
        };
        shared.meter.add_bytes(self.from, count);
        if let Some(heartbeat) = shared.heartbeat.as_deref_mut() {
            heartbeat.heard();
        }
        let bytes = scratch.get_mut(..kept + count).unwrap_or_default();
        let (passing, halt) = self.sift(bytes, shared);
        let passing = bytes.get(..passing).unwrap_or(&[]);
        if self
            .backlog
            .write(cx, sink, passing, shared.turn.now)
            .is_err()
        {
            self.course = Course::Dead;
            return Poll::Ready(halt.or(Some(Halt::Deaf)));
        }
        Poll::Ready(halt)
    }

    /// Moves what may pass to the front of `bytes` and says how much it is.
    fn sift(&mut self, bytes: &mut [u8], shared: &mut Shared<'_>) -> (usize, Option<Halt>) {
        self.partial = Vec::new();
        let mut tally = Tally::default();
        let at = self.scanner.skim(bytes, shared.allowance, &mut tally);
        self.note(tally, shared);
        // Most reads are whole messages and nothing else.
        if at == bytes.len() {
            return (at, None);
        }
        self.sift_from(at, bytes, shared)
    }

    /// The same from `at` on, frame by frame.
    fn sift_from(
        &mut self,
        mut at: usize,
        bytes: &mut [u8],
        shared: &mut Shared<'_>,
    ) -> (usize, Option<Halt>) {
        let mut kept = Kept::default();
        let halt = loop {
            let rest = bytes.get(at..).unwrap_or(&[]);
            let scan = self.scanner.scan(rest, shared.allowance);
            self.note(scan.tally, shared);
            at += scan.pass;
            let rest = bytes.get(at..).unwrap_or(&[]);
            match scan.next {
                Next::More => {
                    if !rest.is_empty() {
                        self.partial = rest.to_vec();
                    }
                    break None;
                }
                Next::Refuse(slug) => break Some(Halt::Broke(slug)),
                Next::Control(control) if control.kind == ControlKind::Close => {
                    break Some(hear_out(&control, rest));
                }
                Next::Control(control) if is_own_pong(&control, rest, shared) => {
                    kept.leave_out(bytes, at, control.wire);
                    at += control.wire;
                }
                Next::Control(control) => {
                    at += control.wire;
                    if shared.control_counts {
                        *shared.active_at = shared.turn.now;
                    }
                }
            }
        };
        (kept.up_to(bytes, at), halt)
    }

    fn note(&self, tally: Tally, shared: &mut Shared<'_>) {
        shared.meter.add_tally(self.from, tally);
        if tally.lively {
            *shared.active_at = shared.turn.now;
        }
    }
}

/// What is kept of a read while frames are taken out of it. Each byte moves once at most, however many
/// frames are taken out: a peer chooses how often it answers a ping.
#[derive(Default)]
struct Kept {
    /// So much of the front is what is kept.
    front: usize,
    /// Where what has not been moved yet begins.
    from: usize,
}

impl Kept {
    /// Leaves out `length` bytes from `at` on.
    fn leave_out(&mut self, bytes: &mut [u8], at: usize, length: usize) {
        self.front = self.up_to(bytes, at);
        self.from = at + length;
    }

    /// Moves what is kept up to `at` to the front, and says how much it is with what lies there.
    fn up_to(&self, bytes: &mut [u8], at: usize) -> usize {
        if self.front < self.from {
            bytes.copy_within(self.from..at, self.front);
        }
        self.front + at - self.from
    }
}

fn hear_out(control: &Control, bytes: &[u8]) -> Halt {
    let payload: Vec<u8> = control.payload(bytes).collect();
    let wire = bytes.get(..control.wire).unwrap_or(&[]);
    match Goodbye::read(&payload, wire) {
        Ok(goodbye) => Halt::Closed(goodbye),
        Err(slug) => Halt::Broke(slug),
    }
}

fn is_own_pong(control: &Control, bytes: &[u8], shared: &Shared<'_>) -> bool {
    let Some(heartbeat) = &shared.heartbeat else {
        return false;
    };
    control.kind == ControlKind::Pong && heartbeat.is_ours(control.payload(bytes))
}

/// Reads in a row before the other direction and the other sessions get their turn.
const ROUNDS: usize = 3;

#[cfg(test)]
mod tests {
    use std::{task::Waker, time::Duration};

    use tokio::{
        io::{AsyncReadExt as _, AsyncWriteExt as _, DuplexStream, duplex},
        task::coop,
    };

    use super::*;
    use crate::{Rules, noted::Noted};

    /// A direction, its source and its sink, and the far end of the latter.
    struct Direction {
        pump: Pump,
        source: Noted,
        sink: DuplexStream,
        far: DuplexStream,
        client: DuplexStream,
    }

    impl Direction {
        fn new() -> Self {
            let (io, client) = duplex(64);
            let (sink, far) = duplex(64);
            let rules = Rules {
                masked: true,
                rsv1: false,
                max_frame: 100,
                max_message: 100,
                max_fragments: 1,
            };
            let source = Noted::new(io);
            source.silent.set(true);
            Self {
                pump: Pump::new(Side::Client, Scanner::new(rules)),
                source,
                sink,
                far,
                client,
            }
        }

        /// Polls once, and says how often the source was read for it.
        fn reads(&mut self, familiar: bool) -> usize {
            let now = Instant::now();
            let mut active_at = now;
            let mut allowance = u64::MAX;
            let mut shared = Shared {
                turn: Turn { now, familiar },
                active_at: &mut active_at,
                control_counts: false,
                allowance: &mut allowance,
                meter: &Meter::default(),
                heartbeat: None,
            };
            let mut cx = Context::from_waker(Waker::noop());
            let polled = self
                .pump
                .poll(&mut cx, &mut self.source, &mut self.sink, &mut shared);
            assert!(polled.is_pending());
            self.source.acts().len()
        }
    }

    #[tokio::test]
    async fn who_sleeps_is_not_read_until_it_may_have_said_something() {
        let mut direction = Direction::new();
        assert_eq!(direction.reads(true), 1, "it has never been read");
        assert_eq!(direction.reads(true), 0);
        assert_eq!(direction.reads(false), 1, "somebody else is to be woken");
        assert_eq!(direction.reads(true), 0);
        direction.source.silent.set(false);
        assert_eq!(direction.reads(true), 1);
    }

    #[tokio::test]
    async fn who_has_said_all_is_not_read_again_to_find_that_out() {
        for (readable, reads) in [(true, 2), (false, 1)] {
            let mut direction = Direction::new();
            direction.source.readable.set(readable);
            let message = [&[0x81, 0x81, 0, 0, 0, 0], &b"x"[..]].concat();
            direction.client.write_all(&message).await.unwrap();
            assert_eq!(direction.reads(true), reads);
            let mut passed = [0; 7];
            direction.far.read_exact(&mut passed).await.unwrap();
            assert_eq!(passed, *message);
            assert_eq!(direction.reads(true), 0, "it waits either way");
        }
    }

    #[tokio::test]
    async fn what_waits_is_delivered_however_silent_the_source() {
        let mut direction = Direction::new();
        direction.reads(true);
        direction.pump.push(b"\x89\x00");
        direction.reads(true);
        assert_eq!(direction.far.read_u16().await.unwrap(), 0x8900);
    }

    /// A read that is pending because the task has had its share leaves nobody to be woken by the
    /// source.
    #[tokio::test]
    async fn a_read_without_a_budget_is_no_sleep() {
        let mut direction = Direction::new();
        tokio::time::timeout(Duration::from_secs(10), async {
            while has_budget_remaining() {
                coop::consume_budget().await;
            }
            assert_eq!(direction.reads(true), 1);
            assert_eq!(direction.reads(true), 1);
            tokio::task::yield_now().await;
            assert_eq!(direction.reads(true), 1);
            assert_eq!(direction.reads(true), 0);
        })
        .await
        .unwrap();
    }
}
