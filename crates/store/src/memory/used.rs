//! Used tokens of one node.

use std::{
    cmp::Reverse,
    collections::{BinaryHeap, HashMap},
    sync::{Arc, Mutex},
};

use async_trait::async_trait;
use tollbridge_domain::{Clock, Moment, TokenId};

use super::open;
use crate::{Consumed, GiveBack, StoreError, UsedTokens};

/// Used tokens in process.
///
/// A record is never evicted before its time: that would reopen a replay window. So there is no
/// capacity, but there is a bound: the rate of redemptions times the longest redemption window
/// plus 60 s. Forgetting is spread over the calls that come anyway, a few records each.
pub struct MemoryUsed {
    clock: Arc<dyn Clock>,
    book: Mutex<Book>,
}

impl MemoryUsed {
    /// An empty memory that forgets by this clock.
    #[must_use]
    pub fn new(clock: Arc<dyn Clock>) -> Self {
        Self {
            clock,
            book: Mutex::default(),
        }
    }

    /// How many tokens are remembered.
    #[must_use]
    pub fn remembered(&self) -> usize {
        open(&self.book).records.len()
    }
}

#[async_trait]
impl UsedTokens for MemoryUsed {
    async fn consume(
        &self,
        jti: &TokenId,
        uses: u32,
        forget_at: Moment,
    ) -> Result<Consumed, StoreError> {
        let now = self.clock.now();
        let mut book = open(&self.book);
        book.forget_some(now);
        Ok(book.consume(jti, uses, forget_at))
    }

    async fn left(&self, jti: &TokenId, uses: u32) -> Result<u32, StoreError> {
        let book = open(&self.book);
        let taken = book.records.get(jti).map_or(0, |record| record.taken);
        Ok(uses.saturating_sub(taken))
    }

    async fn give_back(&self, jti: &TokenId) -> Result<GiveBack, StoreError> {
        Ok(open(&self.book).give_back(jti))
    }
}

#[derive(Default)]
struct Book {
    records: HashMap<TokenId, Record>,
    due: BinaryHeap<Reverse<(Moment, TokenId)>>,
    /// The latest `forget_at` that was ever forgotten.
    forgotten_to: Option<Moment>,
}

#[derive(Default)]
struct Record {
    taken: u32,
    given_back: u8,
}

impl Book {
    fn consume(&mut self, jti: &TokenId, uses: u32, forget_at: Moment) -> Consumed {
        if let Some(record) = self.records.get_mut(jti) {
            return record.take(uses);
        }
        // A clock that was set forward and back again must not turn forgotten tokens into fresh
        // ones: what may have been forgotten counts as spent.
        if self.forgotten_to.is_some_and(|to| forget_at <= to) {
            return Consumed::Spent;
        }
        self.due.push(Reverse((forget_at, jti.clone())));
        self.records.entry(jti.clone()).or_default().take(uses)
    }

    fn give_back(&mut self, jti: &TokenId) -> GiveBack {
        match self.records.get_mut(jti) {
            Some(record) if record.taken > 0 && record.given_back < MOST_GIVEN_BACK => {
                record.taken -= 1;
                record.given_back += 1;
                GiveBack::Returned
            }
            _ => GiveBack::Refused,
        }
    }

    fn forget_some(&mut self, now: Moment) {
        for _ in 0..FORGOTTEN_PER_CALL {
            match self.due.peek() {
                Some(Reverse((forget_at, _))) if *forget_at < now => {}
                _ => return,
            }
            if let Some(Reverse((forget_at, jti))) = self.due.pop() {
                self.records.remove(&jti);
                self.forgotten_to = self.forgotten_to.max(Some(forget_at));
            }
        }
    }
}

impl Record {
    fn take(&mut self, uses: u32) -> Consumed {
        if self.taken < uses {
            self.taken += 1;
            Consumed::Taken
        } else {
            Consumed::Spent
        }
    }
}

/// Contract, section 4: a use is given back at most three times a token.
const MOST_GIVEN_BACK: u8 = 3;

/// Each call adds at most one record, so anything above one lets the memory shrink.
const FORGOTTEN_PER_CALL: usize = 4;

#[cfg(test)]
mod tests {
    use std::sync::atomic::{AtomicI64, Ordering};

    use super::*;

    struct Hands(AtomicI64);

    impl Clock for Hands {
        fn now(&self) -> Moment {
            Moment::from_seconds(self.0.load(Ordering::SeqCst))
        }
    }

    fn at(second: i64) -> (Arc<Hands>, MemoryUsed) {
        let clock = Arc::new(Hands(AtomicI64::new(second)));
        (Arc::clone(&clock), MemoryUsed::new(clock))
    }

    async fn consume(used: &MemoryUsed, name: &str, forget_at: i64) -> Consumed {
        let jti = TokenId::parse(name).unwrap();
        used.consume(&jti, 1, Moment::from_seconds(forget_at))
            .await
            .unwrap()
    }

    #[tokio::test]
    async fn a_token_is_remembered_through_the_last_second_of_its_window() {
        let (clock, used) = at(100);
        assert_eq!(consume(&used, "a", 190).await, Consumed::Taken);
        clock.0.store(190, Ordering::SeqCst);
        assert_eq!(consume(&used, "a", 190).await, Consumed::Spent);
        assert_eq!(used.remembered(), 1);
    }

    #[tokio::test]
    async fn memory_shrinks_while_tokens_keep_coming() {
        let (clock, used) = at(0);
        for n in 0..1_000 {
            consume(&used, &format!("old-{n}"), 90).await;
        }
        assert_eq!(used.remembered(), 1_000);
        clock.0.store(91, Ordering::SeqCst);
        for n in 0..400 {
            consume(&used, &format!("new-{n}"), 200).await;
        }
        assert_eq!(used.remembered(), 400);
    }

    #[tokio::test]
    async fn a_clock_set_forward_and_back_reopens_no_replay_window() {
        let (clock, used) = at(100);
        assert_eq!(consume(&used, "a", 190).await, Consumed::Taken);
        clock.0.store(100_000, Ordering::SeqCst);
        consume(&used, "b", 100_090).await;
        clock.0.store(110, Ordering::SeqCst);
        assert_eq!(consume(&used, "a", 190).await, Consumed::Spent);
        assert_eq!(consume(&used, "c", 200).await, Consumed::Taken);
    }
}
