//! Why somebody was not let in.

/// Why a credential was refused, for the operator's log and metrics. A stranger reads one text,
/// whatever the reason: [`Rejection::PUBLIC`].
#[derive(Clone, Copy, Debug, Eq, Hash, PartialEq, thiserror::Error)]
#[non_exhaustive]
pub enum Rejection {
    /// Two different keys, or one header twice.
    #[error("the request carries two credentials")]
    Ambiguous,
    /// A live key, but of another caller.
    #[error("the API key belongs to another caller")]
    AnotherCaller,
    /// The key's time is over.
    #[error("the API key has expired")]
    Expired,
    /// Not the form of a key: a typing error, a truncated copy, a scanner.
    #[error("the text is not an API key")]
    Malformed,
    /// No credential where one is needed.
    #[error("the request carries no API key")]
    Missing,
    /// The key was revoked.
    #[error("the API key was revoked")]
    Revoked,
    /// The form of a key that is not in the store.
    #[error("there is no such API key")]
    Unknown,
    /// A live key that is for something else.
    #[error("the API key's scope does not cover this")]
    WrongScope,
}

impl Rejection {
    /// What a stranger may read, always.
    pub const PUBLIC: &'static str = "A valid credential is required.";

    /// The closed vocabulary of logs and metric labels.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Ambiguous => "ambiguous",
            Self::AnotherCaller => "another_caller",
            Self::Expired => "expired",
            Self::Malformed => "malformed",
            Self::Missing => "missing",
            Self::Revoked => "revoked",
            Self::Unknown => "unknown",
            Self::WrongScope => "wrong_scope",
        }
    }
}
