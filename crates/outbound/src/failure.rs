//! What awc means when it gives up.

use std::io;

use awc::error::{ConnectError, PayloadError, SendRequestError};
use rustls::Error as TlsFailure;

use crate::AskError;

/// Of an answer that came only in part.
pub(crate) const TORN: &str = "with a body that does not end as its head says";

/// No answer came.
pub(crate) fn unanswered(error: SendRequestError) -> AskError {
    match error {
        SendRequestError::Url(_) | SendRequestError::Http(_) => {
            AskError::Request("its URL or a header is malformed")
        }
        SendRequestError::Connect(ConnectError::Io(error)) | SendRequestError::Send(error) => {
            unreachable(words(&error))
        }
        SendRequestError::Connect(ConnectError::Disconnected) => {
            unreachable("the connection ended before the answer".to_owned())
        }
        SendRequestError::Connect(ConnectError::Resolver(error)) => {
            unreachable(format!("its host name does not resolve: {error}"))
        }
        SendRequestError::Connect(error) => unreachable(error.to_string()),
        SendRequestError::Response(error) => {
            // A connection that broke is no answer at all.
            let broken = std::error::Error::source(&error).and_then(|it| it.downcast_ref());
            broken.map_or(
                AskError::Answer("in something else than HTTP/1.1"),
                |error: &io::Error| unreachable(words(error)),
            )
        }
        _ => AskError::Abandoned,
    }
}

/// The answer came, but not to its end.
pub(crate) fn torn(error: &PayloadError) -> AskError {
    match error {
        PayloadError::Io(error) => unreachable(words(error)),
        _ => AskError::Answer(TORN),
    }
}

fn unreachable(words: String) -> AskError {
    /// A certificate can hold any text; a log line must not.
    const LONGEST: usize = 240;
    let clean = words.chars().map(|one| match one {
        one if one.is_control() => ' ',
        one => one,
    });
    AskError::Unreachable(clean.take(LONGEST).collect())
}

/// What went wrong, without the layers that say only that something did.
fn words(error: &io::Error) -> String {
    let tls = error
        .get_ref()
        .and_then(|inner| inner.downcast_ref::<TlsFailure>());
    tls.map_or_else(|| error.to_string(), ToString::to_string)
}
