//! How a provider's keys are had, and how rarely.

use std::{
    sync::{
        Arc, Mutex,
        atomic::{AtomicUsize, Ordering},
    },
    thread,
};

use serde_json::{Value, json};
use tollbridge_authn::{Rejection, Verdict};
use tollbridge_callers::{Jwt, JwtOptions, KeysAt};
use tollbridge_testkit::ManualClock;

use crate::{
    NOW, bearer, judge,
    jwt::{at, claims, made, options, with},
    rejected,
    signer::Signer,
    stand_in::{Gate, StandIn, answer, json},
    subject,
};

/// A provider whose keys can be changed, and which can be told to be silent.
struct Provider {
    keys: Arc<Mutex<Vec<Value>>>,
    stand_in: StandIn,
}

impl Provider {
    fn new(key: &Signer) -> Self {
        let keys = Arc::new(Mutex::new(vec![key.jwk()]));
        let published = Arc::clone(&keys);
        let stand_in = StandIn::answering(move |_| {
            json(&json!({ "keys": published.lock().unwrap().clone() }))
        });
        Self { keys, stand_in }
    }

    fn publish(&self, keys: &[&Signer]) {
        *self.keys.lock().unwrap() = keys.iter().map(|key| key.jwk()).collect();
    }

    fn fetches(&self) -> usize {
        self.stand_in.times("/jwks")
    }
}

async fn verdict(jwt: &Jwt, clock: &ManualClock, key: &Signer) -> Verdict {
    let fresh = with(&json!({ "exp": i64::MAX }));
    judge(jwt, clock, &bearer(&key.sign(&fresh))).await
}

#[actix_rt::test]
async fn a_rotated_key_is_fetched_at_once_and_once() {
    let (old, new) = (Signer::ed25519("old"), Signer::ed25519("new"));
    let provider = Provider::new(&old);
    let clock = ManualClock::at(NOW);
    let jwt = made(options(), at(&provider.stand_in), &clock);
    assert_eq!(subject(&verdict(&jwt, &clock, &old).await), "ada");
    provider.publish(&[&old, &new]);
    let all = (0..50).map(|_| verdict(&jwt, &clock, &new));
    for verdict in futures(all).await {
        assert_eq!(subject(&verdict), "ada");
    }
    assert_eq!(subject(&verdict(&jwt, &clock, &old).await), "ada");
    assert_eq!(provider.fetches(), 2);
}

#[actix_rt::test]
async fn a_flood_of_unknown_keys_is_one_fetch_in_half_a_minute() {
    let (known, unknown) = (Signer::ed25519("known"), Signer::ed25519("unknown"));
    let provider = Provider::new(&known);
    let clock = ManualClock::at(NOW);
    let jwt = made(options(), at(&provider.stand_in), &clock);
    for (seconds, fetches) in [(0, 2), (29, 2), (1, 3), (29, 3), (1, 4)] {
        clock.advance(seconds);
        let all = (0..100).map(|_| verdict(&jwt, &clock, &unknown));
        for verdict in futures(all).await {
            assert_eq!(verdict, rejected(Rejection::UnknownKey));
        }
        assert_eq!(subject(&verdict(&jwt, &clock, &known).await), "ada");
        assert_eq!(provider.fetches(), fetches, "after {seconds} more seconds");
    }
}

#[actix_rt::test]
async fn a_token_of_another_issuer_has_nothing_fetched() {
    let key = Signer::ed25519("a");
    let provider = Provider::new(&key);
    let clock = ManualClock::at(NOW);
    let jwt = made(options(), at(&provider.stand_in), &clock);
    let foreign = key.sign(&with(&json!({ "iss": provider.stand_in.url("/") })));
    let verdict = judge(&jwt, &clock, &bearer(&foreign)).await;
    assert_eq!(verdict, rejected(Rejection::WrongIssuer));
    assert!(provider.stand_in.asked().is_empty());
}

