//! Two pumps, one alarm, one heartbeat: what happens next in a session.

use std::{
    future::poll_fn,
    sync::Arc,
    task::{Context, Poll, ready},
};

use tokio::time::Instant;
use tollbridge_domain::{Entropy, Slug};

use crate::{
    Close, Leg, Limits, Meter, Orders, Rules, Scanner, Side, Terms,
    close::{self, Goodbye},
    deadline::{Alarm, after},
    heartbeat::Heartbeat,
    pump::{Halt, Pump, Shared},
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
    terms: Terms,
    orders: Orders,
    meter: Arc<Meter>,
    entropy: Arc<dyn Entropy>,
    heartbeat: Option<Heartbeat>,
    allowance: u64,
    started: Instant,
    active_at: Instant,
    alarm: Alarm,
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
    /// The client answers no ping.
    Silent,
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
        let heartbeat = limits
            .ping_interval
            .map(|interval| Heartbeat::new(interval, &*entropy, now));
        let scanner = |masked| Scanner::new(rules(limits, masked, terms.rsv1));
        Self {
            client,
            upstream,
            up: Pump::new(Side::Client, scanner(true)),
            down: Pump::new(Side::Upstream, scanner(false)),
            ending: false,
            heartbeat,
            allowance: limits.bytes_per_session.unwrap_or(u64::MAX),
            started: now,
            active_at: now,
            alarm: Alarm::new(now),
            terms,
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
        Close::bridge(slug, retry_after, Some(&self.terms.session))
    }

    /// A close frame for the upstream, masked as a client's must be.
    pub(crate) fn upstream_close(&self, code: u16) -> Vec<u8> {
        let mut key = [0; 4];
        self.entropy.fill(&mut key);
        close::frame(Some(code), "", Some(key))
    }

    /// An upstream's close without what must not reach the client.
    pub(crate) fn scrub(&self, goodbye: Goodbye) -> Goodbye {
        goodbye.without(&self.terms.secrets)
    }

    fn poll_next(&mut self, cx: &mut Context<'_>, until: Option<Instant>) -> Poll<Event> {
        loop {
            let now = Instant::now();
            if let Poll::Ready(event) = self.poll_pumps(cx, now) {
                return Poll::Ready(event);
            }
            if until.is_some_and(|until| now >= until) {
                return Poll::Ready(Event::Timeout);
            }
            if !self.ending {
                if let Poll::Ready(order) = self.orders.poll(cx) {
                    let stop = Event::Stop(Side::Bridge, order.slug, order.retry_after);
                    return Poll::Ready(stop);
                }
                if let Some(event) = self.overdue(now) {
                    return Poll::Ready(event);
                }
            }
            let next = self.next_deadline(now, until);
            ready!(self.alarm.poll(cx, next));
        }
    }

    fn poll_pumps(&mut self, cx: &mut Context<'_>, now: Instant) -> Poll<Event> {
        if self.up.waiting_since().is_some() {
            // The client is not read while the upstream does not take: its silence is ours.
            self.hear_client(now);
        }
        // The client's direction first: a close frame that lies there explains the failed write.
        if let Poll::Ready(halt) = self.poll_up(cx, now) {
            return Poll::Ready(told(halt, Side::Client, Side::Upstream));
        }
        if let Poll::Ready(halt) = self.poll_down(cx, now) {
            return Poll::Ready(told(halt, Side::Upstream, Side::Client));
        }
        if self.ping_if_due(now)
            && let Poll::Ready(halt) = self.poll_down(cx, now)
        {
            return Poll::Ready(told(halt, Side::Upstream, Side::Client));
        }
        Poll::Pending
    }

    fn poll_up(&mut self, cx: &mut Context<'_>, now: Instant) -> Poll<Halt> {
        let mut shared = Shared {
            now,
            started: self.started,
            active_at: &mut self.active_at,
            allowance: &mut self.allowance,
            meter: &self.meter,
            heartbeat: self.heartbeat.as_mut(),
        };
        self.up
            .poll(cx, &mut self.client, &mut self.upstream, &mut shared)
    }

    fn poll_down(&mut self, cx: &mut Context<'_>, now: Instant) -> Poll<Halt> {
        let mut shared = Shared {
            now,
            started: self.started,
            active_at: &mut self.active_at,
            allowance: &mut self.allowance,
            meter: &self.meter,
            heartbeat: None,
        };
        self.down
            .poll(cx, &mut self.upstream, &mut self.client, &mut shared)
    }

    /// Queues a ping between two frames, but none on a client that does not even take data.
    fn ping_if_due(&mut self, now: Instant) -> bool {
        let free = self.down.at_boundary() && self.down.waiting_since().is_none();
        match &mut self.heartbeat {
            Some(heartbeat) if !self.ending && free && heartbeat.is_due(now) => {
                let ping = heartbeat.ping(now);
                self.down.push(&ping);
                true
            }
            _ => false,
        }
    }

    const fn hear_client(&mut self, now: Instant) {
        if let Some(heartbeat) = &mut self.heartbeat {
            heartbeat.heard(now);
        }
    }

    fn overdue(&self, now: Instant) -> Option<Event> {
        let stalled = |pump: &Pump| self.stalls_at(pump).is_some_and(|at| now >= at);
        let stop = |side, slug| Some(Event::Stop(side, slug, None));
        if now >= self.expires_at() {
            stop(Side::Bridge, Slug::MaxSession)
        } else if stalled(&self.up) {
            stop(Side::Upstream, Slug::WriteTimeout)
        } else if stalled(&self.down) {
            stop(Side::Client, Slug::WriteTimeout)
        } else if self
            .heartbeat
            .as_ref()
            .is_some_and(|beat| beat.is_over(now))
        {
            Some(Event::Silent)
        } else if now >= self.idles_at() {
            stop(Side::Bridge, Slug::IdleTimeout)
        } else {
            None
        }
    }

    fn next_deadline(&self, now: Instant, until: Option<Instant>) -> Instant {
        if self.ending {
            return until.unwrap_or_else(|| self.expires_at().max(now));
        }
        let stalls = [self.stalls_at(&self.up), self.stalls_at(&self.down)];
        let beat = self.heartbeat.as_ref().and_then(|beat| beat.next(now));
        stalls
            .into_iter()
            .flatten()
            .chain(beat)
            .chain(until)
            .fold(self.expires_at().min(self.idles_at()), Instant::min)
    }

    fn expires_at(&self) -> Instant {
        after(self.started, self.terms.limits.max_session)
    }

    fn idles_at(&self) -> Instant {
        after(self.active_at, self.terms.limits.idle_timeout)
    }

    fn stalls_at(&self, pump: &Pump) -> Option<Instant> {
        pump.waiting_since()
            .map(|since| after(since, self.terms.limits.write_timeout))
    }
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
