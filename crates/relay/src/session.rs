//! Two pumps, one watch, one alarm: what happens next in a session.

use std::{
    future::poll_fn,
    sync::Arc,
    task::{Context, Poll, Waker},
};

use tokio::{task::coop::has_budget_remaining, time::Instant};
use tollbridge_domain::{Entropy, Secret, SessionId, Slug};

use crate::{
    Close, Leg, Limits, Meter, Orders, Rules, Scanner, Side, Terms,
    close::{self, Goodbye},
    deadline::Alarm,
    pump::{Halt, Pump, Shared, Turn},
    watch::{Overdue, Presence, Stalls, Watch},
};

/// A running session. The legs stay in here whatever a poll does, so that a panic still leaves
/// something to close.
pub(crate) struct Session<C, U> {
    pub(crate) client: C,
    pub(crate) upstream: U,
    /// From the client to the upstream.
    pub(crate) up: Pump,
    /// From the upstream to the client.
    pub(crate) down: Pump,
    /// Set once the end has begun: limits and orders have no say any more.
    pub(crate) ending: bool,
    /// Its name.
    pub(crate) id: SessionId,
    secrets: Vec<Secret<String>>,
    orders: Orders,
    meter: Arc<Meter>,
    entropy: Arc<dyn Entropy>,
    watch: Watch,
    allowance: u64,
    alarm: Alarm,
    /// Whom the alarm, the orders and both directions wake. Present while nothing but traffic can have
    /// happened since all were looked at, so that a relayed message does not pay for looking again.
    settled: Option<Waker>,
}

/// What ends a session, or moves its end along.
pub(crate) enum Event {
    /// A side sent a close frame, not passed on yet.
    Closed(Side, Goodbye),
    /// A side sent what must not pass.
    Broke(Side, Slug),
    /// A side's stream is over, without a close frame.
    Gone(Side),
    /// A side takes no bytes any more.
    Deaf(Side),
    /// A side answers no ping.
    Silent(Side),
    /// A limit or an order; the side is the one that caused it.
    Stop(Side, Slug, Option<u32>),
    /// A direction came to the frame boundary that was asked for.
    Rested,
    /// The deadline that was asked for.
    Timeout,
}

impl<C: Leg, U: Leg> Session<C, U> {
    pub(crate) fn new(
        legs: (C, U),
        terms: Terms,
        orders: Orders,
        meter: Arc<Meter>,
        entropy: Arc<dyn Entropy>,
    ) -> Self {
        let now = Instant::now();
        let (client, upstream) = legs;
        let limits = &terms.limits;
        let scanner = |masked| Scanner::new(rules(limits, masked, terms.rsv1));
        let watch = Watch::new(limits, &*entropy, now);
        let first_look = watch.look(now, Stalls::default()).unwrap_or(now);
        Self {
            client,
            upstream,
            up: Pump::new(Side::Client, scanner(true)),
            down: Pump::new(Side::Upstream, scanner(false)),
            ending: false,
            watch,
            allowance: limits.bytes_per_session.unwrap_or(u64::MAX),
            alarm: Alarm::new(first_look),
            settled: None,
            id: terms.session,
            secrets: terms.secrets,
            orders,
            meter,
            entropy,
        }
    }

    /// The next event; [`Event::Timeout`] only where `until` is given.
    pub(crate) async fn next(&mut self, until: Option<Instant>) -> Event {
        poll_fn(|cx| self.poll_next(cx, until)).await
    }

    /// The bridge's close frame for the client.
    pub(crate) fn own_close(&self, slug: Slug, retry_after: Option<u32>) -> Close {
        Close::bridge(slug, retry_after, Some(&self.id))
    }

    /// A close frame for the upstream, masked as a client's must be.
    pub(crate) fn upstream_close(&self, code: u16) -> Vec<u8> {
        close::frame(Some(code), "", Some(mask(&*self.entropy)))
    }

    /// An upstream's close without what must not reach the client.
    pub(crate) fn scrub(&self, goodbye: Goodbye) -> Goodbye {
        goodbye.without(&self.secrets)
    }

    fn poll_next(&mut self, cx: &mut Context<'_>, until: Option<Instant>) -> Poll<Event> {
        loop {
            let now = Instant::now();
            let settled = self.settled.as_ref();
            let familiar = settled.is_some_and(|waker| waker.will_wake(cx.waker()));
            let turn = Turn { now, familiar };
            let undisturbed = familiar && self.is_undisturbed(now);
            let told = if undisturbed {
                self.poll_both(cx, turn)
            } else {
                self.poll_pumps(cx, turn)
            };
            if told.is_ready() || undisturbed && !self.is_stalled() {
                return told;
            }
            self.settled = None;
            if until.is_some_and(|until| now >= until) {
                return Poll::Ready(Event::Timeout);
            }
            if !self.ending
                && let Poll::Ready(order) = self.orders.poll(cx)
            {
                let stop = Event::Stop(Side::Bridge, order.slug, order.retry_after);
                return Poll::Ready(stop);
            }
            let next = match self.next_look(now, until) {
                Ok(next) => next,
                Err(Overdue::Silent(side)) => return Poll::Ready(Event::Silent(side)),
                Err(Overdue::Stop(side, slug)) => {
                    return Poll::Ready(Event::Stop(side, slug, None));
                }
            };
            if self.alarm.poll(cx, next).is_pending() {
                // Without a budget left it was not the clock that made us wait: it wakes nobody.
                let quiet = !self.ending
                    && !self.is_stalled()
                    && !self.watch.owes_a_ping(now)
                    && has_budget_remaining();
                self.settled = quiet.then(|| cx.waker().clone());
                return Poll::Pending;
            }
        }
    }

