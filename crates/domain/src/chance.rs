//! Randomness as an argument.

/// A source of cryptographically secure random bytes. Production has one implementation, over
/// ring; tests have a seeded one.
pub trait Entropy: Send + Sync {
    /// Fills `out` completely.
    ///
    /// # Panics
    /// An implementation panics where the operating system refuses random bytes: nothing that
    /// follows would be safe.
    fn fill(&self, out: &mut [u8]);
}
