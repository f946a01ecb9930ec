//! What all threads know about a credential, and what that lets one of them do.

use tollbridge_domain::Moment;

use crate::{FetchError, Fetched, backoff::Backoff, value::Harvest};

/// The earliest that a credential is renewed before its end, in seconds.
const EARLIEST: i64 = 300;

/// Kept under a lock that is never held while anything is waited for.
#[derive(Default)]
pub(crate) struct Book {
    held: Option<Held>,
    /// The number of the fetch that is under way.
    flying: Option<u64>,
    flights: u64,
    generation: u64,
    /// The last fetch that came to an end, and its outcome.
    landed: Option<(u64, Result<Fetched, FetchError>)>,
    failure: Option<FetchError>,
    failures: Backoff,
    refusals: Backoff,
    /// What comes of the fetch of this number, or of an earlier one, is to be renewed at once.
    aged: u64,
}

/// What somebody who wants the credential is to do.
#[derive(Debug)]
pub(crate) enum Step {
    /// Dial with this one.
    Use(Fetched),
    /// Dial with this one, and see to it that this fetch is made.
    UseAndRenew(Fetched, u64),
    /// See to it that this fetch is made, and wait for it.
    Launch(u64),
    /// Wait for this fetch, which somebody else makes.
    Wait(u64),
    /// There is none, and it is too early to ask again.
    Fail(FetchError),
}

struct Held {
    fetched: Fetched,
    since: Moment,
    renew: Moment,
    until: Moment,
}

impl Held {
    /// Lives from when it was asked for, since that is the latest at which it cannot have lived yet.
    fn new(fetched: Fetched, asked: Moment, life: i64) -> Self {
        let until = asked.plus(life);
        Self {
            fetched,
            since: asked,
            renew: until.minus((life / 5).min(EARLIEST)),
            until,
        }
    }

    fn is_good(&self, now: Moment) -> bool {
        now < self.until
    }

    /// Also where the clock has stepped back, and nobody knows how old it is.
    fn is_due(&self, now: Moment) -> bool {
        now >= self.renew || now < self.since
    }
}

impl Book {
    /// For somebody who wants the credential now.
    pub(crate) fn step(&mut self, now: Moment) -> Step {
        let held = self.held.as_ref().filter(|held| held.is_good(now));
        let Some(held) = held else {
            return match (self.flying, self.failing(now)) {
                (Some(flight), _) => Step::Wait(flight),
                (None, Some(error)) => Step::Fail(error),
                (None, None) => Step::Launch(self.launch()),
            };
        };
        let fetched = held.fetched.clone();
        if held.is_due(now) && self.flying.is_none() && !self.failures.holds(now) {
            Step::UseAndRenew(fetched, self.launch())
        } else {
            Step::Use(fetched)
        }
    }

    fn launch(&mut self) -> u64 {
        self.flights += 1;
        self.flying = Some(self.flights);
        self.flights
    }

    /// The last failure, as long as nobody should ask again.
    pub(crate) fn failing(&self, now: Moment) -> Option<FetchError> {
        self.failure.clone().filter(|_| self.failures.holds(now))
    }

    /// A fetch has ended that was begun at `asked`.
    pub(crate) fn land(
        &mut self,
        flight: u64,
        (asked, now): (Moment, Moment),
        outcome: Result<Harvest, FetchError>,
    ) {
        self.flying = None;
        let outcome = outcome.map(|harvest| {
            let life = harvest.life;
            let fetched = self.succeed(harvest);
            let mut held = Held::new(fetched.clone(), asked, life);
            if flight <= self.aged {
                held.renew = held.since;
            }
            self.held = Some(held);
            fetched
        });
        if let Err(error) = &outcome {
            self.fail(error, now);
        }
        self.landed = Some((flight, outcome));
    }

    /// Something came.
    pub(crate) fn succeed(&mut self, harvest: Harvest) -> Fetched {
        self.failures.end();
        self.failure = None;
        self.generation += 1;
        Fetched::new(harvest.kind, harvest.value, self.generation)
    }

    /// Nothing came. What is held goes on being used.
    pub(crate) fn fail(&mut self, error: &FetchError, now: Moment) {
        self.failures.begin(now);
        self.failure = Some(error.clone());
    }

    /// Whoever made the fetch is gone, and somebody else may take over.
    pub(crate) fn abandon(&mut self, flight: u64) {
        if self.flying == Some(flight) {
            self.flying = None;
        }
    }

    /// What came of this fetch, or of a later one.
    pub(crate) fn outcome(&self, flight: u64) -> Option<Result<Fetched, FetchError>> {
        let (landed, outcome) = self.landed.as_ref()?;
        (*landed >= flight).then(|| outcome.clone())
    }

    /// What is held is to be renewed by the next who wants it, who need not wait for that.
    pub(crate) fn age(&mut self) {
        self.aged = self.flights;
        if let Some(held) = &mut self.held {
            held.renew = held.since;
        }
    }

    /// An upstream refused this one. The first refusal counts at once; those that follow close on
    /// each other do only now and then, since the upstream may refuse whatever is brought to it.
    pub(crate) fn refuse(&mut self, generation: u64, now: Moment) {
        let is_held = self
            .held
            .as_ref()
            .is_some_and(|held| held.fetched.generation() == generation);
        if !is_held || self.refusals.holds(now) {
            return;
        }
        if self.refusals.is_forgotten(now) {
            self.refusals.end();
        }
        self.refusals.begin(now);
        self.held = None;
    }
}

