//! The stand-in upstreams, to be run by hand or by a script.
//!
//! Prints one line `NAME URL` for each, then answers every line `report` on standard input with
//! one line of JSON: what arrived at each and what it answered, as counts and SHA-256. Ends when
//! its input ends.
//!
//! `echo` wants `X-Api-Key: standin-key`; `doubao` wants `X-Api-App-Key: standin-app`,
//! `X-Api-Access-Key: standin-access`, `X-Api-Resource-Id: volc.bigasr.sauc.duration` and a UUID
//! in `X-Api-Connect-Id`; `azure` wants `api-key: standin-key` and, in its query, `api-version`
//! and `model`.
#![expect(clippy::print_stdout, reason = "its output is what it is for")]

use std::{
    io::{BufRead as _, stdin},
    thread,
};

use serde_json::{Map, Value};
use tokio::sync::mpsc;
use tollbridge_testkit::{
    Upstream,
    vendors::{AzureVoiceLive, DoubaoAsr},
};

#[tokio::main]
async fn main() {
    let azure = AzureVoiceLive::keyed("standin-key");
    let doubao = DoubaoAsr::new("standin-app", "standin-access", "volc.bigasr.sauc.duration");
    let standins = [
        (
            "echo",
            "/",
            Upstream::echo("X-Api-Key", "standin-key").await,
        ),
        (
            "doubao",
            "/api/v3/sauc/bigmodel",
            Upstream::behaving(doubao).await,
        ),
        (
            "azure",
            "/voice-live/realtime",
            Upstream::behaving(azure).await,
        ),
    ];
    for (name, path, standin) in &standins {
        println!("{name} {}{path}", standin.url());
    }
    let mut orders = orders();
    while let Some(order) = orders.recv().await {
        if order.trim() == "report" {
            let report: Map<String, Value> = standins
                .iter()
                .map(|(name, _, standin)| ((*name).to_owned(), dials(standin)))
                .collect();
            println!("{}", Value::Object(report));
        }
    }
}

fn dials(standin: &Upstream) -> Value {
    standin.dials().iter().map(|dial| dial.to_json()).collect()
}

/// Lines of standard input, read on a thread of their own.
fn orders() -> mpsc::Receiver<String> {
    let (sender, receiver) = mpsc::channel(1);
    thread::spawn(move || {
        for line in stdin().lock().lines().map_while(Result::ok) {
            if sender.blocking_send(line).is_err() {
                return;
            }
        }
    });
    receiver
}
