//! Why a command did not do what it was asked, and the exit code that says so.

use std::{error::Error, process::ExitCode};

use tollbridge_node::NodeError;

/// The exit codes of the contract, section 10; 2 (usage) is clap's.
#[derive(Debug, thiserror::Error)]
pub(crate) enum Failure {
    /// 1
    #[error("{0}")]
    Failed(String),
    /// 3
    #[error("{0}")]
    Configuration(String),
    /// 4
    #[error("the running server cannot be reached: {0}")]
    Unreachable(String),
    /// 5
    #[error("{0}")]
    Negative(String),
    /// 2, found after clap was satisfied.
    #[error("{0}")]
    Usage(String),
}

impl Failure {
    pub(crate) fn exit_code(&self) -> ExitCode {
        ExitCode::from(match self {
            Self::Failed(_) => 1,
            Self::Usage(_) => 2,
            Self::Configuration(_) => 3,
            Self::Unreachable(_) => 4,
            Self::Negative(_) => 5,
        })
    }

    /// 1, with the whole chain of causes.
    pub(crate) fn of(doing: &str, error: &dyn Error) -> Self {
        Self::Failed(format!("{doing}: {}", tollbridge_http::chain(error)))
    }
}

impl From<NodeError> for Failure {
    fn from(error: NodeError) -> Self {
        match error {
            NodeError::Configuration(why) => Self::Configuration(why),
            NodeError::Failed(why) => Self::Failed(why),
        }
    }
}
