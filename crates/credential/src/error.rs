//! Why there is no credential.

use std::time::Duration;

use tollbridge_domain::Slug;
use tollbridge_outbound::AskError;

use crate::Why;

/// A fetch that brought no credential. `Display` is for the operator's log: no secret, and nothing
/// that the other side wrote but its status and a cleaned [`Why`].
#[derive(Clone, Debug, Eq, PartialEq, thiserror::Error)]
#[non_exhaustive]
pub enum FetchError {
    /// Whoever fetched is gone and left no word.
    #[error("the fetch of the credential broke off")]
    Abandoned,
    /// An answer came that is none.
    #[error("the token endpoint answered {0}")]
    Answer(&'static str),
    /// The command brought nothing that can be used.
    #[error("the token command {0}")]
    Command(#[from] CommandError),
    /// The endpoint says no.
    #[error("the token endpoint answered with status {status}{}", why.as_ref().map(Why::aside).unwrap_or_default())]
    Refused {
        /// Its status; never one of success.
        status: u16,
        /// The reason it gives, if it gives one as RFC 6749, 5.2 wants it.
        why: Option<Why>,
    },
    /// The question cannot even be asked; the configuration, or a secret, is wrong.
    #[error("the token request cannot be made: {0}")]
    Request(&'static str),
    /// A [`Reader`](crate::Reader) failed, and says why.
    #[error("a secret for the token request cannot be read: {0}")]
    Secret(String),
    /// No complete answer came in this time.
    #[error("the credential did not come within {0:?}")]
    Timeout(Duration),
    /// DNS, TCP or TLS failed, or the connection broke.
    #[error("the token endpoint cannot be reached: {0}")]
    Unreachable(String),
}

/// What is wrong with a token command.
#[derive(Clone, Debug, Eq, PartialEq, thiserror::Error)]
#[non_exhaustive]
pub enum CommandError {
    /// It ended with this status, or by a signal.
    #[error("failed with {}", .0.map_or_else(|| "a signal".to_owned(), |code| format!("status {code}")))]
    Failed(Option<i32>),
    /// What it printed is no token.
    #[error("printed {0}")]
    Output(&'static str),
    /// It cannot be started.
    #[error("cannot be started: {0}")]
    Start(String),
}

impl From<AskError> for FetchError {
    fn from(error: AskError) -> Self {
        match error {
            AskError::Answer(how) => Self::Answer(how),
            AskError::Request(why) => Self::Request(why),
            AskError::Unreachable(why) => Self::Unreachable(why),
            _ => Self::Abandoned,
        }
    }
}

impl FetchError {
    /// What the bearer is told.
    #[must_use]
    pub const fn slug(&self) -> Slug {
        match self {
            Self::Refused { status: 429, .. } => Slug::UpstreamRateLimited,
            Self::Abandoned
            | Self::Refused {
                status: 500..=599, ..
            }
            | Self::Unreachable(_) => Slug::UpstreamUnavailable,
            Self::Timeout(_) => Slug::UpstreamTimeout,
            // Ours to mend: the endpoint, or what we say to it, is wrong.
            Self::Answer(_)
            | Self::Command(_)
            | Self::Refused { .. }
            | Self::Request(_)
            | Self::Secret(_) => Slug::UpstreamRefused,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_slug_says_whose_fault_it_is() {
        let refused = |status| FetchError::Refused { status, why: None };
        for (error, slug) in [
            (refused(302), Slug::UpstreamRefused),
            (refused(401), Slug::UpstreamRefused),
            (refused(429), Slug::UpstreamRateLimited),
            (refused(503), Slug::UpstreamUnavailable),
            (FetchError::Abandoned, Slug::UpstreamUnavailable),
            (
                FetchError::Timeout(Duration::from_secs(1)),
                Slug::UpstreamTimeout,
            ),
            (FetchError::Answer("nothing"), Slug::UpstreamRefused),
            (CommandError::Failed(Some(1)).into(), Slug::UpstreamRefused),
        ] {
            assert_eq!(error.slug(), slug, "{error}");
        }
    }

    #[test]
    fn a_command_ends_with_a_status_or_by_a_signal() {
        let words = |error: CommandError| FetchError::from(error).to_string();
        assert_eq!(
            words(CommandError::Failed(Some(3))),
            "the token command failed with status 3"
        );
        assert_eq!(
            words(CommandError::Failed(None)),
            "the token command failed with a signal"
        );
    }
}
