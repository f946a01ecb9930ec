//! What was answered, for as long as that may be believed.

use std::{
    collections::HashMap,
    sync::{Mutex, PoisonError},
};

use ring::{
    hmac,
    rand::{SecureRandom as _, SystemRandom},
};
use tollbridge_domain::Moment;

/// The most answers that are kept. One is a name and a few claims.
const MOST: usize = 4_096;

/// Answers by a keyed hash of what was asked. The key is made at random and lives as long as the
/// cache: what is in memory cannot be compared with anything from outside.
pub(crate) struct Cache<T> {
    key: hmac::Key,
    held: Mutex<HashMap<Digest, Held<T>>>,
}

/// Stands for a credential.
#[derive(Clone, Copy, Debug, Eq, Hash, PartialEq)]
pub(crate) struct Digest([u8; 32]);

struct Held<T> {
    value: T,
    since: Moment,
    until: Moment,
}

impl<T: Clone> Cache<T> {
    pub(crate) fn new() -> Self {
        let mut key = [0; 32];
        // Without chance the key would be known: then nothing is worth keeping, and TLS is dead too.
        #[expect(
            clippy::expect_used,
            reason = "the kernel's random numbers do not fail"
        )]
        SystemRandom::new().fill(&mut key).expect("random numbers");
        Self {
            key: hmac::Key::new(hmac::HMAC_SHA256, &key),
            held: Mutex::default(),
        }
    }

    /// Each part with its length in front, so that no two lists of parts are one text.
    pub(crate) fn digest<'a>(&self, parts: impl IntoIterator<Item = &'a [u8]>) -> Digest {
        let mut context = hmac::Context::with_key(&self.key);
        for part in parts {
            context.update(&part.len().to_be_bytes());
            context.update(part);
        }
        let mut digest = [0; 32];
        digest.copy_from_slice(context.sign().as_ref());
        Digest(digest)
    }

    pub(crate) fn get(&self, digest: &Digest, now: Moment) -> Option<T> {
        let held = self.held.lock().unwrap_or_else(PoisonError::into_inner);
        held.get(digest)
            .filter(|held| held.since <= now && now < held.until)
            .map(|held| held.value.clone())
    }

    /// Keeps it until then. Where there is no room, what has expired goes, or else anything.
    pub(crate) fn put(&self, digest: Digest, value: T, now: Moment, until: Moment) {
        if until <= now {
            return;
        }
        let mut held = self.held.lock().unwrap_or_else(PoisonError::into_inner);
        if held.len() >= MOST {
            held.retain(|_, held| held.since <= now && now < held.until);
        }
        if held.len() >= MOST
            && let Some(any) = held.keys().next().copied()
        {
            held.remove(&any);
        }
        let since = now;
        held.insert(
            digest,
            Held {
                value,
                since,
                until,
            },
        );
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const T0: Moment = Moment::from_seconds(1_000);

    #[test]
    fn it_is_kept_until_its_end_and_not_over_a_clock_that_steps_back() {
        let cache = Cache::new();
        let digest = cache.digest([b"a".as_slice()]);
        cache.put(digest, 7, T0, T0.plus(2));
        assert_eq!(cache.get(&digest, T0.plus(1)), Some(7));
        assert_eq!(cache.get(&digest, T0.plus(2)), None);
        assert_eq!(cache.get(&digest, T0.minus(1)), None);
        assert_eq!(cache.get(&cache.digest([b"b".as_slice()]), T0), None);
    }

    #[test]
    fn parts_are_not_run_together_and_each_cache_has_its_own_key() {
        let cache = Cache::<()>::new();
        let digest = |parts: &[&[u8]]| cache.digest(parts.iter().copied());
        assert_ne!(digest(&[b"ab", b"c"]), digest(&[b"a", b"bc"]));
        assert_ne!(digest(&[b"ab"]), digest(&[b"ab", b""]));
        let other = Cache::<()>::new();
        assert_ne!(digest(&[b"ab"]), other.digest([b"ab".as_slice()]));
    }

    #[test]
    fn it_does_not_grow_beyond_its_bound() {
        let cache = Cache::new();
        for number in 0..MOST + 10 {
            let digest = cache.digest([number.to_be_bytes().as_slice()]);
            cache.put(digest, number, T0, T0.plus(60));
        }
        assert_eq!(cache.held.lock().unwrap().len(), MOST);
        let last = cache.digest([(MOST + 9).to_be_bytes().as_slice()]);
        assert_eq!(cache.get(&last, T0), Some(MOST + 9));
        cache.put(cache.digest([b"x".as_slice()]), 0, T0.plus(60), T0.plus(61));
        assert_eq!(cache.held.lock().unwrap().len(), 1);
    }
}
