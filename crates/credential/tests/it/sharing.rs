//! One fetch for all who want the credential, on whichever thread they are.

use std::{
    future::Future,
    sync::{Arc, Barrier, mpsc},
    thread,
};

use actix_rt::Runtime;
use futures_util::{
    future::{join_all, poll_immediate},
    pin_mut,
};
use tokio::sync::oneshot;
use tollbridge_credential::{Credential, Http, Source};

use crate::{
    credential, ended,
    endpoint::{Endpoint, Gate, json, token},
    oauth2, outcomes, signed_url, text,
};

const THREADS: usize = 4;
const EACH: usize = 50;

/// Issues numbered tokens of 1000 seconds, each when the gate is open.
fn gated(gate: &Gate) -> Endpoint {
    let gate = gate.clone();
    let issued = std::sync::atomic::AtomicUsize::new(0);
    Endpoint::answering(move |_| {
        let number = issued.fetch_add(1, std::sync::atomic::Ordering::SeqCst) + 1;
        gate.pass();
        token(number, 1_000)
    })
}

/// As a worker thread does.
fn on_worker<T: Send + 'static, F: Future<Output = T>>(
    work: impl FnOnce() -> F + Send + 'static,
) -> thread::JoinHandle<T> {
    thread::spawn(|| Runtime::new().unwrap().block_on(work()))
}

/// What all of many wants on several workers come to.
fn all_get(credential: &Arc<Credential>) -> Vec<thread::JoinHandle<Vec<String>>> {
    let barrier = Arc::new(Barrier::new(THREADS));
    (0..THREADS)
        .map(|_| {
            let (credential, barrier) = (Arc::clone(credential), Arc::clone(&barrier));
            on_worker(move || async move {
                let http = Http::new();
                barrier.wait();
                let gets = (0..EACH).map(|_| credential.get(&http));
                let got = join_all(gets).await.into_iter();
                got.map(|it| text(&it.unwrap()).to_owned()).collect()
            })
        })
        .collect()
}

fn joined(threads: Vec<thread::JoinHandle<Vec<String>>>) -> Vec<String> {
    threads
        .into_iter()
        .flat_map(|thread| thread.join().unwrap())
        .collect()
}

#[actix_rt::test]
async fn two_hundred_who_want_it_at_once_cost_one_request() {
    let gate = Gate::default();
    let endpoint = gated(&gate);
    let credential = Arc::new(credential(Source::OAuth2(oauth2(&endpoint))).0);
    let threads = all_get(&credential);
    endpoint.until_asked(1).await;
    gate.open();
    let got = joined(threads);
    assert_eq!(got, vec!["token-1"; THREADS * EACH]);
    assert_eq!(endpoint.asked().len(), 1);
}

#[actix_rt::test]
async fn a_renewal_under_load_is_one_request_and_nobody_waits_for_it() {
    let gate = Gate::default();
    gate.open();
    let endpoint = gated(&gate);
    let (credential, clock) = credential(Source::OAuth2(oauth2(&endpoint)));
    let credential = Arc::new(credential);
    let mut fetches = outcomes(&credential);
    let http = Http::new();
    credential.get(&http).await.unwrap();

    gate.close();
    clock.advance(800);
    // This worker's need is first, and it does not wait either: nothing answers yet.
    let early = poll_immediate(Box::pin(credential.get(&http))).await;
    assert_eq!(text(&early.unwrap().unwrap()), "token-1");
    assert_eq!(
        joined(all_get(&credential)),
        vec!["token-1"; THREADS * EACH]
    );
    endpoint.until_asked(2).await;
    clock.advance(199);
    assert_eq!(
        joined(all_get(&credential)),
        vec!["token-1"; THREADS * EACH]
    );
    assert_eq!(endpoint.asked().len(), 2);

    gate.open();
    ended(&mut fetches, 2).await;
    assert_eq!(text(&credential.get(&http).await.unwrap()), "token-2");
    assert_eq!(
        joined(all_get(&credential)),
        vec!["token-2"; THREADS * EACH]
    );
    assert_eq!(endpoint.asked().len(), 2);
    assert_eq!(endpoint.most_at_once(), 1);
}

