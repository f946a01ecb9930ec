//! Live sessions, listed, ended, drained.

use std::{future::pending, sync::Arc, time::Duration};

use tokio::{
    task::LocalSet,
    time::{Instant, sleep},
};
use tokio_util::sync::CancellationToken;
use tollbridge_domain::{ClientId, KeyId, Moment, RouteName, SessionId, Slug, Subject, TokenId};
use tollbridge_relay::{Card, Meter, Registry, Reins, relay};

use crate::stage::{Counting, Peer, terms};

#[tokio::test(start_paused = true)]
async fn a_session_is_listed_while_it_runs() {
    LocalSet::new()
        .run_until(async {
            let registry = Registry::new();
            let (reins, _orders) = Reins::new();
            let meter = Arc::new(Meter::default());
            registry.open(
                card("one", "ada"),
                reins,
                meter,
                sleep(Duration::from_secs(5)),
            );
            sleep(Duration::from_secs(2)).await;
            let list = registry.list();
            assert_eq!(list.len(), 1);
            assert_eq!(list[0].card.subject.as_str(), "ada");
            assert_eq!(list[0].age, Duration::from_secs(2));
            sleep(Duration::from_secs(4)).await;
            assert!(registry.is_empty());
        })
        .await;
}

#[tokio::test(start_paused = true)]
async fn a_session_that_panics_leaves_the_list_and_the_others() {
    LocalSet::new()
        .run_until(async {
            let registry = Registry::new();
            let open = |name, session: std::pin::Pin<Box<dyn Future<Output = ()>>>| {
                let (reins, _orders) = Reins::new();
                registry.open(card(name, "ada"), reins, Arc::default(), session);
            };
            open("one", Box::pin(async { panic!("as this test wants") }));
            open("two", Box::pin(pending()));
            sleep(Duration::from_secs(1)).await;
            let list = registry.list();
            assert_eq!(list.len(), 1);
            assert_eq!(list[0].card.session.as_str(), "two");
        })
        .await;
}

#[tokio::test(start_paused = true)]
async fn exactly_the_matching_sessions_are_ended() {
    LocalSet::new()
        .run_until(async {
            let registry = Registry::new();
            let mut ada = bridged(&registry, "one", "ada");
            let mut bob = bridged(&registry, "two", "bob");
            let ended = registry.end_where(Slug::Revoked, |card| card.subject.as_str() == "ada");
            assert_eq!(ended, 1);
            assert_eq!(ada.0.close().await.0, Some(4410));
            bob.0.expect_nothing().await;
            drop(ada);
            sleep(Duration::from_secs(1)).await;
            assert_eq!(registry.len(), 1);
        })
        .await;
}

/// D01: every client reads 1012, spread over the window, and the wait ends with the last session.
#[tokio::test(start_paused = true)]
async fn a_drain_tells_everyone_within_the_window() {
    LocalSet::new()
        .run_until(async {
            let registry = Registry::new();
            let start = Instant::now();
            let window = Duration::from_secs(20);
            let clients: Vec<_> = (0..10)
                .map(|index| bridged(&registry, &format!("s{index}"), "ada"))
                .map(|(mut client, upstream)| {
                    tokio::task::spawn_local(async move {
                        let (code, reason) = client.close().await;
                        drop(upstream);
                        assert_eq!(code, Some(1012));
                        assert!(reason.starts_with("tb:draining;ra=1"), "{reason}");
                        start.elapsed()
                    })
                })
                .collect();
            assert_eq!(registry.drain(window, CancellationToken::new()).await, 0);
            assert!(start.elapsed() < window);
            let mut told = Vec::new();
            for client in clients {
                told.push(client.await.unwrap());
            }
            told.sort();
            assert!(told[0] < Duration::from_secs(1));
            assert!(told[9] >= Duration::from_secs(13));
            assert!(
                told.windows(2)
                    .all(|pair| pair[1] - pair[0] < Duration::from_secs(2))
            );
        })
        .await;
}

#[tokio::test(start_paused = true)]
async fn a_hurried_drain_tells_everyone_at_once() {
    LocalSet::new()
        .run_until(async {
            let registry = Registry::new();
            let mut peers: Vec<_> = (0..10)
                .map(|index| bridged(&registry, &format!("s{index}"), "ada"))
                .collect();
            let start = Instant::now();
            let hurry = CancellationToken::new();
            hurry.cancel();
            let drained = registry.drain(Duration::from_secs(20), hurry);
            let read = async {
                for (client, _) in &mut peers {
                    assert_eq!(client.close().await.0, Some(1012));
                }
                let told = start.elapsed();
                peers.clear();
                told
            };
            let (left, told) = tokio::join!(drained, read);
            assert_eq!((left, told.as_secs()), (0, 0));
        })
        .await;
}

#[tokio::test(start_paused = true)]
async fn a_drain_counts_what_would_not_end() {
    LocalSet::new()
        .run_until(async {
            let registry = Registry::new();
            let (reins, _orders) = Reins::new();
            registry.open(card("deaf", "ada"), reins, Arc::default(), pending());
            let start = Instant::now();
            let window = Duration::from_secs(20);
            assert_eq!(registry.drain(window, CancellationToken::new()).await, 1);
            assert_eq!(start.elapsed(), window);
        })
        .await;
}

#[tokio::test(start_paused = true)]
async fn who_comes_while_the_process_drains_is_told_at_once() {
    LocalSet::new()
        .run_until(async {
            let registry = Registry::new();
            assert_eq!(
                registry
                    .drain(Duration::from_secs(20), CancellationToken::new())
                    .await,
                0
            );
            let mut late = bridged(&registry, "late", "ada");
            assert_eq!(late.0.close().await.0, Some(1012));
        })
        .await;
}

fn bridged(registry: &Arc<Registry>, name: &str, subject: &str) -> (Peer, Peer) {
    let (client, client_leg) = tokio::io::duplex(1024);
    let (upstream, upstream_leg) = tokio::io::duplex(1024);
    let (reins, orders) = Reins::new();
    let meter = Arc::new(Meter::default());
    let entropy = Arc::new(Counting::default());
    let counted = Arc::clone(&meter);
    let session = relay(client_leg, upstream_leg, terms(), orders, counted, entropy);
    registry.open(card(name, subject), reins, meter, async {
        session.await;
    });
    (Peer(client), Peer(upstream))
}

fn card(session: &str, subject: &str) -> Card {
    Card {
        session: SessionId::parse(session).unwrap(),
        jti: TokenId::parse("jti").unwrap(),
        kid: KeyId::parse("kid").unwrap(),
        client_id: ClientId::parse("backend").unwrap(),
        subject: Subject::parse(subject).unwrap(),
        route: RouteName::parse("voice").unwrap(),
        origin: None,
        peer: "203.0.113.7".to_owned(),
        label: None,
        metadata: None,
        started: Moment::default(),
        issued: Moment::default(),
        upstream_request_id: String::new(),
    }
}
