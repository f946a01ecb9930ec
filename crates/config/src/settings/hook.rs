//! Whom to ask before a session.

use std::time::Duration;

use crate::secret_ref::SecretRef;

/// `[routes.NAME.hook]`
#[derive(Clone, Debug)]
pub struct Hook {
    /// Where, by POST.
    pub url: String,
    /// What signs the questions.
    pub secret: SecretRef,
    /// How long an answer may take.
    pub timeout: Duration,
}
