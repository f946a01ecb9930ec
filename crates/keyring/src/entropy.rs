//! Randomness from the operating system.

use std::cell::RefCell;

use ring::rand::{SecureRandom, SystemRandom};
use tollbridge_domain::Entropy;
use zeroize::Zeroize as _;

thread_local! {
    static RESERVE: RefCell<Reserve> = const { RefCell::new(Reserve::EMPTY) };
}

/// The one production source of random bytes. A connection takes half a dozen ids and nonces, each of
/// which would be a system call: short ones come out of a reserve that each thread has.
#[derive(Clone, Debug)]
pub struct RingEntropy(SystemRandom);

impl RingEntropy {
    /// Opens the source; nothing is read yet.
    #[must_use]
    pub fn new() -> Self {
        Self(SystemRandom::new())
    }
}

impl Default for RingEntropy {
    fn default() -> Self {
        Self::new()
    }
}

impl RingEntropy {
    #[expect(
        clippy::expect_used,
        reason = "without random bytes nothing that follows would be safe (Entropy::fill)"
    )]
    fn ask(&self, out: &mut [u8]) {
        self.0
            .fill(out)
            .expect("the operating system gives random bytes");
    }
}

impl Entropy for RingEntropy {
    fn fill(&self, out: &mut [u8]) {
        if out.len() > SHORT {
            return self.ask(out);
        }
        RESERVE.with_borrow_mut(|reserve| {
            if reserve.left < out.len() {
                self.ask(&mut reserve.bytes);
                reserve.left = reserve.bytes.len();
            }
            reserve.give(out);
        });
    }
}

/// Bytes from the operating system that nobody has had yet.
struct Reserve {
    bytes: [u8; 256],
    left: usize,
}

impl Reserve {
    const EMPTY: Self = Self {
        bytes: [0; 256],
        left: 0,
    };

    /// Gives bytes away and keeps no trace of them.
    fn give(&mut self, out: &mut [u8]) {
        let (kept, given) = self.bytes.split_at_mut(self.left);
        debug_assert!(given.iter().all(|byte| *byte == 0), "given away twice");
        let (_, taken) = kept.split_at_mut(kept.len() - out.len());
        out.copy_from_slice(taken);
        taken.zeroize();
        self.left -= out.len();
    }
}

/// Longest request that the reserve serves: ids, nonces and masks. What keys are made of never lies
/// in it.
const SHORT: usize = 16;

#[cfg(test)]
mod tests {
    use std::collections::HashSet;

    use super::*;

    #[test]
    fn nothing_is_given_twice_whatever_the_lengths() {
        let source = RingEntropy::new();
        let mut seen = HashSet::new();
        for round in 0..2_000_usize {
            let mut out = vec![0; 8 + round % 13];
            source.fill(&mut out);
            assert!(seen.insert(out[..8].to_vec()), "round {round}");
        }
    }

    #[test]
    fn what_was_given_is_forgotten_and_keys_never_pass_through() {
        let source = RingEntropy::new();
        source.fill(&mut [0; 16]);
        RESERVE.with_borrow(|reserve| {
            assert_eq!(reserve.left, 240);
            assert_eq!(reserve.bytes[240..], [0; 16]);
            assert!(reserve.bytes[..240].iter().any(|byte| *byte != 0));
        });
        source.fill(&mut [0; 32]);
        RESERVE.with_borrow(|reserve| assert_eq!(reserve.left, 240));
    }

    #[test]
    fn no_two_threads_share_a_reserve() {
        let draw = || {
            let mut out = [0; 16];
            RingEntropy::new().fill(&mut out);
            out
        };
        let other = std::thread::spawn(draw).join().unwrap();
        assert_ne!(draw(), other);
    }
}