#[test]
fn all_threads_wait_for_one_fetch() {
    let key = Arc::new(Signer::ed25519("a"));
    let gate = Gate::default();
    let held = gate.clone();
    let published = json!({ "keys": [key.jwk()] });
    let stand_in = StandIn::answering(move |_| {
        held.pass();
        json(&published)
    });
    let clock = ManualClock::at(NOW);
    let jwt = Arc::new(made(options(), at(&stand_in), &clock));
    let begun = Arc::new(AtomicUsize::new(0));
    let threads: Vec<_> = (0..4)
        .map(|_| {
            let (jwt, clock, key) = (Arc::clone(&jwt), clock.clone(), Arc::clone(&key));
            let (begun, gate) = (Arc::clone(&begun), gate.clone());
            thread::spawn(move || {
                actix_rt::System::new().block_on(async {
                    let verdicts = futures((0..20).map(|_| verdict(&jwt, &clock, &key)));
                    if begun.fetch_add(1, Ordering::SeqCst) == 3 {
                        gate.open();
                    }
                    verdicts.await.iter().map(subject).collect::<Vec<_>>()
                })
            })
        })
        .collect();
    for thread in threads {
        let subjects = thread.join().unwrap();
        assert_eq!(subjects, vec!["ada"; 20]);
    }
    assert_eq!(stand_in.asked().len(), 1);
}

#[actix_rt::test]
async fn keys_are_kept_as_long_as_the_provider_says_within_reason() {
    let key = Signer::ed25519("a");
    for (line, kept) in [
        ("max-age=60", 300),
        ("max-age=1200", 1_200),
        ("no-store", 300),
    ] {
        let published = json!({ "keys": [key.jwk()] }).to_string();
        let lines = format!("Cache-Control: {line}\r\n");
        let stand_in = StandIn::answering(move |_| answer(200, &lines, &published));
        let clock = ManualClock::at(NOW);
        let jwt = made(options(), at(&stand_in), &clock);
        for (seconds, fetches) in [(0, 1), (kept - 1, 1)] {
            clock.advance(seconds);
            assert_eq!(subject(&verdict(&jwt, &clock, &key).await), "ada");
            assert_eq!(stand_in.asked().len(), fetches, "{line}");
        }
        // Nobody waits for the next one.
        clock.advance(1);
        assert_eq!(subject(&verdict(&jwt, &clock, &key).await), "ada");
        until(|| stand_in.asked().len() == 2).await;
    }
}

#[actix_rt::test]
async fn the_issuers_own_document_says_where_its_keys_are() {
    let key = Signer::ed25519("a");
    for slash in ["", "/"] {
        let published = json!({ "keys": [key.jwk()] });
        let stand_in = StandIn::knowing_itself(|base| {
            let issuer = format!("{base}/realm{slash}");
            let document = json!({ "issuer": issuer, "jwks_uri": format!("{base}/keys") });
            move |asked| match asked.target.as_str() {
                "/realm/.well-known/openid-configuration" => json(&document),
                "/keys" => json(&published),
                _ => answer(404, "", ""),
            }
        });
        let issuer = stand_in.url(&format!("/realm{slash}"));
        let clock = ManualClock::at(NOW);
        let options = JwtOptions {
            issuer: Some(issuer.clone()),
            ..options()
        };
        let jwt = made(options, KeysAt::Issuer(issuer.clone()), &clock);
        let token = key.sign(&with(&json!({ "iss": issuer })));
        let verdict = judge(&jwt, &clock, &bearer(&token)).await;
        assert_eq!(subject(&verdict), "ada");
        assert_eq!(stand_in.times("/keys"), 1);
    }
}