    /// Whether the alarm and the orders still stand as they were left: deadlines have only moved away
    /// since, and no ping has become due.
    fn is_undisturbed(&self, now: Instant) -> bool {
        !self.ending && now < self.alarm.rings_at() && !self.orders.are_given()
    }

    const fn is_stalled(&self) -> bool {
        self.up.waiting_since().is_some() || self.down.waiting_since().is_some()
    }

    fn poll_pumps(&mut self, cx: &mut Context<'_>, turn: Turn) -> Poll<Event> {
        // Nobody is read while its sink does not take: its silence is ours.
        if self.up.waiting_since().is_some() {
            self.watch.client.excuse();
        }
        if self.down.waiting_since().is_some() {
            self.watch.upstream.excuse();
        }
        let mut told = self.poll_both(cx, turn);
        if told.is_pending() && self.ping_client(turn.now) {
            told = self.poll_down(cx, turn);
        }
        if told.is_pending() && self.ping_upstream(turn.now) {
            told = self.poll_up(cx, turn);
        }
        told
    }

    /// The client's direction first: a close frame that lies there explains the failed write.
    fn poll_both(&mut self, cx: &mut Context<'_>, turn: Turn) -> Poll<Event> {
        match self.poll_up(cx, turn) {
            Poll::Pending => self.poll_down(cx, turn),
            told @ Poll::Ready(_) => told,
        }
    }

    fn poll_up(&mut self, cx: &mut Context<'_>, turn: Turn) -> Poll<Event> {
        let client = &mut self.watch.client;
        let mut shared = Shared {
            turn,
            active_at: &mut client.active_at,
            control_counts: self.watch.control_counts,
            allowance: &mut self.allowance,
            meter: &self.meter,
            heartbeat: client.heartbeat.as_deref_mut(),
        };
        self.up
            .poll(cx, &mut self.client, &mut self.upstream, &mut shared)
            .map(|halt| told(halt, Side::Client, Side::Upstream))
    }

    fn poll_down(&mut self, cx: &mut Context<'_>, turn: Turn) -> Poll<Event> {
        let upstream = &mut self.watch.upstream;
        let mut shared = Shared {
            turn,
            active_at: &mut upstream.active_at,
            control_counts: self.watch.control_counts,
            allowance: &mut self.allowance,
            meter: &self.meter,
            heartbeat: upstream.heartbeat.as_deref_mut(),
        };
        self.down
            .poll(cx, &mut self.upstream, &mut self.client, &mut shared)
            .map(|halt| told(halt, Side::Upstream, Side::Client))
    }

    fn ping_client(&mut self, now: Instant) -> bool {
        let pinged =
            !self.ending && ping_if_due(&mut self.watch.client, &mut self.down, now, || None);
        self.unsettle_if(pinged)
    }

    fn ping_upstream(&mut self, now: Instant) -> bool {
        let key = || Some(mask(&*self.entropy));
        let pinged = !self.ending && ping_if_due(&mut self.watch.upstream, &mut self.up, now, key);
        self.unsettle_if(pinged)
    }

    /// A ping brings a deadline that nobody has reckoned with yet.
    fn unsettle_if(&mut self, pinged: bool) -> bool {
        if pinged {
            self.settled = None;
        }
        pinged
    }

    /// When to look at the clock again, or what is overdue.
    fn next_look(&self, now: Instant, until: Option<Instant>) -> Result<Instant, Overdue> {
        if self.ending {
            return Ok(until.unwrap_or_else(|| self.watch.expires_at().max(now)));
        }
        let stalls = Stalls {
            up: self.up.waiting_since(),
            down: self.down.waiting_since(),
        };
        let next = self.watch.look(now, stalls)?;
        Ok(until.map_or(next, |until| until.min(next)))
    }
}

/// Queues a ping between two frames, but none on a peer that does not even take data.
fn ping_if_due(
    peer: &mut Presence,
    towards: &mut Pump,
    now: Instant,
    mask: impl FnOnce() -> Option<[u8; 4]>,
) -> bool {
    let free = towards.at_boundary() && towards.waiting_since().is_none();
    match peer.due(now) {
        Some(heartbeat) if free => {
            towards.push(&heartbeat.ping(now, mask()));
            true
        }
        _ => false,
    }
}

/// What a client's frames must be masked with (RFC 6455, 5.3).
fn mask(entropy: &dyn Entropy) -> [u8; 4] {
    let mut key = [0; 4];
    entropy.fill(&mut key);
    key
}

fn told(halt: Halt, source: Side, sink: Side) -> Event {
    match halt {
        Halt::Closed(goodbye) => Event::Closed(source, goodbye),
        Halt::Broke(slug) => Event::Broke(source, slug),
        Halt::Gone => Event::Gone(source),
        Halt::Deaf => Event::Deaf(sink),
        Halt::Rested => Event::Rested,
    }
}

const fn rules(limits: &Limits, masked: bool, rsv1: bool) -> Rules {
    Rules {
        masked,
        rsv1,
        max_frame: limits.max_frame,
        max_message: limits.max_message,
        max_fragments: limits.max_fragments,
    }
}
