//! One bridged session from its first byte to its ending.

use std::{panic::AssertUnwindSafe, sync::Arc, time::Duration};

use futures_util::FutureExt as _;
use tokio::time::Instant;
use tollbridge_domain::{Entropy, Slug};

use crate::{
    Ending, Leg, Meter, Orders, Side, Terms, close,
    farewell::{Ear, finish_client, finish_upstream},
    session::{Event, Session},
    verdict::{BOUNDARY, Farewell, Verdict, Word},
};

/// Relays until one side closes, breaks the rules, vanishes, or the bridge must end it; tells both
/// sides; ends both streams; and says how it was.
///
/// A panic inside is caught: the session ends as `internal`.
///
/// # Cancellation
/// Dropping the future cuts both legs without a word. End it through its [`Reins`](crate::Reins).
pub async fn relay<C: Leg, U: Leg>(
    client: C,
    upstream: U,
    terms: Terms,
    orders: Orders,
    meter: Arc<Meter>,
    entropy: Arc<dyn Entropy>,
) -> Ending {
    let id = terms.session.clone();
    let mut session = Session::new((client, upstream), terms, orders, meter, entropy);
    let verdict = AssertUnwindSafe(session.run()).catch_unwind().await;
    let verdict = verdict.unwrap_or_else(|_panic| {
        // The panic's own message went to the panic hook; it may quote anything.
        tracing::error!(session.id = %id, "a session panicked");
        session.ending = true;
        session.stop(Side::Bridge, Slug::Internal, None)
    });
    let reached = AssertUnwindSafe(session.reach_boundaries(&verdict)).catch_unwind();
    let _cut_anyway = reached.await;
    session.part(verdict).await
}

impl<C: Leg, U: Leg> Session<C, U> {
    /// Relays on until each side that must be told something is between two frames, for as long
    /// as the contract allows.
    async fn reach_boundaries(&mut self, verdict: &Verdict) {
        let until = Instant::now() + BOUNDARY;
        let client = matches!(verdict.client, Word::Say(_));
        let upstream = matches!(verdict.upstream, Word::Say(_));
        for (pump, is_awaited) in [(&mut self.down, client), (&mut self.up, upstream)] {
            if is_awaited {
                pump.finish_frame();
            } else {
                pump.stop();
            }
        }
        loop {
            let waits = [(&self.down, client), (&self.up, upstream)]
                .into_iter()
                .any(|(pump, said)| said && !pump.at_boundary() && pump.may_reach_boundary());
            if !waits || matches!(self.next(Some(until)).await, Event::Timeout) {
                return;
            }
        }
    }

    /// Says the last words and ends both streams, each on its own.
    async fn part(mut self, verdict: Verdict) -> Ending {
        let mut ending = Ending {
            side: verdict.side,
            slug: verdict.slug,
            code: verdict.passed.0,
            reason_len: verdict.passed.1,
            clean: verdict.clean,
        };
        let client_patience = self.speak_down(&verdict.client, &mut ending);
        let upstream_patience = self.speak_up(&verdict.upstream);
        let hears_client = !self.up.is_halted();
        let (up_backlog, scanner, partial) = self.up.into_rest();
        let (down_backlog, _, _) = self.down.into_rest();
        let ear = hears_client.then(|| Ear::new(scanner, partial));
        let (mut client, mut upstream) = (self.client, self.upstream);
        let client = async {
            match client_patience {
                Some(within) => finish_client(&mut client, down_backlog, ear, within).await,
                None => false,
            }
        };
        let upstream = async {
            if let Some(within) = upstream_patience {
                finish_upstream(&mut upstream, up_backlog, within).await;
            }
        };
        let client = AssertUnwindSafe(client).catch_unwind();
        let upstream = AssertUnwindSafe(upstream).catch_unwind();
        let (answered, _ended) = tokio::join!(client, upstream);
        ending.clean |= answered.unwrap_or(false);
        ending
    }

    /// Queues the client's last frame. Returns how long its delivery may take; `None` cuts.
    fn speak_down(&mut self, word: &Word<Farewell>, ending: &mut Ending) -> Option<Duration> {
        let Word::Say(farewell) = word else {
            return word.patience();
        };
        if !self.down.at_boundary() {
            return None;
        }
        let (code, reason) = match farewell {
            Farewell::Own(close) => (Some(close.code), close.reason.as_str()),
            Farewell::Echo(code) => (*code, ""),
        };
        self.down.push(&close::frame(code, reason, None));
        ending.code = code;
        ending.reason_len = reason.len();
        word.patience()
    }

    /// Queues the upstream's last frame. Returns how long its delivery may take; `None` cuts.
    fn speak_up(&mut self, word: &Word<u16>) -> Option<Duration> {
        if let Word::Say(code) = word {
            if !self.up.at_boundary() {
                return None;
            }
            let close = self.upstream_close(*code);
            self.up.push(&close);
        }
        word.patience()
    }
}