#[actix_rt::test]
async fn a_document_that_is_not_the_issuers_own_is_not_believed() {
    let key = Signer::ed25519("a");
    let (issuer, evil) = ("ISSUER", "https://evil.test");
    for document in [
        json!({ "issuer": evil, "jwks_uri": "BASE/keys" }),
        json!({ "issuer": "ISSUER/", "jwks_uri": "BASE/keys" }),
        json!({ "jwks_uri": "BASE/keys" }),
        json!({ "issuer": issuer }),
        json!({ "issuer": issuer, "jwks_uri": "file:///etc/passwd" }),
        json!({ "issuer": issuer, "jwks_uri": "http://a.test/keys" }),
        json!({ "issuer": issuer, "jwks_uri": "https://10.0.0.1/keys" }),
        json!({ "issuer": issuer, "jwks_uri": "https://169.254.169.254/latest/meta-data" }),
        json!({ "issuer": issuer, "jwks_uri": "http://127.0.0.2:1/keys" }),
        json!({ "issuer": issuer, "jwks_uri": "http://user@127.0.0.1/keys" }),
        json!({ "issuer": issuer, "jwks_uri": ["BASE/keys"] }),
        json!([issuer]),
    ] {
        let published = json!({ "keys": [key.jwk()] });
        let told = document.to_string();
        let stand_in = StandIn::knowing_itself(|base| {
            let text = told.replace("ISSUER", base).replace("BASE", base);
            move |asked| match asked.target.as_str() {
                "/keys" => json(&published),
                _ => answer(200, "", &text),
            }
        });
        let issuer = stand_in.url("");
        let clock = ManualClock::at(NOW);
        let options = JwtOptions {
            issuer: Some(issuer.clone()),
            ..options()
        };
        let jwt = made(options, KeysAt::Issuer(issuer.clone()), &clock);
        let token = key.sign(&with(&json!({ "iss": issuer })));
        let verdict = judge(&jwt, &clock, &bearer(&token)).await;
        assert_eq!(verdict.as_str(), "unavailable", "{document}");
        assert_eq!(stand_in.times("/keys"), 0, "{document}");
    }
}

#[actix_rt::test]
async fn an_answer_that_is_no_key_set_is_none() {
    let key = Signer::ed25519("a");
    let good = json!({ "keys": [key.jwk()] }).to_string();
    let many = json!({ "keys": vec![key.jwk(); 101] }).to_string();
    let huge = format!("{}{}", " ".repeat(256 * 1024), good);
    let endless = "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n".to_owned()
        + &format!("10000\r\n{}\r\n", " ".repeat(0x1_0000)).repeat(5);
    for bad in [
        answer(302, "Location: /elsewhere\r\n", &good),
        answer(301, "Location: https://evil.test/\r\n", ""),
        answer(401, "", &good),
        answer(500, "", &good),
        answer(204, "", ""),
        answer(200, "", "<html>login</html>"),
        answer(200, "", "{}"),
        answer(200, "", &many),
        answer(200, "", &huge),
        endless,
        "HTTP/1.1 200 OK\r\nContent-Length: 9999\r\n\r\n{".to_owned(),
        "SSH-2.0-OpenSSH\r\n".to_owned(),
        String::new(),
    ] {
        let shown: String = bad.chars().take(60).collect();
        let stand_in = StandIn::answering(move |_| bad.clone());
        let clock = ManualClock::at(NOW);
        let jwt = made(options(), at(&stand_in), &clock);
        let verdict = judge(&jwt, &clock, &bearer(&key.sign(&claims()))).await;
        assert_eq!(verdict.as_str(), "unavailable", "{shown:?}");
        assert_eq!(stand_in.asked().len(), 1, "{shown:?}");
    }
}

/// All at once, on this thread.
async fn futures<F: Future>(all: impl Iterator<Item = F>) -> Vec<F::Output> {
    let mut all: Vec<_> = all.map(|one| (Box::pin(one), None)).collect();
    std::future::poll_fn(|cx| {
        let mut pending = false;
        for (future, output) in &mut all {
            if output.is_none() {
                match future.as_mut().poll(cx) {
                    std::task::Poll::Ready(ready) => *output = Some(ready),
                    std::task::Poll::Pending => pending = true,
                }
            }
        }
        match pending {
            true => std::task::Poll::Pending,
            false => std::task::Poll::Ready(()),
        }
    })
    .await;
    all.into_iter().filter_map(|(_, output)| output).collect()
}

/// Looks again whenever other tasks have had their turn.
async fn until(done: impl Fn() -> bool) {
    let waited = async {
        while !done() {
            tokio::task::yield_now().await;
        }
    };
    tokio::time::timeout(crate::PATIENT, waited).await.unwrap();
}
