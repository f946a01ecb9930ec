//! The last refusals, for the person who is asked why it does not work.

use std::{collections::VecDeque, sync::Mutex};

use serde::Serialize;
use tollbridge_domain::Moment;

/// How many are kept.
const KEPT: usize = 500;

/// One refusal. Never a token; its id only where the signature was good.
#[derive(Clone, Debug, Serialize)]
pub struct Denial {
    /// When.
    #[serde(serialize_with = "crate::wire::moment")]
    pub at: Moment,
    /// `mint`, `upgrade`, `admin`, `introspect`, `revoke` or `forward_auth`.
    pub surface: &'static str,
    /// The slug or code.
    pub code: &'static str,
    /// The operator's version of it.
    pub why: String,
    /// Route, where one was found.
    pub route: Option<String>,
    /// The page's origin, as it was sent, at most 256 bytes.
    pub origin: Option<String>,
    /// Who connected.
    pub peer: String,
    /// Whom the token is for, where it was genuine.
    pub subject: Option<String>,
    /// The token's id, where it was genuine.
    pub jti: Option<String>,
    /// The request.
    pub request_id: String,
    /// Equal refusals in a row, this one included.
    pub count: u64,
}

/// A ring of the last refusals.
#[derive(Default)]
pub struct Denials(Mutex<VecDeque<Denial>>);

impl Denials {
    /// Adds one; an equal one right before it is counted instead.
    pub fn push(&self, denial: Denial) {
        let mut ring = self
            .0
            .lock()
            .unwrap_or_else(std::sync::PoisonError::into_inner);
        if let Some(last) = ring.back_mut()
            && (last.code, &last.route, &last.origin, &last.subject)
                == (denial.code, &denial.route, &denial.origin, &denial.subject)
        {
            let count = last.count + 1;
            *last = Denial { count, ..denial };
            return;
        }
        if ring.len() == KEPT {
            ring.pop_front();
        }
        ring.push_back(denial);
    }

    /// Newest first.
    #[must_use]
    pub fn list(&self) -> Vec<Denial> {
        let ring = self
            .0
            .lock()
            .unwrap_or_else(std::sync::PoisonError::into_inner);
        ring.iter().rev().cloned().collect()
    }
}
