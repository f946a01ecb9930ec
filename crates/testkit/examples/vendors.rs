//! Stand-ins for vendors' services, to be run by hand or by a script.
//!
//! `vendors [--base-port N] [--tls]` starts all of them, on free ports or from N upwards, and
//! prints one line of JSON that says where each is and what it wants:
//! `{"openai-realtime": {"url", "rest", "target", "headers", "protocols", "first"}, …, "entra": {"url",
//! "client_id", "client_secret", "scope"}, "ca"}`. `ca` is the path of the authority's
//! certificate, where there is TLS. The two Azure services take `Authorization: Bearer` with a
//! token of `entra` as well.
//!
//! After that comes a line for each handshake and each ending of a session, with names and sums
//! and no values: `{"event": "handshake", "vendor", "dial", "method", "path", "query", "headers",
//! "protocols", "answered", "refused"}` and `{"event": "ending", "vendor", "dial", "path",
//! "client_close", "vendor_close", "received", "sent", "audio"}`. It ends when its input does.
//!
//! `entra` is at N, the others follow in the order of `vendors::catalogue`.
//!
//! All credentials contain `real-`, so that a search for that finds where they leak to.
#![expect(
    clippy::print_stdout,
    clippy::expect_used,
    reason = "its output is what it is for, and it is for tests"
)]

use std::{
    env,
    io::{Read as _, stdin},
    sync::Arc,
    thread,
};

use serde_json::{Map, Value, json};
use tempfile::TempDir;
use tokio::sync::mpsc;
use tollbridge_testkit::{
    Authority, EntraStandIn, Identity, Notices, Upstream, Vendor,
    vendors::{CLIENT_ID, CLIENT_SECRET, SCOPE, catalogue},
};

#[tokio::main]
async fn main() {
    let options = Options::parse();
    let place = TempDir::new().expect("a directory for the certificate");
    let (identity, ca) = options.certificate(&place);
    let (sender, mut lines) = mpsc::channel(64);
    stop_at_end_of_input(sender.clone());

    let mut said = Map::new();
    let entra = EntraStandIn::start_at(
        options.port(0),
        identity.clone(),
        CLIENT_ID,
        CLIENT_SECRET,
        &[SCOPE],
    )
    .await;
    said.insert("entra".to_owned(), token_endpoint(&entra));
    let mut running = Vec::new();
    for (index, vendor) in catalogue(&entra.tokens()).into_iter().enumerate() {
        let upstream = start(&vendor, options.port(index + 1), identity.clone()).await;
        said.insert(vendor.name().to_owned(), describe(&*vendor, &upstream));
        tokio::spawn(tell(vendor.name(), Notices::of(&upstream), sender.clone()));
        running.push(upstream);
    }
    said.insert("ca".to_owned(), ca);
    println!("{}", Value::Object(said));
    while let Some(Some(line)) = lines.recv().await {
        println!("{line}");
    }
}

async fn start(vendor: &Arc<dyn Vendor>, port: u16, identity: Option<Identity>) -> Upstream {
    let builder = Upstream::builder()
        .behaviour(Arc::clone(vendor))
        .port(port)
        .forgetful();
    match identity {
        Some(identity) => builder.tls(identity).start().await,
        None => builder.start().await,
    }
}

fn describe(vendor: &dyn Vendor, upstream: &Upstream) -> Value {
    let (wants, url) = (vendor.wants(), upstream.url());
    let headers: Map<String, Value> = wants
        .headers
        .into_iter()
        .map(|(name, value)| (name.to_owned(), value.into()))
        .collect();
    json!({
        "rest": url.replacen("ws", "http", 1),
        "url": url,
        "target": wants.target,
        "headers": headers,
        "protocols": wants.protocols,
        "first": wants.first,
    })
}

fn token_endpoint(entra: &EntraStandIn) -> Value {
    json!({
        "url": entra.token_url(),
        "client_id": CLIENT_ID,
        "client_secret": CLIENT_SECRET,
        "scope": SCOPE,
    })
}

async fn tell(vendor: &'static str, mut notices: Notices, lines: mpsc::Sender<Option<Value>>) {
    while let Some(mut notice) = notices.next().await {
        notice["vendor"] = vendor.into();
        if lines.send(Some(notice)).await.is_err() {
            return;
        }
    }
}

/// Sends nothing, once, when the input ends.
fn stop_at_end_of_input(lines: mpsc::Sender<Option<Value>>) {
    thread::spawn(move || {
        let mut ignored = [0; 256];
        while matches!(stdin().lock().read(&mut ignored), Ok(1..)) {}
        // Who does not listen any more has ended already.
        let _ended = lines.blocking_send(None);
    });
}

/// What the command line says.
#[derive(Default)]
struct Options {
    base_port: Option<u16>,
    tls: bool,
}

impl Options {
    fn parse() -> Self {
        let mut options = Self::default();
        let mut arguments = env::args().skip(1);
        while let Some(argument) = arguments.next() {
            match argument.as_str() {
                "--tls" => options.tls = true,
                "--base-port" => {
                    let port = arguments.next().and_then(|port| port.parse().ok());
                    options.base_port = Some(port.expect("a port behind --base-port"));
                }
                other => panic!("there is no option {other}"),
            }
        }
        options
    }

    fn port(&self, index: usize) -> u16 {
        let offset = u16::try_from(index).expect("few vendors");
        self.base_port.map_or(0, |base| base + offset)
    }

    /// A certificate for `localhost`, and the path of the one that vouches for it.
    fn certificate(&self, place: &TempDir) -> (Option<Identity>, Value) {
        if !self.tls {
            return (None, Value::Null);
        }
        let authority = Authority::new();
        let path = place.path().join("ca.pem");
        std::fs::write(&path, authority.pem()).expect("a place for the certificate");
        (Some(authority.identity("localhost")), json!(path))
    }
}
