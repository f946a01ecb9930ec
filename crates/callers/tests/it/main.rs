//! Callers against providers and applications on real sockets, honest ones and others.
#![expect(
    clippy::expect_used,
    clippy::unwrap_used,
    reason = "helpers of tests report a broken assumption by a panic"
)]

mod introspection;
mod jwt;
mod keys;
mod mtls;
mod outages;
mod signer;
mod stand_in;
mod subrequest;
mod trusted_header;

use std::{net::IpAddr, time::Duration};

use tollbridge_authn::{Authenticator, Caller, Evidence, Rejection, Request, SubjectRule, Verdict};
use tollbridge_domain::{CallerName, Clock as _, Moment};
use tollbridge_outbound::Tls;
use tollbridge_testkit::ManualClock;

/// Long enough for a busy machine.
const PATIENT: Duration = Duration::from_secs(20);

const NOW: Moment = Moment::from_seconds(1_800_000_000);

/// A request as the mint shows it.
#[derive(Clone)]
struct Shown {
    socket: IpAddr,
    peer: IpAddr,
    headers: Vec<(String, Vec<u8>)>,
    certificate: Option<Result<Vec<u8>, Rejection>>,
}

fn shown(headers: &[(&str, &str)]) -> Shown {
    Shown {
        socket: "192.0.2.7".parse().unwrap(),
        peer: "203.0.113.9".parse().unwrap(),
        headers: headers
            .iter()
            .map(|(name, value)| ((*name).to_owned(), value.as_bytes().to_vec()))
            .collect(),
        certificate: None,
    }
}

fn bearer(token: &str) -> Shown {
    shown(&[("authorization", &format!("Bearer {token}"))])
}

async fn judge(caller: &dyn Authenticator, clock: &ManualClock, shown: &Shown) -> Verdict {
    let headers: Vec<(&str, &[u8])> = shown
        .headers
        .iter()
        .map(|(name, value)| (name.as_str(), value.as_slice()))
        .collect();
    let evidence = Evidence {
        peer: shown.peer,
        socket: shown.socket,
        request: Request {
            method: "POST",
            path: "/v1/tokens",
            base: "https://voice.example.com",
        },
        headers: &headers,
        certificate: shown
            .certificate
            .as_ref()
            .map(|der| der.as_deref().map_err(|reason| *reason)),
    };
    caller.authenticate(&evidence, clock.now()).await
}

/// Whom it lets in.
fn subject(verdict: &Verdict) -> String {
    let Verdict::Accepted(
        Caller {
            subject: SubjectRule::Fixed(subject),
            ..
        },
        _,
    ) = verdict
    else {
        panic!("expected a caller who mints for themselves, found {verdict:?}");
    };
    subject.to_string()
}

fn rejected(reason: Rejection) -> Verdict {
    Verdict::Rejected(reason)
}

fn name(text: &str) -> CallerName {
    CallerName::parse(text).unwrap()
}

fn tls() -> Tls {
    Tls::new(None).unwrap()
}
