//! Judged bytes on their way out.

use std::{
    io,
    pin::Pin,
    task::{Context, Poll, ready},
};

use tokio::time::Instant;

use crate::Leg;

/// What a sink did not take yet. Holds no memory when it took everything; never more than one
/// read and a few control frames, since nothing is read while something waits here. It holds
/// payload, so it has no `Debug`, nor has what holds it.
#[derive(Default)]
pub(crate) struct Backlog {
    bytes: Vec<u8>,
    sent: usize,
    /// Set while bytes are written that are not kept here: a panic then loses some.
    torn: bool,
    pace: Pace,
}

/// How the sink keeps up.
#[derive(Default)]
struct Pace {
    unflushed: bool,
    waiting_since: Option<Instant>,
}

impl Backlog {
    /// Queues a frame of ours behind everything else.
    pub(crate) fn push(&mut self, bytes: &[u8]) {
        self.bytes.extend_from_slice(bytes);
    }

    /// Writes straight from the caller's buffer, keeping only what the sink does not take.
    pub(crate) fn write<K: Leg>(
        &mut self,
        cx: &mut Context<'_>,
        sink: &mut K,
        bytes: &[u8],
        now: Instant,
    ) -> io::Result<()> {
        self.torn = true;
        let mut rest = bytes;
        while !rest.is_empty() && self.bytes.is_empty() {
            match self.pace.poll_write(cx, sink, rest, now)? {
                Poll::Ready(taken) => rest = rest.get(taken..).unwrap_or(&[]),
                Poll::Pending => break,
            }
        }
        self.push(rest);
        self.torn = false;
        Ok(())
    }

    /// Writes what waits and flushes. Pending while the sink does not take it all.
    pub(crate) fn poll_deliver<K: Leg>(
        &mut self,
        cx: &mut Context<'_>,
        sink: &mut K,
        now: Instant,
    ) -> Poll<io::Result<()>> {
        while let Some(rest) = self.bytes.get(self.sent..).filter(|rest| !rest.is_empty()) {
            self.sent += ready!(self.pace.poll_write(cx, sink, rest, now)?);
        }
        self.bytes = Vec::new();
        self.sent = 0;
        self.pace.poll_flush(cx, sink, now)
    }

    /// Whether nothing waits, neither here nor in the sink.
    pub(crate) const fn is_idle(&self) -> bool {
        self.bytes.is_empty() && !self.pace.unflushed && self.pace.waiting_since.is_none()
    }

    /// Since when the sink has taken nothing of what waits for it.
    pub(crate) const fn waiting_since(&self) -> Option<Instant> {
        self.pace.waiting_since
    }

    /// Whether what went out may lack a piece.
    pub(crate) const fn is_torn(&self) -> bool {
        self.torn
    }
}

impl Pace {
    fn poll_write<K: Leg>(
        &mut self,
        cx: &mut Context<'_>,
        sink: &mut K,
        bytes: &[u8],
        now: Instant,
    ) -> io::Result<Poll<usize>> {
        match Pin::new(&mut *sink).poll_write(cx, bytes)? {
            Poll::Ready(0) => Err(io::ErrorKind::WriteZero.into()),
            Poll::Ready(taken) => {
                self.unflushed = sink.is_buffered();
                self.waiting_since = None;
                Ok(Poll::Ready(taken))
            }
            Poll::Pending => {
                self.waiting_since.get_or_insert(now);
                Ok(Poll::Pending)
            }
        }
    }

    fn poll_flush<K: Leg>(
        &mut self,
        cx: &mut Context<'_>,
        sink: &mut K,
        now: Instant,
    ) -> Poll<io::Result<()>> {
        if self.unflushed {
            if Pin::new(sink).poll_flush(cx)?.is_pending() {
                self.waiting_since.get_or_insert(now);
                return Poll::Pending;
            }
            self.unflushed = false;
        }
        self.waiting_since = None;
        Poll::Ready(Ok(()))
    }
}

#[cfg(test)]
mod tests {
    use std::task::Waker;

    use tokio::io::duplex;

    use super::*;
    use crate::noted::Noted;

    /// What is done to a sink for two frames that it takes at once.
    fn acts(buffered: bool) -> Vec<&'static str> {
        let (near, _far) = duplex(64);
        let mut sink = Noted::new(near);
        sink.buffered.set(buffered);
        let mut cx = Context::from_waker(Waker::noop());
        let mut backlog = Backlog::default();
        let now = Instant::now();
        for _ in 0..2 {
            backlog.write(&mut cx, &mut sink, b"frame", now).unwrap();
            let delivered = backlog.poll_deliver(&mut cx, &mut sink, now);
            assert!(matches!(delivered, Poll::Ready(Ok(()))));
            assert!(backlog.is_idle());
        }
        sink.acts()
    }

    #[test]
    fn who_may_keep_something_back_is_flushed() {
        assert_eq!(acts(true), ["write", "flush", "write", "flush"]);
        assert_eq!(acts(false), ["write", "write"]);
    }
}