/// After a reload: a secret's file may hold another, and the endpoint may be down.
#[actix_rt::test]
async fn what_is_to_be_renewed_soon_is_given_out_meanwhile_and_renewed_once() {
    let gate = Gate::default();
    gate.open();
    let endpoint = gated(&gate);
    let credential = credential(Source::OAuth2(oauth2(&endpoint))).0;
    let mut fetches = outcomes(&credential);
    let http = Http::new();
    credential.renew_soon();
    assert_eq!(text(&credential.get(&http).await.unwrap()), "token-1");
    gate.close();
    credential.renew_soon();
    for _ in 0..10 {
        let given = poll_immediate(Box::pin(credential.get(&http))).await;
        assert_eq!(text(&given.unwrap().unwrap()), "token-1");
    }
    endpoint.until_asked(2).await;
    gate.open();
    ended(&mut fetches, 2).await;
    assert_eq!(text(&credential.get(&http).await.unwrap()), "token-2");
    assert_eq!(endpoint.asked().len(), 2);
}

#[actix_rt::test]
async fn many_refusals_of_the_same_one_cost_one_renewal() {
    let endpoint = Endpoint::issuing(1_000);
    let credential = Arc::new(credential(Source::OAuth2(oauth2(&endpoint))).0);
    let refused = credential.get(&Http::new()).await.unwrap();
    for _report in 0..50 {
        credential.refused(&refused);
    }
    assert_eq!(
        joined(all_get(&credential)),
        vec!["token-2"; THREADS * EACH]
    );
    for _late in 0..50 {
        credential.refused(&refused);
    }
    let renewed = credential.get(&Http::new()).await.unwrap();
    assert_eq!(renewed.generation(), 2);
    assert_eq!(endpoint.asked().len(), 2);
}

#[actix_rt::test]
async fn the_fetch_goes_on_when_the_client_that_needed_it_first_leaves() {
    let gate = Gate::default();
    let endpoint = gated(&gate);
    let (credential, _) = credential(Source::OAuth2(oauth2(&endpoint)));
    let http = Http::new();
    {
        let first = credential.get(&http);
        pin_mut!(first);
        assert!(poll_immediate(&mut first).await.is_none());
        endpoint.until_asked(1).await;
    }
    let second = credential.get(&http);
    pin_mut!(second);
    assert!(poll_immediate(&mut second).await.is_none());
    gate.open();
    assert_eq!(text(&second.await.unwrap()), "token-1");
    assert_eq!(endpoint.asked().len(), 1);
}

#[actix_rt::test]
async fn another_worker_takes_over_from_one_that_ends() {
    let gate = Gate::default();
    let endpoint = gated(&gate);
    let credential = Arc::new(credential(Source::OAuth2(oauth2(&endpoint))).0);
    let (end, ends) = oneshot::channel::<()>();
    let shared = Arc::clone(&credential);
    let doomed = on_worker(move || async move {
        let http = Http::new();
        let get = shared.get(&http);
        pin_mut!(get);
        assert!(poll_immediate(&mut get).await.is_none());
        ends.await.unwrap();
    });
    endpoint.until_asked(1).await;

    let (waits, waiting) = mpsc::channel();
    let shared = Arc::clone(&credential);
    let heir = on_worker(move || async move {
        let http = Http::new();
        let get = shared.get(&http);
        pin_mut!(get);
        assert!(poll_immediate(&mut get).await.is_none());
        waits.send(()).unwrap();
        text(&get.await.unwrap()).to_owned()
    });
    waiting.recv().unwrap();
    end.send(()).unwrap();
    doomed.join().unwrap();
    endpoint.until_asked(2).await;
    gate.open();
    assert_eq!(heir.join().unwrap(), "token-2");
    assert_eq!(endpoint.asked().len(), 2);
}

/// What may be used once is shared by nobody, and even so its endpoint is not overrun.
#[actix_rt::test]
async fn dials_that_must_each_ask_take_turns() {
    let gate = Gate::default();
    let passing = gate.clone();
    let endpoint = Endpoint::answering(move |_| {
        passing.pass();
        json(200, r#"{"signed_url":"ws://a.test/?t=1"}"#)
    });
    let (credential, _) = credential(Source::TokenUrl(signed_url(&endpoint)));
    let http = Http::new();
    let all = join_all((0..40).map(|_| credential.get(&http)));
    let open = async {
        endpoint.until_asked(16).await;
        gate.open();
    };
    let (got, ()) = tokio::join!(all, open);
    let generations: std::collections::BTreeSet<_> = got
        .iter()
        .map(|it| it.as_ref().unwrap().generation())
        .collect();
    assert_eq!(generations.len(), 40);
    assert_eq!(endpoint.asked().len(), 40);
    assert!(endpoint.most_at_once() <= 16);
}
