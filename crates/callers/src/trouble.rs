//! Why nobody can say whether a credential is good.

use std::time::Duration;

use tollbridge_outbound::AskError;

impl Trouble {
    /// Whether it says something about whoever was asked. A program that fails at one credential answers
    /// 500, and whose credential it is may know that: nobody else shall be turned away for it.
    pub(crate) const fn counts(&self) -> bool {
        !matches!(self, Self::Status { status: 500, .. })
    }
}

/// A question that got no usable answer. `Display` is for the operator's log: no secret, and
/// nothing that the other side wrote.
#[derive(Clone, Debug, Eq, PartialEq, thiserror::Error)]
pub(crate) enum Trouble {
    /// An answer came that is none.
    #[error("{0}")]
    Answer(&'static str),
    /// No answer came, or not whole.
    #[error(transparent)]
    Ask(#[from] AskError),
    /// A secret for the question cannot be read.
    #[error("a secret cannot be read: {0}")]
    Secret(String),
    /// A status that is no answer to the question.
    #[error("{what} answered with status {status}")]
    Status {
        /// Who.
        what: &'static str,
        /// It.
        status: u16,
    },
    /// No complete answer came in this time.
    #[error("no answer came within {0:?}")]
    Timeout(Duration),
}
