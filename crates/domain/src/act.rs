//! Who did what, as the audit log wants to hear it.

use std::fmt;

/// Who performs an operator act or a mint: a name and where it spoke from.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Actor {
    /// `cli:root`, `apikey:ak_…`, `system`: the kind and the name.
    pub who: String,
    /// Peer address, `socket`, or `local`.
    pub from: String,
}

impl Actor {
    /// The program itself: scheduled rotation, expiry.
    #[must_use]
    pub fn system() -> Self {
        Self {
            who: "system".to_owned(),
            from: "local".to_owned(),
        }
    }
}

impl fmt::Display for Actor {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.who)
    }
}

/// The audit record that an operator act writes *before* it succeeds, in the same transaction:
/// no record, no act.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Act {
    /// Who acts, and from where.
    pub actor: Actor,
    /// Dotted verb of the closed vocabulary, e.g. `key.rotated`.
    pub event: &'static str,
    /// What it is done to: a kid, a route, a subject. Never a secret.
    pub target: String,
    /// Why, in the operator's words; may be empty.
    pub why: String,
}