#[cfg(test)]
mod tests {
    use tollbridge_domain::Secret;

    use super::*;
    use crate::Kind;

    const T0: Moment = Moment::from_seconds(1_800_000_000);

    fn harvest(life: i64) -> Result<Harvest, FetchError> {
        Ok(Harvest {
            kind: Kind::Token,
            value: Secret::new("t".to_owned()),
            life,
        })
    }

    fn launched(step: Step) -> u64 {
        match step {
            Step::Launch(flight) | Step::UseAndRenew(_, flight) => flight,
            other => panic!("no launch but {other:?}"),
        }
    }

    fn holding(life: i64) -> Book {
        let mut book = Book::default();
        let flight = launched(book.step(T0));
        book.land(flight, (T0, T0), harvest(life));
        book
    }

    #[test]
    fn it_is_renewed_a_fifth_of_its_life_before_its_end_or_five_minutes() {
        for (life, margin) in [(1, 0), (4, 0), (60, 12), (1_500, 300), (86_400, 300)] {
            let mut book = holding(life);
            let early = T0.plus(life - margin - 1);
            assert!(matches!(book.step(early), Step::Use(_)), "{life}");
            let due = T0.plus(life - margin);
            match margin {
                0 => assert!(matches!(book.step(due), Step::Launch(2)), "{life}"),
                _ => assert!(matches!(book.step(due), Step::UseAndRenew(_, 2)), "{life}"),
            }
        }
    }

    #[test]
    fn while_one_renews_all_others_use_the_old_one_until_its_end() {
        let mut book = holding(1_000);
        let flight = launched(book.step(T0.plus(900)));
        assert!(matches!(book.step(T0.plus(900)), Step::Use(_)));
        assert!(matches!(book.step(T0.plus(999)), Step::Use(_)));
        assert!(matches!(book.step(T0.plus(1_000)), Step::Wait(it) if it == flight));
    }

    #[test]
    fn a_failed_renewal_leaves_the_old_one_and_a_pause() {
        let mut book = holding(1_000);
        let now = T0.plus(900);
        let flight = launched(book.step(now));
        book.land(flight, (now, now), Err(FetchError::Abandoned));
        assert!(matches!(book.step(now), Step::Use(_)));
        assert!(matches!(book.step(now.plus(1)), Step::UseAndRenew(..)));
    }

    #[test]
    fn a_failure_is_remembered_where_there_is_nothing_else() {
        let mut book = Book::default();
        let flight = launched(book.step(T0));
        assert!(matches!(book.step(T0), Step::Wait(1)));
        book.land(flight, (T0, T0), Err(FetchError::Abandoned));
        assert!(matches!(book.outcome(1), Some(Err(FetchError::Abandoned))));
        assert!(matches!(book.step(T0), Step::Fail(FetchError::Abandoned)));
        assert!(matches!(book.step(T0.plus(1)), Step::Launch(2)));
    }

    #[test]
    fn an_abandoned_fetch_is_taken_over() {
        let mut book = Book::default();
        let flight = launched(book.step(T0));
        book.abandon(flight);
        assert!(book.outcome(flight).is_none());
        assert!(matches!(book.step(T0), Step::Launch(2)));
        book.abandon(flight);
        assert!(matches!(book.step(T0), Step::Wait(2)));
    }

    #[test]
    fn whoever_waited_gets_even_what_has_expired_meanwhile() {
        let mut book = Book::default();
        let flight = launched(book.step(T0));
        book.land(flight, (T0, T0.plus(5)), harvest(1));
        assert!(matches!(book.outcome(flight), Some(Ok(_))));
        assert!(matches!(book.step(T0.plus(5)), Step::Launch(2)));
    }

    #[test]
    fn a_refusal_counts_once_and_only_of_the_one_that_is_held() {
        let mut book = holding(1_000);
        book.refuse(7, T0);
        assert!(matches!(book.step(T0), Step::Use(_)));
        book.refuse(1, T0);
        let flight = launched(book.step(T0));
        book.refuse(1, T0);
        assert!(matches!(book.step(T0), Step::Wait(it) if it == flight));
        book.land(flight, (T0, T0), harvest(1_000));
        book.refuse(1, T0);
        assert!(matches!(book.step(T0), Step::Use(it) if it.generation() == 2));
    }

    #[test]
    fn an_upstream_that_refuses_everything_does_not_have_everything_renewed() {
        let mut book = holding(80_000);
        let mut renewals = 0;
        for second in 0..120 {
            let now = T0.plus(second);
            for _dial in 0..10 {
                match book.step(now) {
                    Step::Use(fetched) => book.refuse(fetched.generation(), now),
                    step => {
                        renewals += 1;
                        book.land(launched(step), (now, now), harvest(80_000));
                    }
                }
            }
        }
        // After 0, 1, 3, 7, 15, 31, 61 and 91 seconds.
        assert_eq!(renewals, 8);
    }

    #[test]
    fn a_clock_that_steps_back_makes_it_due() {
        let mut book = holding(1_000);
        assert!(matches!(book.step(T0.minus(5)), Step::UseAndRenew(..)));
    }
}
