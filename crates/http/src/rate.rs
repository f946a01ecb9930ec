//! Rates: so many a minute for a key, no more.

use std::{hash::Hash, num::NonZeroU32};

use governor::{DefaultKeyedRateLimiter, Quota, RateLimiter};

/// Keys kept before those that are fresh again are dropped.
const SWEEP_AT: usize = 4096;

/// A limit of so many a minute for each key; the whole minute's worth may come at once.
pub struct Rate {
    limiter: DefaultKeyedRateLimiter<Key>,
}

/// What is counted.
#[derive(Clone, Debug, Eq, Hash, PartialEq)]
pub enum Key {
    /// A caller of the mint.
    Client(String),
    /// A bearer's subject.
    Subject(String),
    /// A peer address.
    Address(std::net::IpAddr),
}

impl Rate {
    /// So many a minute.
    #[must_use]
    pub fn per_minute(count: NonZeroU32) -> Self {
        Self {
            limiter: RateLimiter::keyed(Quota::per_minute(count)),
        }
    }

    /// Takes one for the key.
    ///
    /// # Errors
    /// Seconds to wait, at least 1, where the key has none left.
    pub fn take(&self, key: &Key) -> Result<(), u32> {
        if self.limiter.len() > SWEEP_AT {
            self.limiter.retain_recent();
        }
        self.limiter.check_key(key).map_err(|refusal| {
            let wait = refusal.wait_time_from(governor::clock::Clock::now(
                &governor::clock::DefaultClock::default(),
            ));
            u32::try_from(wait.as_secs().saturating_add(1)).unwrap_or(u32::MAX)
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_key_has_its_own_count() {
        let rate = Rate::per_minute(NonZeroU32::new(2).unwrap());
        let alice = Key::Subject("alice".into());
        assert!(rate.take(&alice).is_ok());
        assert!(rate.take(&alice).is_ok());
        assert!(rate.take(&alice).is_err_and(|wait| wait >= 1));
        assert!(rate.take(&Key::Subject("bob".into())).is_ok());
    }
}
