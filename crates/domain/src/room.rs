//! Tables that a rush has blown up.

use std::{
    collections::HashMap,
    hash::{BuildHasher, Hash},
};

/// Gives back what an emptied table holds beyond need: a rush that is over leaves no empty table
/// behind. Cheap enough to follow every removal, since a table shrinks only after it has become
/// an eighth of what it was.
pub fn give_back_room<K: Eq + Hash, V, S: BuildHasher>(table: &mut HashMap<K, V, S>) {
    if table.capacity() > table.len() * 8 + WORTHLESS {
        table.shrink_to(table.len() * 2);
    }
}

/// Entries that are not worth giving back.
const WORTHLESS: usize = 256;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_table_is_small_again_after_a_rush_and_keeps_what_it_holds() {
        let mut table: HashMap<u32, u32> = (0..10_000).map(|n| (n, n)).collect();
        let full = table.capacity();
        for n in 100..10_000 {
            table.remove(&n);
            give_back_room(&mut table);
        }
        assert!(table.capacity() < full / 8, "{}", table.capacity());
        assert!((0..100).all(|n| table.get(&n) == Some(&n)));
    }

    #[test]
    fn a_small_table_is_left_alone() {
        let mut table: HashMap<u32, u32> = HashMap::with_capacity(100);
        let before = table.capacity();
        give_back_room(&mut table);
        assert_eq!(table.capacity(), before);
    }
}
