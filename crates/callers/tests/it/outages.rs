//! Whoever is asked is down, slow or silent, and comes back.

use std::{
    sync::{
        Arc, Mutex,
        atomic::{AtomicBool, AtomicUsize, Ordering},
    },
    time::Duration,
};

use serde_json::json;
use tollbridge_authn::{Authenticator, Verdict, Watcher};
use tollbridge_testkit::ManualClock;

use crate::{
    NOW, Shown, bearer, introspection, judge,
    jwt::{at, claims, made, options, with},
    shown,
    signer::Signer,
    stand_in::{Gate, StandIn, answer, json},
    subject, subrequest,
};

/// Too short for anything that is held back, and long enough for the rest.
const SHORT: Duration = Duration::from_secs(3);

/// A server that can be broken, and three callers that need it.
struct Backend {
    broken: Arc<AtomicBool>,
    stand_in: StandIn,
    clock: ManualClock,
    token: String,
}

impl Backend {
    fn new() -> Self {
        let key = Signer::ed25519("a");
        let broken = Arc::new(AtomicBool::new(true));
        let (is_broken, published) = (Arc::clone(&broken), json!({ "keys": [key.jwk()] }));
        let stand_in = StandIn::answering(move |asked| {
            match (is_broken.load(Ordering::SeqCst), asked.target.as_str()) {
                (true, _) => answer(503, "", "no"),
                (false, "/jwks") => json(&published),
                (false, "/whoami") => answer(200, "X-User-Id: ada\r\n", ""),
                (false, _) => json(&json!({ "active": true, "sub": "ada", "aud": "bridge" })),
            }
        });
        Self {
            broken,
            stand_in,
            clock: ManualClock::at(NOW),
            token: key.sign(&with(&json!({ "exp": i64::MAX }))),
        }
    }

    fn callers(&self) -> Vec<(Box<dyn Authenticator>, Shown, &'static str)> {
        let jwt = made(options(), at(&self.stand_in), &self.clock);
        let asks = subrequest::made(&self.stand_in, &self.clock);
        let introspects = introspection::made(&self.stand_in, &self.clock);
        vec![
            (Box::new(jwt), bearer(&self.token), "/jwks"),
            (Box::new(asks), shown(&[("cookie", "sid=1")]), "/whoami"),
            (Box::new(introspects), bearer("opaque"), "/introspect"),
        ]
    }
}

#[actix_rt::test]
async fn an_outage_is_nobodys_answer_is_not_hammered_and_ends_by_itself() {
    let backend = Backend::new();
    for (caller, who, path) in backend.callers() {
        backend.broken.store(true, Ordering::SeqCst);
        let words: Arc<Mutex<Vec<String>>> = Arc::default();
        let told = Arc::clone(&words);
        let watcher: Watcher = Arc::new(move |_, outcome| {
            let word = outcome.map_or_else(str::to_owned, |()| "ok".to_owned());
            told.lock().unwrap().push(word);
        });
        caller.watch(&watcher);
        for _ in 0..200 {
            let verdict = judge(caller.as_ref(), &backend.clock, &who).await;
            let Verdict::Unavailable { retry_after } = verdict else {
                panic!("{path}: {verdict:?}");
            };
            assert!((1..=5).contains(&retry_after), "{path}: {retry_after}");
        }
        let hammered = backend.stand_in.times(path);
        assert!(hammered <= 5, "{path} was asked {hammered} times");
        backend.broken.store(false, Ordering::SeqCst);
        backend.clock.advance(5);
        let verdict = judge(caller.as_ref(), &backend.clock, &who).await;
        assert_eq!(subject(&verdict), "ada", "{path}");
        let words = words.lock().unwrap();
        assert!(words[0].contains("503"), "{path}: {words:?}");
        assert_eq!(words.last().unwrap(), "ok", "{path}");
    }
}

#[actix_rt::test]
async fn a_key_that_was_known_goes_on_through_an_outage() {
    let backend = Backend::new();
    backend.broken.store(false, Ordering::SeqCst);
    let (caller, who, _) = backend.callers().remove(0);
    let judged = || judge(caller.as_ref(), &backend.clock, &who);
    assert_eq!(subject(&judged().await), "ada");
    backend.broken.store(true, Ordering::SeqCst);
    // An hour that nothing was said about, and an hour of grace.
    for seconds in [3_600, 3_000, 599] {
        backend.clock.advance(seconds);
        assert_eq!(subject(&judged().await), "ada");
    }
    backend.clock.advance(10);
    assert_eq!(judged().await.as_str(), "unavailable");
}

#[actix_rt::test]
async fn an_unknown_key_in_an_outage_is_not_the_bearers_fault() {
    let backend = Backend::new();
    backend.broken.store(false, Ordering::SeqCst);
    let (caller, who, _) = backend.callers().remove(0);
    let verdict = judge(caller.as_ref(), &backend.clock, &who).await;
    assert_eq!(subject(&verdict), "ada");
    backend.broken.store(true, Ordering::SeqCst);
    let new = bearer(&Signer::ed25519("new").sign(&claims()));
    let verdict = judge(caller.as_ref(), &backend.clock, &new).await;
    assert_eq!(verdict.as_str(), "unavailable");
}

#[actix_rt::test]
async fn who_never_answers_is_not_waited_for_and_never_asked_by_more_than_64() {
    let gate = Gate::default();
    let held = gate.clone();
    let stand_in = StandIn::answering(move |_| {
        held.pass();
        String::new()
    });
    let clock = ManualClock::at(NOW);
    let asks = Arc::new(subrequest::waiting(&stand_in, &clock, SHORT));
    let who = shown(&[("cookie", "sid=1")]);
    let unavailable = Arc::new(AtomicUsize::new(0));
    let tasks: Vec<_> = (0..300)
        .map(|_| {
            let (asks, clock, who) = (Arc::clone(&asks), clock.clone(), who.clone());
            let unavailable = Arc::clone(&unavailable);
            actix_rt::spawn(async move {
                let verdict = judge(asks.as_ref(), &clock, &who).await;
                assert_eq!(verdict.as_str(), "unavailable");
                unavailable.fetch_add(1, Ordering::SeqCst);
            })
        })
        .collect();
    for task in tasks {
        tokio::time::timeout(crate::PATIENT, task)
            .await
            .expect("a deadline")
            .unwrap();
    }
    assert_eq!(unavailable.load(Ordering::SeqCst), 300);
    let most = stand_in.most_at_once();
    assert!(most <= 64, "{most} at once");
    gate.open();
}

/// A program that fails at one credential answers 500, and whose credential that is may know it.
#[actix_rt::test]
async fn who_brings_about_a_500_turns_nobody_else_away() {
    let clock = ManualClock::at(NOW);
    let stand_in = StandIn::answering(|asked| {
        match asked.headers.iter().any(|(_, value)| value == "sid=poison") {
            true => answer(500, "", "cannot parse"),
            false => answer(200, "X-User-Id: ada\r\n", ""),
        }
    });
    let asks = subrequest::made(&stand_in, &clock);
    for _ in 0..20 {
        let verdict = judge(&asks, &clock, &shown(&[("cookie", "sid=poison")])).await;
        assert_eq!(verdict.as_str(), "unavailable");
    }
    let verdict = judge(&asks, &clock, &shown(&[("cookie", "sid=1")])).await;
    assert_eq!(verdict.as_str(), "accepted");
}
