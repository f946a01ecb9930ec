//! From the first sign of the end to a decision: whose end it is, and what each side is still told.

use std::time::Duration;

use tokio::time::Instant;
use tollbridge_domain::Slug;

use crate::{
    Close, Leg, Side,
    close::Goodbye,
    session::{Event, Session},
};

/// What is decided about an end.
pub(crate) struct Verdict {
    pub(crate) side: Side,
    pub(crate) slug: Option<Slug>,
    /// Code and length of the reason that the client already got from the upstream.
    pub(crate) passed: (Option<u16>, usize),
    pub(crate) clean: bool,
    pub(crate) client: Word<Farewell>,
    pub(crate) upstream: Word<u16>,
}

/// What a side is still told.
pub(crate) enum Word<T> {
    /// A close frame of the bridge's, at the next frame boundary.
    Say(T),
    /// Nothing more; what waits is delivered and the stream ended.
    Finish,
    /// Nothing; it is gone.
    Drop,
}

impl<T> Word<T> {
    /// How long delivery may take; `None` where there is nothing to deliver.
    pub(crate) const fn patience(&self) -> Option<Duration> {
        match self {
            Self::Say(_) => Some(BOUNDARY),
            Self::Finish => Some(ANSWER),
            Self::Drop => None,
        }
    }
}

/// What the client is told last.
pub(crate) enum Farewell {
    /// The bridge's own words.
    Own(Close),
    /// The client's own code, where the upstream owes it the answer.
    Echo(Option<u16>),
}

impl Verdict {
    /// The bridge ends a session that nobody else had begun to end.
    pub(crate) fn stop(side: Side, slug: Slug, close: Close) -> Self {
        Self {
            side,
            slug: Some(slug),
            client: Word::Say(Farewell::Own(close)),
            upstream: slug.upstream_code().map_or(Word::Finish, Word::Say),
            ..Self::plain(side)
        }
    }

    /// It is over without a word, and the upstream is told.
    pub(crate) fn gone(side: Side) -> Self {
        Self {
            upstream: Word::Say(GOING_AWAY),
            ..Self::plain(side)
        }
    }

    /// A peer ended it and nothing is left to say.
    const fn plain(side: Side) -> Self {
        Self {
            side,
            slug: None,
            passed: (None, 0),
            clean: false,
            client: Word::Finish,
            upstream: Word::Finish,
        }
    }
}

impl<C: Leg, U: Leg> Session<C, U> {
    /// Relays until the session's end is decided.
    pub(crate) async fn run(&mut self) -> Verdict {
        let event = self.next(None).await;
        self.ending = true;
        // Rare and short: no running session keeps room for its end.
        Box::pin(self.conclude(event)).await
    }

    async fn conclude(&mut self, event: Event) -> Verdict {
        match event {
            Event::Deaf(side) => self.hear_the_deaf(side).await,
            event => self.decide(event).await,
        }
    }

    async fn decide(&mut self, event: Event) -> Verdict {
        match event {
            Event::Closed(Side::Client, goodbye) => self.client_closed(goodbye).await,
            Event::Closed(_, goodbye) => self.upstream_closed(goodbye).await,
            Event::Broke(Side::Client, slug) => self.client_broke(slug).await,
            Event::Broke(_, slug) => self.stop(Side::Upstream, slug, None),
            Event::Gone(Side::Client) | Event::Deaf(Side::Client) => Verdict::gone(Side::Client),
            Event::Silent(Side::Client) => Verdict {
                client: Word::Drop,
                upstream: Word::Say(GOING_AWAY),
                ..Verdict::plain(Side::Client)
            },
            Event::Gone(_) | Event::Deaf(_) | Event::Silent(_) => self.upstream_lost(),
            Event::Stop(side, slug, retry_after) => self.stop(side, slug, retry_after),
            // Neither was asked for: only a fault of ours can bring this.
            Event::Rested | Event::Timeout => self.stop(Side::Bridge, Slug::Internal, None),
        }
    }

    /// A side that takes nothing may have sent its close frame before: read it to the end.
    async fn hear_the_deaf(&mut self, side: Side) -> Verdict {
        let until = Instant::now() + BOUNDARY;
        match self.next(Some(until)).await {
            Event::Closed(closed, goodbye) if closed == side => {
                self.decide(Event::Closed(closed, goodbye)).await
            }
            _ => self.decide(Event::Gone(side)).await,
        }
    }

