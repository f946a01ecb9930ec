//! Fetches from a token endpoint on a real socket.
#![expect(
    clippy::expect_used,
    clippy::unwrap_used,
    reason = "helpers of tests report a broken assumption by a panic"
)]

mod command;
mod endpoint;
mod engines;
mod gcp_account;
mod lying;
mod rotation;
mod sharing;
mod tls;
mod trouble;

use std::{sync::Arc, time::Duration};

use tokio::sync::watch;
use tollbridge_credential::{
    ClientAuth, Credential, FetchError, Fetched, OAuth2, Reader, Source, Tls, TokenUrl, Yields,
};
use tollbridge_domain::{Moment, Secret};
use tollbridge_testkit::ManualClock;

use self::endpoint::Endpoint;

/// Long enough for a busy machine.
const PATIENT: Duration = Duration::from_secs(20);

/// For endpoints of which nothing comes: the test waits this long, and nothing depends on it.
const IMPATIENT: Duration = Duration::from_millis(200);

const NOW: Moment = Moment::from_seconds(1_800_000_000);

/// With all that a form, a header or a log line could trip over.
const SECRET: &str = "s3cr3t &=+%/~é";

fn reader(text: &str) -> Reader {
    let text = text.to_owned();
    Reader::new(move || Ok(Secret::new(text.clone())))
}

fn oauth2(endpoint: &Endpoint) -> OAuth2 {
    OAuth2 {
        token_url: endpoint.url("/token"),
        client_id: "id".to_owned(),
        client_secret: reader(SECRET),
        auth: ClientAuth::Body,
        scope: None,
        audience: None,
    }
}

/// Asks anew for each dial.
fn signed_url(endpoint: &Endpoint) -> TokenUrl {
    TokenUrl {
        method: tollbridge_credential::Method::Get,
        url: endpoint.url("/signed?agent_id=a"),
        headers: vec![("xi-api-key".to_owned(), reader("s3cr3t"))],
        body: None,
        yields: Yields::Url("/signed_url".to_owned()),
        expires_in: None,
        cache_for: Duration::ZERO,
    }
}

/// A credential whose time stands still.
fn credential(source: Source) -> (Credential, ManualClock) {
    waiting(source, PATIENT)
}

fn waiting(source: Source, timeout: Duration) -> (Credential, ManualClock) {
    let clock = ManualClock::at(NOW);
    let tls = Tls::new(None).unwrap();
    let credential = Credential::new(source, Arc::new(clock.clone()), timeout, tls);
    (credential, clock)
}

fn text(fetched: &Fetched) -> &str {
    fetched.value().reveal()
}

/// How each fetch ended, as it ends.
fn outcomes(credential: &Credential) -> watch::Receiver<Vec<Result<(), FetchError>>> {
    let (sender, receiver) = watch::channel(Vec::new());
    credential.watch(move |outcome| {
        sender.send_modify(|outcomes| outcomes.push(outcome.map_err(Clone::clone)));
    });
    receiver
}

/// Waits for so many of them.
async fn ended(outcomes: &mut watch::Receiver<Vec<Result<(), FetchError>>>, fetches: usize) {
    let waited = outcomes.wait_for(|outcomes| outcomes.len() >= fetches);
    let _seen = tokio::time::timeout(PATIENT, waited)
        .await
        .expect("a fetch that ends")
        .expect("a credential that lives");
}
