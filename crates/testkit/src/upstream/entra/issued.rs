//! Tokens that count.

use std::{
    collections::HashSet,
    fmt,
    sync::{Arc, Mutex, PoisonError},
};

/// Tokens that were issued and not revoked. Clones are the same set.
#[derive(Clone, Default)]
pub struct IssuedTokens(Arc<Mutex<Register>>);

#[derive(Default)]
struct Register {
    issued: usize,
    valid: HashSet<String>,
}

impl IssuedTokens {
    /// Whether this one counts.
    #[must_use]
    pub fn include(&self, token: &str) -> bool {
        self.with(|register| register.valid.contains(token))
    }

    /// How many there have been.
    #[must_use]
    pub fn issued(&self) -> usize {
        self.with(|register| register.issued)
    }

    pub(super) fn issue(&self) -> String {
        self.with(|register| {
            register.issued += 1;
            let token = format!("real-entra-token-{}", register.issued);
            register.valid.insert(token.clone());
            token
        })
    }

    pub(super) fn revoke(&self) {
        self.with(|register| register.valid.clear());
    }

    fn with<T>(&self, act: impl FnOnce(&mut Register) -> T) -> T {
        act(&mut self.0.lock().unwrap_or_else(PoisonError::into_inner))
    }
}

impl fmt::Debug for IssuedTokens {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} tokens", self.issued())
    }
}
