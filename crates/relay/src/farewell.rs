//! Ending a leg so that its last frame arrives.

use std::{
    future::poll_fn,
    pin::Pin,
    task::{Poll, ready},
    time::Duration,
};

use tokio::{
    io::{AsyncWriteExt as _, ReadBuf},
    task::yield_now,
    time::{Instant, timeout_at},
};

use crate::{
    Close, ControlKind, Leg, Next, Rules, Scanner, backlog::Backlog, close::frame, scratch::Scratch,
};

/// Accept, then close: writes one close frame and discards what the client sends until it closes,
/// for at most two seconds in all.
pub async fn refuse<C: Leg>(mut client: C, close: Close) {
    let until = Instant::now() + LINGER;
    let mut backlog = Backlog::default();
    backlog.push(&close.frame());
    if deliver(&mut client, &mut backlog, until).await {
        let mut ear = Ear::new(Scanner::new(STRANGER), Vec::new());
        let _answered = ear.hear_close(&mut client, until).await;
        drain(&mut client, until).await;
    }
}

/// Answers a client that has left before its session began: with the close frame that is due where
/// it closed (RFC 6455, 5.5.1), for nothing where it is gone. It is not waited for.
pub async fn see_off<C: Leg>(mut client: C) {
    let until = Instant::now() + LINGER;
    let mut backlog = Backlog::default();
    backlog.push(&frame(Some(1000), "", None));
    if deliver(&mut client, &mut backlog, until).await {
        drain(&mut client, until).await;
    }
}

/// Delivers what waits for the client, hears its close frame where that is still to come, ends the
/// stream and discards the rest, so that no reset overtakes the last frame. Returns whether the
/// client's close frame came.
pub(crate) async fn finish_client<C: Leg>(
    client: &mut C,
    mut backlog: Backlog,
    ear: Option<Ear>,
    within: Duration,
) -> bool {
    if ear.is_none() {
        client.last();
    }
    if !deliver(client, &mut backlog, Instant::now() + within).await {
        client.cut();
        return false;
    }
    let until = Instant::now() + LINGER;
    let answered = match ear {
        Some(mut ear) => ear.hear_close(client, until).await,
        None => false,
    };
    drain(client, until).await;
    answered
}

/// Delivers what waits for the upstream and lets it end the stream first, as servers do.
pub(crate) async fn finish_upstream<U: Leg>(
    upstream: &mut U,
    mut backlog: Backlog,
    within: Duration,
) {
    if !deliver(upstream, &mut backlog, Instant::now() + within).await {
        upstream.cut();
        return;
    }
    let until = Instant::now() + UPSTREAM_LINGER;
    let _silent = timeout_at(until, async { while discard(upstream).await {} }).await;
    let _gone = timeout_at(until + UPSTREAM_LINGER, upstream.shutdown()).await;
}

/// Listens for a close frame and nothing else.
pub(crate) struct Ear {
    scanner: Scanner,
    partial: Vec<u8>,
}

impl Ear {
    /// Goes on where reading stood.
    pub(crate) const fn new(scanner: Scanner, partial: Vec<u8>) -> Self {
        Self { scanner, partial }
    }

    async fn hear_close<C: Leg>(&mut self, client: &mut C, until: Instant) -> bool {
        let heard = async {
            loop {
                match self.hear(client).await {
                    Heard::Close => break true,
                    Heard::Nothing => yield_now().await,
                    Heard::End => break false,
                }
            }
        };
        timeout_at(until, heard).await.unwrap_or(false)
    }

    async fn hear<C: Leg>(&mut self, client: &mut C) -> Heard {
        poll_fn(|cx| {
            let mut scratch = Scratch::borrow();
            let kept = self.partial.len();
            let (front, room) = scratch.bytes().split_at_mut(kept);
            front.copy_from_slice(&self.partial);
            let mut room = ReadBuf::new(room);
            let read = ready!(Pin::new(&mut *client).poll_read(cx, &mut room));
            let count = room.filled().len();
            if read.is_err() || count == 0 {
                return Heard::End.into();
            }
            self.listen(scratch.bytes().get(..kept + count).unwrap_or(&[]))
                .into()
        })
        .await
    }

    fn listen(&mut self, bytes: &[u8]) -> Heard {
        let mut boundless = u64::MAX;
        let mut rest = bytes;
        loop {
            let scan = self.scanner.scan(rest, &mut boundless);
            rest = rest.get(scan.pass..).unwrap_or(&[]);
            match scan.next {
                Next::More => {
                    self.partial = rest.to_vec();
                    return Heard::Nothing;
                }
                Next::Control(control) if control.kind == ControlKind::Close => {
                    return Heard::Close;
                }
                Next::Control(control) => rest = rest.get(control.wire..).unwrap_or(&[]),
                Next::Refuse(_) => return Heard::End,
            }
        }
    }
}

enum Heard {
    Nothing,
    Close,
    End,
}

async fn deliver<L: Leg>(leg: &mut L, backlog: &mut Backlog, until: Instant) -> bool {
    let delivered = poll_fn(|cx| backlog.poll_deliver(cx, leg, Instant::now()));
    matches!(timeout_at(until, delivered).await, Ok(Ok(())))
}

/// Ends our half and discards the peer's until it ends too.
async fn drain<C: Leg>(client: &mut C, until: Instant) {
    let goodbye = async {
        if client.shutdown().await.is_ok() {
            while discard(client).await {}
        }
    };
    let _cut = timeout_at(until, goodbye).await;
}

/// Reads and forgets; false at the end of the stream.
async fn discard<L: Leg>(leg: &mut L) -> bool {
    let goes_on = poll_fn(|cx| {
        let mut scratch = Scratch::borrow();
        let mut room = ReadBuf::new(scratch.bytes());
        let read = ready!(Pin::new(&mut *leg).poll_read(cx, &mut room));
        Poll::Ready(read.is_ok() && !room.filled().is_empty())
    });
    let goes_on = goes_on.await;
    if goes_on {
        // A peer that always has more must keep neither the deadline nor other sessions from their turn.
        yield_now().await;
    }
    goes_on
}

/// A client that was refused may send anything well-formed; nothing of it is kept.
const STRANGER: Rules = Rules {
    masked: true,
    rsv1: true,
    max_frame: u64::MAX,
    max_message: u64::MAX,
    max_fragments: 0,
};

/// How long a client may take to read its last frame and end the stream.
const LINGER: Duration = Duration::from_secs(2);

/// How long an upstream may take to end the stream, being the server.
const UPSTREAM_LINGER: Duration = Duration::from_secs(1);

#[cfg(test)]
mod tests {
    use tokio::io::duplex;

    use super::*;
    use crate::noted::Noted;

    /// What is done to a client that is told goodbye, and has said so itself or is still to say it.
    async fn acts(ear: Option<Ear>) -> Vec<&'static str> {
        let (near, mut far) = duplex(64);
        far.shutdown().await.unwrap();
        let mut client = Noted::new(near);
        let mut backlog = Backlog::default();
        backlog.push(&frame(Some(1000), "", None));
        finish_client(&mut client, backlog, ear, LINGER).await;
        client.acts()
    }

    #[tokio::test]
    async fn only_a_frame_that_ends_the_stream_waits_for_its_end() {
        assert_eq!(acts(None).await, ["last", "write", "shutdown", "read"]);
        let ear = Ear::new(Scanner::new(STRANGER), Vec::new());
        assert_eq!(acts(Some(ear)).await, ["write", "read", "shutdown", "read"]);
    }
}
