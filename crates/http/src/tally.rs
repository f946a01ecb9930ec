//! How many of a kind are under way, by whose they are, so that nobody has everybody's places.

use std::{
    collections::HashMap,
    hash::Hash,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};

/// A count for each key that has one.
#[derive(Debug)]
pub struct Tally<K>(Mutex<HashMap<K, usize>>);

/// One that is counted until it is dropped.
pub(crate) struct Counted<K: Eq + Hash> {
    tally: Arc<Tally<K>>,
    key: K,
}

impl<K> Default for Tally<K> {
    fn default() -> Self {
        Self(Mutex::default())
    }
}

impl<K: Clone + Eq + Hash> Tally<K> {
    /// Counts one more of this key, unless `most_of_one` of it or `most` of all are counted.
    pub(crate) fn count(
        self: &Arc<Self>,
        key: &K,
        most_of_one: usize,
        most: usize,
    ) -> Option<Counted<K>> {
        let mut counts = self.counts();
        let of_one = counts.get(key).copied().unwrap_or(0);
        if of_one >= most_of_one || counts.values().sum::<usize>() >= most {
            return None;
        }
        counts.insert(key.clone(), of_one + 1);
        Some(Counted {
            tally: Arc::clone(self),
            key: key.clone(),
        })
    }
}

impl<K> Tally<K> {
    /// Whether none is counted.
    pub(crate) fn is_empty(&self) -> bool {
        self.counts().is_empty()
    }

    fn counts(&self) -> MutexGuard<'_, HashMap<K, usize>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl<K: Eq + Hash> Drop for Counted<K> {
    fn drop(&mut self) {
        let mut counts = self.tally.counts();
        if let Some(of_one) = counts.get_mut(&self.key) {
            *of_one -= 1;
            if *of_one == 0 {
                counts.remove(&self.key);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_has_no_more_than_its_share_and_all_no_more_than_there_is() {
        let tally = Arc::new(Tally::default());
        let first = tally.count(&"a", 2, 3).unwrap();
        let _second = tally.count(&"a", 2, 3).unwrap();
        assert!(tally.count(&"a", 2, 3).is_none());
        let _third = tally.count(&"b", 2, 3).unwrap();
        assert!(tally.count(&"c", 2, 3).is_none());
        drop(first);
        let last = tally.count(&"a", 2, 3).unwrap();
        drop(last);
        assert!(tally.count(&"c", 2, 3).is_some());
        assert_eq!(tally.counts().len(), 2);
    }
}