    /// The client closes: its frame goes up as it is, and the upstream's answer comes down.
    async fn client_closed(&mut self, goodbye: Goodbye) -> Verdict {
        self.up.push(goodbye.wire());
        let mut until = Instant::now() + ANSWER;
        let plain = Verdict::plain(Side::Client);
        let echo = Word::Say(Farewell::Echo(goodbye.code));
        while !self.down.is_dead() {
            match self.next(Some(until)).await {
                Event::Closed(_, answer) => {
                    return Verdict {
                        passed: self.pass_down(answer),
                        clean: true,
                        ..plain
                    };
                }
                Event::Broke(side, slug) => {
                    let upstream = Word::Finish;
                    return Verdict {
                        upstream,
                        ..self.stop(blamed(side, slug), slug, None)
                    };
                }
                // Its answer may lie there although it takes nothing more.
                Event::Deaf(Side::Upstream) => until = until.min(Instant::now() + BOUNDARY),
                Event::Deaf(_) => break,
                Event::Gone(_) => {
                    return Verdict {
                        client: echo,
                        upstream: Word::Drop,
                        ..plain
                    };
                }
                Event::Rested | Event::Silent(_) | Event::Stop(..) | Event::Timeout => {
                    return Verdict {
                        client: echo,
                        ..plain
                    };
                }
            }
        }
        Verdict {
            client: Word::Drop,
            ..plain
        }
    }

    /// The upstream closes: its frame goes down, and the client's answer goes up.
    async fn upstream_closed(&mut self, goodbye: Goodbye) -> Verdict {
        let plain = Verdict {
            passed: self.pass_down(goodbye),
            ..Verdict::plain(Side::Upstream)
        };
        if self.up.is_dead() {
            return plain;
        }
        match self.next(Some(Instant::now() + CLIENT_ANSWER)).await {
            Event::Closed(_, answer) => {
                self.up.push(answer.wire());
                Verdict {
                    clean: true,
                    ..plain
                }
            }
            Event::Deaf(Side::Client) => Verdict {
                client: Word::Drop,
                ..plain
            },
            _ => plain,
        }
    }

    /// The client broke the rules. What it said before that is answered first: the upstream gets
    /// the close, and its last words still pass until it answers.
    async fn client_broke(&mut self, slug: Slug) -> Verdict {
        if let Some(code) = slug.upstream_code() {
            let close = self.upstream_close(code);
            self.up.push(&close);
        }
        let verdict = Verdict {
            upstream: Word::Finish,
            ..self.stop(blamed(Side::Client, slug), slug, None)
        };
        let until = Instant::now() + LAST_WORDS;
        loop {
            match self.next(Some(until)).await {
                // The close above did not get through; the answers before it may.
                Event::Deaf(Side::Upstream) => {}
                Event::Deaf(_) => {
                    return Verdict {
                        client: Word::Drop,
                        ..verdict
                    };
                }
                _ => return verdict,
            }
        }
    }

    fn upstream_lost(&self) -> Verdict {
        Verdict {
            upstream: Word::Drop,
            ..self.stop(Side::Upstream, Slug::UpstreamLost, None)
        }
    }

    pub(crate) fn stop(&self, side: Side, slug: Slug, retry_after: Option<u32>) -> Verdict {
        Verdict::stop(blamed(side, slug), slug, self.own_close(slug, retry_after))
    }

    /// Queues an upstream's close for the client, and says what of it the client reads.
    fn pass_down(&mut self, goodbye: Goodbye) -> (Option<u16>, usize) {
        let goodbye = self.scrub(goodbye);
        self.down.push(goodbye.wire());
        (goodbye.code, goodbye.reason_len())
    }
}

/// A used-up quota is the bridge's doing, whoever sent the byte too many.
const fn blamed(side: Side, slug: Slug) -> Side {
    match slug {
        Slug::ByteQuota => Side::Bridge,
        _ => side,
    }
}

/// How long an upstream may take to answer a close frame.
const ANSWER: Duration = Duration::from_secs(5);

/// How long a client may: with the farewell's two seconds it is five as well.
const CLIENT_ANSWER: Duration = Duration::from_secs(3);

/// How long the bridge waits for a frame boundary before it cuts (contract, section 6).
pub(crate) const BOUNDARY: Duration = Duration::from_secs(1);

/// How long an upstream's answers may follow a frame that broke the rules. A server without the
/// bridge would have answered what came before that frame; a broken client waits no longer.
const LAST_WORDS: Duration = Duration::from_millis(80);

/// To the upstream where the client vanished (RFC 6455, 7.4.1).
const GOING_AWAY: u16 = 1001;
