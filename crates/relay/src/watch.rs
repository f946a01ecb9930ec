//! What a session is waited for, and how long.

use std::time::Duration;

use tokio::time::Instant;
use tollbridge_domain::{Entropy, Slug};

use crate::{IdleCounts, Limits, Pings, Side, deadline::after, heartbeat::Heartbeat};

/// Everything of a session that ends it by the clock.
pub(crate) struct Watch {
    pub(crate) client: Presence,
    pub(crate) upstream: Presence,
    /// Whether the peers' own pings and pongs break a silence too.
    pub(crate) control_counts: bool,
    expires_at: Instant,
    idle_timeout: Duration,
    write_timeout: Duration,
}

/// Since when each direction's sink has taken nothing of what waits for it.
#[derive(Clone, Copy, Default)]
pub(crate) struct Stalls {
    pub(crate) up: Option<Instant>,
    pub(crate) down: Option<Instant>,
}

/// What the clock ends a session with.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) enum Overdue {
    /// A side answers no ping.
    Silent(Side),
    /// A limit; the side is the one that caused it.
    Stop(Side, Slug),
}

impl Watch {
    pub(crate) fn new(limits: &Limits, entropy: &dyn Entropy, now: Instant) -> Self {
        let presence = |idle_timeout, pings: Option<Pings>| Presence {
            active_at: now,
            idle_timeout,
            heartbeat: pings.map(|pings| Box::new(Heartbeat::new(pings, entropy, now))),
        };
        Self {
            client: presence(limits.client_idle_timeout, limits.client_pings),
            upstream: presence(limits.upstream_idle_timeout, limits.upstream_pings),
            control_counts: limits.idle_counts == IdleCounts::Control,
            expires_at: after(now, limits.max_session),
            idle_timeout: limits.idle_timeout,
            write_timeout: limits.write_timeout,
        }
    }

    /// When to look again, or what is overdue.
    pub(crate) fn look(&self, now: Instant, stalls: Stalls) -> Result<Instant, Overdue> {
        let mut next = self.rings_at(now);
        for (at, overdue) in self.deadlines(stalls) {
            match at {
                Some(at) if now >= at => return Err(overdue),
                Some(at) => next = next.min(at),
                None => {}
            }
        }
        Ok(next)
    }

    /// Age, at which a session ends in any case.
    pub(crate) const fn expires_at(&self) -> Instant {
        self.expires_at
    }

    /// Whether a ping is due that has found no frame boundary yet: it goes with the bytes that bring one.
    pub(crate) fn owes_a_ping(&self, now: Instant) -> bool {
        let peers = [&self.client, &self.upstream];
        let mut beats = peers.into_iter().filter_map(|peer| peer.heartbeat.as_ref());
        beats.any(|beat| beat.is_due(now))
    }

    /// Every deadline there is and what its passing means, the weightiest first.
    fn deadlines(&self, stalls: Stalls) -> [(Option<Instant>, Overdue); 8] {
        let stop = |at, side, slug| (at, Overdue::Stop(side, slug));
        let silent = |peer: &Presence, side| (peer.lost_at(), Overdue::Silent(side));
        let stalled = |since: Option<Instant>| since.map(|at| after(at, self.write_timeout));
        let (client, upstream) = (&self.client, &self.upstream);
        let active_at = client.active_at.max(upstream.active_at);
        let idle_at = after(active_at, self.idle_timeout);
        let client_idle_at = client.idle_at(stalls.up);
        let upstream_idle_at = upstream.idle_at(stalls.down);
        [
            stop(Some(self.expires_at), Side::Bridge, Slug::MaxSession),
            stop(stalled(stalls.up), Side::Upstream, Slug::WriteTimeout),
            stop(stalled(stalls.down), Side::Client, Slug::WriteTimeout),
            silent(client, Side::Client),
            silent(upstream, Side::Upstream),
            stop(Some(idle_at), Side::Bridge, Slug::IdleTimeout),
            stop(client_idle_at, Side::Client, Slug::IdleTimeout),
            stop(upstream_idle_at, Side::Upstream, Slug::IdleTimeout),
        ]
    }

    /// When a ping is due next, or the session's age at the latest.
    fn rings_at(&self, now: Instant) -> Instant {
        let peers = [&self.client, &self.upstream];
        let beats = peers.into_iter().filter_map(|peer| peer.heartbeat.as_ref());
        beats
            .filter_map(|beat| beat.rings_at(now))
            .fold(self.expires_at, Instant::min)
    }
}

