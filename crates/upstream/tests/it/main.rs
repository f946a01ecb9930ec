//! Dials against real sockets.
#![expect(
    clippy::expect_used,
    clippy::unwrap_used,
    reason = "helpers of tests report a broken assumption by a panic"
)]

mod answers;
mod failures;
mod success;
mod tls;
mod v6;

use std::time::Duration;

use tollbridge_domain::Secret;
use tollbridge_upstream::{Call, DialError, Dialer, Tls};

/// Long enough for a busy machine.
const PATIENT: Duration = Duration::from_secs(20);

/// For upstreams of which nothing comes: the test waits this long, and nothing depends on it.
const IMPATIENT: Duration = Duration::from_secs(2);

const CREDENTIAL: &str = "sk-not-to-be-seen";

/// A call with a credential in a header and another in the query.
fn call(url: &str) -> Call {
    Call {
        url: format!("{url}/v1?key={CREDENTIAL}").parse().unwrap(),
        headers: vec![("X-Key".to_owned(), Secret::new(CREDENTIAL.to_owned()))],
        passed: Vec::new(),
        protocols: Vec::new(),
        extensions: None,
    }
}

fn dialer(patience: Duration) -> Dialer {
    Dialer::new(&Tls::new(None).unwrap(), patience)
}

/// Dials, expects failure, and looks for the credential in what an operator would read.
async fn failure(dialer: &Dialer, call: Call) -> DialError {
    let error = dialer.dial(call).await.expect_err("this dial should fail");
    let words = format!("{error} {error:?}");
    assert!(!words.contains(CREDENTIAL), "{words}");
    error
}
