//! Which tokens this process signed itself.

use std::{
    collections::HashSet,
    mem,
    sync::{Mutex, PoisonError},
};

use ring::digest::{SHA256, digest};

/// The digests of the tokens that this process signed last, so that it need not prove to itself who
/// did: verifying a signature costs more than all else that is asked of a token together.
///
/// Whoever presents exactly these bytes presents exactly what was signed; of anything else, and of
/// what was minted elsewhere or too long ago, nothing is known here. It says nothing of the key's
/// life, of times or of uses.
#[derive(Default)]
pub(crate) struct Recall(Mutex<Generations>);

/// Two sets, of which the older is forgotten whole: nothing needs to be searched for what is over.
#[derive(Default)]
struct Generations {
    young: HashSet<Digest>,
    old: HashSet<Digest>,
}

type Digest = [u8; 32];

impl Recall {
    /// Remembers a token that was signed just now.
    pub(crate) fn keep(&self, token: &str) {
        let digest = digest_of(token);
        let mut generations = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if generations.young.len() == GENERATION {
            let Generations { young, old } = &mut *generations;
            mem::swap(young, old);
            young.clear();
        }
        generations.young.insert(digest);
    }

    /// Whether this very text was signed here.
    pub(crate) fn knows(&self, token: &str) -> bool {
        let digest = digest_of(token);
        let generations = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        generations.young.contains(&digest) || generations.old.contains(&digest)
    }
}

fn digest_of(token: &str) -> Digest {
    let mut bytes = [0; 32];
    bytes.copy_from_slice(digest(&SHA256, token.as_bytes()).as_ref());
    bytes
}

/// What fills a table of 32,768 places: 1.03 MiB a generation, two of them at most. At 900 mints a
/// second a token of 30 s is still known at its end.
const GENERATION: usize = 28_672;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_last_ones_are_known_and_the_oldest_forgotten() {
        let recall = Recall::default();
        let token = |number: usize| format!("token.{number}");
        for number in 0..=2 * GENERATION {
            recall.keep(&token(number));
        }
        for number in GENERATION..=2 * GENERATION {
            assert!(recall.knows(&token(number)), "{number}");
        }
        for number in 0..GENERATION {
            assert!(!recall.knows(&token(number)), "{number}");
        }
    }
}
