//! One bridged session from its first byte to its ending.

use std::{future::Future, panic::AssertUnwindSafe, sync::Arc, time::Duration};

use futures_util::FutureExt as _;
use tokio::time::Instant;
use tollbridge_domain::{Entropy, Slug};

use crate::{
    Ending, Leg, Meter, Orders, Reason, Side, Terms, close,
    farewell::{Ear, finish_client, finish_upstream},
    session::{Event, Session},
    verdict::{BOUNDARY, Farewell, Verdict, Word},
};

/// Relays until one side closes, breaks the rules, vanishes, or the bridge must end it; tells both
/// sides; ends both streams; and says how it was.
///
/// A panic inside is caught: the session ends as `internal`.
///
/// # Panics
/// Where it is called outside of a Tokio runtime with a timer: the session's clock starts here.
///
/// # Cancellation
/// Dropping the future cuts both legs without a word. End it through its [`Reins`](crate::Reins).
pub fn relay<C: Leg, U: Leg>(
    client: C,
    upstream: U,
    terms: Terms,
    orders: Orders,
    meter: Arc<Meter>,
    entropy: Arc<dyn Entropy>,
) -> impl Future<Output = Ending> {
    let mut session = Session::new((client, upstream), terms, orders, meter, entropy);
    // A block, for an `async fn` keeps its arguments twice: as they came, and as its locals.
    async move {
        let verdict = AssertUnwindSafe(session.run()).catch_unwind().await;
        // Rare and short: no running session keeps room for its end.
        Box::pin(part(session, verdict)).await
    }
}

/// Ends a session of which nothing was relayed: tells each side what there is to tell, and ends both
/// streams. What the client has sent may end anywhere in a frame, so that nothing more of it is
/// understood, and nothing of it passes.
pub async fn call_off<C: Leg, U: Leg>(
    client: C,
    upstream: U,
    terms: Terms,
    orders: Orders,
    meter: Arc<Meter>,
    entropy: Arc<dyn Entropy>,
    reason: Reason,
) -> Ending {
    let mut session = Session::new((client, upstream), terms, orders, meter, entropy);
    session.ending = true;
    session.up.turn_away();
    let verdict = match reason.slug {
        Some(slug) => session.stop(reason.side, slug, reason.retry_after),
        None => Verdict::gone(reason.side),
    };
    Box::pin(part(session, Ok(verdict))).await
}

/// Tells both sides what was decided, and ends both streams.
async fn part<C: Leg, U: Leg>(
    mut session: Session<C, U>,
    verdict: std::thread::Result<Verdict>,
) -> Ending {
    let verdict = verdict.unwrap_or_else(|_panic| {
        // The panic's own message went to the panic hook; it may quote anything.
        tracing::error!(event = "session.panicked", session_id = %session.id, "a session panicked");
        session.ending = true;
        session.stop(Side::Bridge, Slug::Internal, None)
    });
    let mut last = LastWords::new(verdict, &mut session);
    let spoken = AssertUnwindSafe(last.speak(&mut session)).catch_unwind();
    let _cut_anyway = spoken.await;
    session.hang_up(last).await
}

/// A verdict on its way to the peers.
struct LastWords {
    verdict: Verdict,
    ending: Ending,
    client_is_told: bool,
    upstream_is_told: bool,
}

impl LastWords {
    fn new<C: Leg, U: Leg>(verdict: Verdict, session: &mut Session<C, U>) -> Self {
        let client_is_told = !matches!(verdict.client, Word::Say(_));
        let upstream_is_told = !matches!(verdict.upstream, Word::Say(_));
        for (pump, is_told) in [
            (&mut session.down, client_is_told),
            (&mut session.up, upstream_is_told),
        ] {
            if is_told {
                pump.stop();
            } else {
                pump.finish_frame();
            }
        }
        let ending = Ending {
            side: verdict.side,
            slug: verdict.slug,
            code: verdict.passed.0,
            reason_len: verdict.passed.1,
            clean: verdict.clean,
        };
        Self {
            verdict,
            ending,
            client_is_told,
            upstream_is_told,
        }
    }

