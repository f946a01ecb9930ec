//! Randomness from the operating system.

use ring::rand::{SecureRandom, SystemRandom};
use tollbridge_domain::Entropy;

/// The one production source of random bytes.
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

impl Entropy for RingEntropy {
    #[expect(
        clippy::expect_used,
        reason = "without random bytes nothing that follows would be safe (Entropy::fill)"
    )]
    fn fill(&self, out: &mut [u8]) {
        self.0
            .fill(out)
            .expect("the operating system gives random bytes");
    }
}
