//! Why there is no answer.

/// A question that was not answered. `Display` is for the operator's log: no secret, and nothing
/// that the other side wrote.
#[derive(Clone, Debug, Eq, PartialEq, thiserror::Error)]
#[non_exhaustive]
pub enum AskError {
    /// Whoever asked is gone and left no word.
    #[error("the question broke off")]
    Abandoned,
    /// An answer came that is none.
    #[error("the answer came {0}")]
    Answer(&'static str),
    /// The question cannot even be asked; the configuration, or a secret, is wrong.
    #[error("the request cannot be made: {0}")]
    Request(&'static str),
    /// DNS, TCP or TLS failed, or the connection broke.
    #[error("the server cannot be reached: {0}")]
    Unreachable(String),
}