    /// Tells each side at its next frame boundary, as long as the contract lets it wait for one.
    async fn speak<C: Leg, U: Leg>(&mut self, session: &mut Session<C, U>) {
        let until = Instant::now() + BOUNDARY;
        loop {
            if !self.client_is_told && session.down.at_boundary() {
                self.tell_client(session);
            }
            if !self.upstream_is_told && session.up.at_boundary() {
                self.tell_upstream(session);
            }
            let waits_down = !self.client_is_told && session.down.may_reach_boundary();
            let waits_up = !self.upstream_is_told && session.up.may_reach_boundary();
            if !waits_down && !waits_up {
                return;
            }
            if let Event::Timeout = session.next(Some(until)).await {
                return;
            }
        }
    }

    fn tell_client<C: Leg, U: Leg>(&mut self, session: &mut Session<C, U>) {
        let (code, reason) = match &self.verdict.client {
            Word::Say(Farewell::Own(close)) => (Some(close.code), close.reason.as_str()),
            Word::Say(Farewell::Echo(code)) => (*code, ""),
            Word::Finish | Word::Drop => return,
        };
        session.down.push(&close::frame(code, reason, None));
        session.down.stop();
        self.ending.code = code;
        self.ending.reason_len = reason.len();
        self.client_is_told = true;
    }

    fn tell_upstream<C: Leg, U: Leg>(&mut self, session: &mut Session<C, U>) {
        if let Word::Say(code) = self.verdict.upstream {
            let close = session.upstream_close(code);
            session.up.push(&close);
            session.up.stop();
            self.upstream_is_told = true;
        }
    }

    /// How long delivery to the client may take; `None` cuts.
    ///
    /// A frame that nobody finishes leaves no place for words, but what came of it has been read by
    /// a client that keeps up: its stream ends, as it would have without the bridge.
    fn client_patience(&self) -> Option<Duration> {
        let patience = self.verdict.client.patience()?;
        Some(if self.client_is_told {
            patience
        } else {
            Duration::ZERO
        })
    }

    /// How long delivery to the upstream may take; `None` cuts.
    fn upstream_patience(&self) -> Option<Duration> {
        self.verdict
            .upstream
            .patience()
            .filter(|_| self.upstream_is_told)
    }
}

impl<C: Leg, U: Leg> Session<C, U> {
    /// Delivers what is queued and ends both streams, each on its own.
    async fn hang_up(self, last: LastWords) -> Ending {
        let client_patience = last.client_patience();
        let upstream_patience = last.upstream_patience();
        let upstream_is_gone = matches!(last.verdict.upstream, Word::Drop);
        let mut ending = last.ending;
        let hears_client = last.client_is_told && !self.up.is_halted();
        let (up_backlog, scanner, partial) = self.up.into_rest();
        let (down_backlog, _, _) = self.down.into_rest();
        let ear = hears_client.then(|| Ear::new(scanner, partial));
        let (mut client, mut upstream) = (self.client, self.upstream);
        // Each leg is dropped when its own farewell is over, not when both are.
        let client = async move {
            match client_patience {
                Some(within) => finish_client(&mut client, down_backlog, ear, within).await,
                None => {
                    client.cut();
                    false
                }
            }
        };
        let upstream = async move {
            match upstream_patience {
                Some(within) => finish_upstream(&mut upstream, up_backlog, within).await,
                // It ended its stream itself: a reset would call that an error.
                None if upstream_is_gone => {}
                None => upstream.cut(),
            }
        };
        let client = AssertUnwindSafe(client).catch_unwind();
        let upstream = AssertUnwindSafe(upstream).catch_unwind();
        let (answered, _ended) = tokio::join!(client, upstream);
        ending.clean |= answered.unwrap_or(false);
        ending
    }
}