/// One peer, as the clock sees it.
pub(crate) struct Presence {
    /// When it last broke the silence.
    pub(crate) active_at: Instant,
    /// Boxed: most sessions have one at most, and many none.
    pub(crate) heartbeat: Option<Box<Heartbeat>>,
    idle_timeout: Option<Duration>,
}

impl Presence {
    /// Its silence is not its own: nobody reads it.
    pub(crate) fn excuse(&mut self) {
        if let Some(heartbeat) = &mut self.heartbeat {
            heartbeat.heard();
        }
    }

    /// The heartbeat, where a ping is due.
    pub(crate) fn due(&mut self, now: Instant) -> Option<&mut Heartbeat> {
        self.heartbeat
            .as_deref_mut()
            .filter(|heartbeat| heartbeat.is_due(now))
    }

    fn lost_at(&self) -> Option<Instant> {
        self.heartbeat.as_ref()?.lost_at()
    }

    /// None while it is not read, for its sink takes nothing.
    fn idle_at(&self, stalled: Option<Instant>) -> Option<Instant> {
        match stalled {
            Some(_) => None,
            None => Some(after(self.active_at, self.idle_timeout?)),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    struct Zeros;

    impl Entropy for Zeros {
        fn fill(&self, out: &mut [u8]) {
            out.fill(0);
        }
    }

    const QUIET: Stalls = Stalls {
        up: None,
        down: None,
    };

    fn watch(now: Instant, change: impl FnOnce(&mut Limits)) -> Watch {
        let mut limits = Limits {
            max_session: secs(3600),
            idle_timeout: secs(600),
            client_idle_timeout: None,
            upstream_idle_timeout: None,
            idle_counts: IdleCounts::Data,
            max_frame: 1,
            max_message: 1,
            max_fragments: 1,
            bytes_per_session: None,
            write_timeout: secs(30),
            client_pings: None,
            upstream_pings: None,
        };
        change(&mut limits);
        Watch::new(&limits, &Zeros, now)
    }

    /// When it ends, and with what, if nothing ever happens.
    fn end(watch: &Watch, start: Instant, stalls: Stalls) -> (u64, Overdue) {
        let mut now = start;
        loop {
            match watch.look(now, stalls) {
                Ok(next) => {
                    assert!(next > now, "it would look for ever");
                    now = next;
                }
                Err(overdue) => return ((now - start).as_secs(), overdue),
            }
        }
    }

    #[test]
    fn each_silence_has_its_own_deadline_and_the_first_one_ends() {
        let now = Instant::now();
        let both = watch(now, |_| {});
        let client = watch(now, |limits| limits.client_idle_timeout = Some(secs(60)));
        let upstream = watch(now, |limits| limits.upstream_idle_timeout = Some(secs(70)));
        let idle = |side| Overdue::Stop(side, Slug::IdleTimeout);
        assert_eq!(end(&both, now, QUIET), (600, idle(Side::Bridge)));
        assert_eq!(end(&client, now, QUIET), (60, idle(Side::Client)));
        assert_eq!(end(&upstream, now, QUIET), (70, idle(Side::Upstream)));
    }

    #[test]
    fn who_is_not_read_is_not_idle() {
        let now = Instant::now();
        let watch = watch(now, |limits| {
            limits.client_idle_timeout = Some(secs(10));
            limits.upstream_idle_timeout = Some(secs(20));
        });
        let up = Stalls {
            up: Some(now),
            ..QUIET
        };
        let idle = Overdue::Stop(Side::Upstream, Slug::IdleTimeout);
        assert_eq!(end(&watch, now, up), (20, idle));
        let both = Stalls {
            down: Some(now),
            ..up
        };
        let stuck = Overdue::Stop(Side::Upstream, Slug::WriteTimeout);
        assert_eq!(end(&watch, now, both), (30, stuck));
    }

    #[test]
    fn a_pong_is_waited_for_from_the_oldest_unanswered_ping() {
        let now = Instant::now();
        let pings = Some(Pings {
            interval: secs(10),
            pong_timeout: secs(15),
        });
        let mut watch = watch(now, |limits| limits.client_pings = pings);
        let mut ping = |at: u64| {
            let due = watch.client.due(now + secs(at));
            due.map(|heartbeat| heartbeat.ping(now + secs(at), None))
        };
        assert!(ping(9).is_none());
        assert!(ping(10).is_some());
        assert!(ping(20).is_some());
        let lost = (25, Overdue::Silent(Side::Client));
        assert_eq!(end(&watch, now, QUIET), lost);
        watch.client.excuse();
        assert_eq!(end(&watch, now, QUIET).0, 600);
    }

    const fn secs(seconds: u64) -> Duration {
        Duration::from_secs(seconds)
    }
}
