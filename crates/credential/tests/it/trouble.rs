//! Endpoints that are down or slow.

use std::sync::{
    Arc,
    atomic::{AtomicBool, Ordering},
};

use tollbridge_credential::{FetchError, Http, OAuth2, Reader, Source};
use tollbridge_testkit::{Behaviour, Upstream};

use crate::{
    IMPATIENT, credential, ended,
    endpoint::{Endpoint, Gate, json, token},
    oauth2, outcomes, signed_url, text, waiting,
};

/// Fails or issues a token of 1000 seconds, as it is told.
fn unreliable() -> (Endpoint, Arc<AtomicBool>) {
    let works = Arc::new(AtomicBool::new(true));
    let told = Arc::clone(&works);
    let endpoint = Endpoint::answering(move |_| match told.load(Ordering::SeqCst) {
        true => token(1, 1_000),
        false => json(503, r#"{"error":"temporarily_unavailable"}"#),
    });
    (endpoint, works)
}

fn status(error: &FetchError) -> Option<u16> {
    match error {
        FetchError::Refused { status, .. } => Some(*status),
        _ => None,
    }
}

#[actix_rt::test]
async fn a_failing_endpoint_is_asked_at_growing_intervals() {
    let (endpoint, works) = unreliable();
    works.store(false, Ordering::SeqCst);
    let (credential, clock) = credential(Source::OAuth2(oauth2(&endpoint)));
    let http = Http::new();
    let mut asked_at = Vec::new();
    for second in 0..=92 {
        for _dial in 0..5 {
            let before = endpoint.asked().len();
            let error = credential.get(&http).await.unwrap_err();
            assert_eq!(status(&error), Some(503));
            if endpoint.asked().len() > before {
                asked_at.push(second);
            }
        }
        clock.advance(1);
    }
    assert_eq!(asked_at, [0, 1, 3, 7, 15, 31, 61, 91]);

    works.store(true, Ordering::SeqCst);
    clock.advance(30);
    credential.get(&http).await.unwrap();
}

#[actix_rt::test]
async fn while_the_endpoint_is_down_the_old_token_serves_to_its_end() {
    let (endpoint, works) = unreliable();
    let (credential, clock) = credential(Source::OAuth2(oauth2(&endpoint)));
    let mut fetches = outcomes(&credential);
    let http = Http::new();
    credential.get(&http).await.unwrap();
    works.store(false, Ordering::SeqCst);
    for (attempt, after) in [800, 1, 2, 4, 8, 16].into_iter().enumerate() {
        clock.advance(after);
        assert_eq!(text(&credential.get(&http).await.unwrap()), "token-1");
        ended(&mut fetches, attempt + 2).await;
        assert_eq!(text(&credential.get(&http).await.unwrap()), "token-1");
        assert_eq!(endpoint.asked().len(), attempt + 2);
    }
    clock.advance(1_000);
    let error = credential.get(&http).await.unwrap_err();
    assert_eq!(status(&error), Some(503));
    let outcomes = fetches.borrow();
    assert_eq!(outcomes[0], Ok(()));
    assert_eq!(outcomes[7], Err(error));
}

#[actix_rt::test]
async fn a_port_where_nobody_listens_is_unreachable() {
    let (_held, address) = Upstream::refusing();
    let (credential, _) = credential(Source::OAuth2(OAuth2 {
        token_url: format!("http://{address}/").parse().unwrap(),
        ..oauth2(&Endpoint::issuing(60))
    }));
    let error = credential.get(&Http::new()).await.unwrap_err();
    assert!(matches!(error, FetchError::Unreachable(_)), "{error}");
}

#[actix_rt::test]
async fn an_endpoint_that_stays_silent_is_given_up() {
    let gate = Gate::default();
    let passing = gate.clone();
    let endpoint = Endpoint::answering(move |_| {
        passing.pass();
        String::new()
    });
    let http = Http::new();
    for source in [
        Source::OAuth2(oauth2(&endpoint)),
        Source::TokenUrl(signed_url(&endpoint)),
    ] {
        let (credential, _) = waiting(source, IMPATIENT);
        let error = credential.get(&http).await.unwrap_err();
        assert_eq!(error, FetchError::Timeout(IMPATIENT));
    }
    gate.open();
}

/// The head comes, and half of the body: the deadline is for the whole answer.
#[actix_rt::test]
async fn an_endpoint_that_stops_in_mid_answer_is_given_up() {
    let half = b"HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\n{\"access_";
    let upstream = Upstream::behaving(Behaviour::Answer(half.to_vec())).await;
    let source = Source::OAuth2(OAuth2 {
        token_url: format!("http://{}/", upstream.addr()).parse().unwrap(),
        ..oauth2(&Endpoint::issuing(60))
    });
    let (credential, _) = waiting(source, IMPATIENT);
    let error = credential.get(&Http::new()).await.unwrap_err();
    assert_eq!(error, FetchError::Timeout(IMPATIENT));
}

/// Whoever took over would only panic as well.
#[actix_rt::test]
async fn a_fetch_that_panics_is_a_failure() {
    let endpoint = Endpoint::issuing(60);
    let (credential, _) = credential(Source::OAuth2(OAuth2 {
        client_secret: Reader::new(|| panic!("as it should, for once")),
        ..oauth2(&endpoint)
    }));
    let http = Http::new();
    let both = tokio::join!(credential.get(&http), credential.get(&http));
    for outcome in [both.0, both.1] {
        assert!(matches!(outcome, Err(FetchError::Abandoned)));
    }
}

/// Each dial would ask, and yet a failure is remembered.
#[actix_rt::test]
async fn what_is_not_kept_is_not_asked_for_either_while_it_fails() {
    let endpoint = Endpoint::answering(|_| json(500, "{}"));
    let (credential, clock) = credential(Source::TokenUrl(signed_url(&endpoint)));
    let http = Http::new();
    for asked in [1, 1, 1] {
        let error = credential.get(&http).await.unwrap_err();
        assert_eq!(status(&error), Some(500));
        assert_eq!(endpoint.asked().len(), asked);
    }
    clock.advance(1);
    credential.get(&http).await.unwrap_err();
    assert_eq!(endpoint.asked().len(), 2);
}
