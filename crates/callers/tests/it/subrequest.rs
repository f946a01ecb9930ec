//! What an application says about a cookie.

use std::{
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
    },
    time::Duration,
};

use serde_json::json;
use tollbridge_authn::{Rejection, Verdict};
use tollbridge_callers::{SubjectFrom, Subrequest, SubrequestOptions};
use tollbridge_testkit::ManualClock;

use crate::{
    NOW, PATIENT, judge, name, rejected, shown,
    stand_in::{StandIn, answer, json},
    subject, tls,
};

fn options(stand_in: &StandIn) -> SubrequestOptions {
    SubrequestOptions {
        name: name("app"),
        url: stand_in.url("/whoami").parse().unwrap(),
        forward_headers: vec!["cookie".to_owned(), "authorization".to_owned()],
        subject: SubjectFrom::Header("x-user-id".to_owned()),
        timeout: PATIENT,
        cache_for: Duration::ZERO,
    }
}

fn with(options: SubrequestOptions, clock: &ManualClock) -> Subrequest {
    Subrequest::new(options, tls(), Arc::new(clock.clone()))
}

pub(crate) fn made(stand_in: &StandIn, clock: &ManualClock) -> Subrequest {
    with(options(stand_in), clock)
}

pub(crate) fn waiting(stand_in: &StandIn, clock: &ManualClock, timeout: Duration) -> Subrequest {
    let options = SubrequestOptions {
        timeout,
        ..options(stand_in)
    };
    with(options, clock)
}

fn clock() -> ManualClock {
    ManualClock::at(NOW)
}

const COOKIE: &[(&str, &str)] = &[("cookie", "sid=1")];

#[actix_rt::test]
async fn the_application_is_asked_as_a_proxy_would_ask_it() {
    let stand_in = StandIn::answering(|_| answer(204, "X-User-Id: ada\r\n", ""));
    let asks = made(&stand_in, &clock());
    let who = shown(&[
        ("Cookie", "sid=1; lang=dé"),
        ("authorization", "Basic dTpw"),
        ("x-secret", "not to be passed on"),
        ("x-forwarded-for", "6.6.6.6"),
        ("x-forwarded-host", "evil.test"),
        ("accept", "text/html"),
        ("origin", "https://app.example.com"),
    ]);
    assert_eq!(subject(&judge(&asks, &clock(), &who).await), "ada");
    let [asked] = stand_in.asked().try_into().expect("one question");
    assert_eq!((&*asked.method, &*asked.target), ("GET", "/whoami"));
    for (name, value) in [
        ("cookie", "sid=1; lang=dé"),
        ("authorization", "Basic dTpw"),
        ("accept", "application/json"),
        ("x-forwarded-method", "POST"),
        ("x-forwarded-proto", "https"),
        ("x-forwarded-host", "voice.example.com"),
        ("x-forwarded-uri", "/v1/tokens"),
        ("x-forwarded-for", "203.0.113.9"),
    ] {
        assert_eq!(asked.header(name), [value], "{name}");
    }
    assert!(asked.header("x-secret").is_empty());
    assert!(asked.header("origin").is_empty());
    assert_eq!(asked.body, "");
}

#[actix_rt::test]
async fn without_a_credential_to_pass_on_nobody_is_asked() {
    let stand_in = StandIn::answering(|_| answer(204, "X-User-Id: ada\r\n", ""));
    let asks = made(&stand_in, &clock());
    for headers in [
        &[][..],
        &[("cookie", "")][..],
        &[("x-user-id", "ada")][..],
        // One of our own keys is for us alone.
        &[("authorization", "Bearer tbk_0123")][..],
    ] {
        let verdict = judge(&asks, &clock(), &shown(headers)).await;
        assert_eq!(verdict, Verdict::Absent, "{headers:?}");
    }
    let twice = shown(&[("cookie", "sid=1"), ("cookie", "sid=2")]);
    let verdict = judge(&asks, &clock(), &twice).await;
    assert_eq!(verdict, rejected(Rejection::Ambiguous));
    assert!(stand_in.asked().is_empty());
}

#[actix_rt::test]
async fn everything_but_a_2xx_with_a_subject_is_no() {
    let page = "<html><form action=/login>";
    for (told, why) in [
        (answer(401, "X-User-Id: ada\r\n", ""), Rejection::Refused),
        (answer(403, "X-User-Id: ada\r\n", ""), Rejection::Refused),
        (answer(404, "X-User-Id: ada\r\n", ""), Rejection::Refused),
        (
            answer(302, "Location: /login\r\nX-User-Id: ada\r\n", ""),
            Rejection::Refused,
        ),
        (
            answer(301, "Location: https://sso.test/\r\n", ""),
            Rejection::Refused,
        ),
        (
            answer(307, "Location: /whoami\r\nX-User-Id: ada\r\n", ""),
            Rejection::Refused,
        ),
        (answer(304, "X-User-Id: ada\r\n", ""), Rejection::Refused),
        (answer(200, "", page), Rejection::NoSubject),
        (answer(200, "X-User-Id: \r\n", ""), Rejection::NoSubject),
        (
            answer(200, "X-User-Name: ada\r\n", ""),
            Rejection::NoSubject,
        ),
        (answer(200, "X-User-Id: a\tb\r\n", ""), Rejection::NoSubject),
        (
            answer(200, "X-User-Id: ada\r\nX-User-Id: root\r\n", ""),
            Rejection::Ambiguous,
        ),
    ] {
        let shown_as = told.clone();
        let stand_in = StandIn::answering(move |_| told.clone());
        let asks = made(&stand_in, &clock());
        let verdict = judge(&asks, &clock(), &shown(COOKIE)).await;
        assert_eq!(verdict, rejected(why), "{shown_as}");
        assert_eq!(stand_in.asked().len(), 1, "{shown_as}");
    }
}

#[actix_rt::test]
async fn what_is_no_answer_is_nobodys() {
    for told in [
        answer(500, "X-User-Id: ada\r\n", ""),
        answer(502, "", ""),
        answer(429, "X-User-Id: ada\r\n", ""),
        "HTTP/1.1 101 Switching\r\nX-User-Id: ada\r\n\r\n".to_owned(),
        "nonsense\r\n".to_owned(),
        String::new(),
    ] {
        let shown_as = told.clone();
        let stand_in = StandIn::answering(move |_| told.clone());
        let asks = made(&stand_in, &clock());
        let verdict = judge(&asks, &clock(), &shown(COOKIE)).await;
        assert_ne!(verdict.as_str(), "accepted", "{shown_as}");
    }
}

#[actix_rt::test]
async fn a_subject_in_json_is_one_and_a_login_page_is_none() {
    for (body, wanted) in [
        (r#"{"user":{"id":42,"role":"admin"}}"#, Ok("42")),
        (r#"{"user":{"id":"ada"}}"#, Ok("ada")),
        (r#"{"user":{"id":null}}"#, Err(Rejection::NoSubject)),
        (r#"{"user":null}"#, Err(Rejection::NoSubject)),
        (
            r#"{"user":{"id":"a"},"user":{"id":"b"}}"#,
            Err(Rejection::NoSubject),
        ),
        (r#"[{"user":{"id":"ada"}}]"#, Err(Rejection::NoSubject)),
        (
            "<!doctype html><title>Log in</title>",
            Err(Rejection::NoSubject),
        ),
        ("", Err(Rejection::NoSubject)),
    ] {
        let told = answer(200, "X-User-Id: root\r\n", body);
        let stand_in = StandIn::answering(move |_| told.clone());
        let options = SubrequestOptions {
            subject: SubjectFrom::Json("/user/id".to_owned()),
            ..options(&stand_in)
        };
        let verdict = judge(&with(options, &clock()), &clock(), &shown(COOKIE)).await;
        match wanted {
            Ok(wanted) => assert_eq!(subject(&verdict), wanted),
            Err(why) => assert_eq!(verdict, rejected(why), "{body}"),
        }
    }
}

#[actix_rt::test]
async fn cookies_that_the_application_sets_are_handed_back() {
    let lines = "X-User-Id: ada\r\nSet-Cookie: sid=2; HttpOnly\r\nSet-Cookie: seen=1\r\n";
    let stand_in = StandIn::answering(move |_| answer(200, lines, ""));
    let verdict = judge(&made(&stand_in, &clock()), &clock(), &shown(COOKIE)).await;
    let Verdict::Accepted(_, cookies) = &verdict else {
        panic!("refused: {verdict:?}");
    };
    let values: Vec<_> = cookies.iter().map(String::from_utf8_lossy).collect();
    assert_eq!(values, ["sid=2; HttpOnly", "seen=1"]);
    assert!(!format!("{verdict:?}").contains("sid"));
}

#[actix_rt::test]
async fn a_yes_is_used_again_for_as_long_as_it_may_be_and_a_no_never() {
    let asked = AtomicUsize::new(0);
    let stand_in = StandIn::answering(move |question| {
        asked.fetch_add(1, Ordering::SeqCst);
        match question.header("cookie")[0] {
            "sid=1" => json(&json!({ "id": "ada" })),
            "sid=2" => json(&json!({ "id": "bob" })),
            _ => answer(401, "", ""),
        }
    });
    let options = SubrequestOptions {
        subject: SubjectFrom::Json("/id".to_owned()),
        cache_for: Duration::from_secs(10),
        ..options(&stand_in)
    };
    let clock = clock();
    let asks = with(options, &clock);
    for (seconds, cookie, who, times) in [
        (0, "sid=1", "ada", 1),
        (9, "sid=1", "ada", 1),
        (0, "sid=2", "bob", 2),
        (1, "sid=1", "ada", 3),
        (0, "sid=2", "bob", 3),
    ] {
        clock.advance(seconds);
        let verdict = judge(&asks, &clock, &shown(&[("cookie", cookie)])).await;
        assert_eq!(subject(&verdict), who);
        assert_eq!(stand_in.asked().len(), times, "{cookie}");
    }
    for times in [4, 5] {
        let verdict = judge(&asks, &clock, &shown(&[("cookie", "sid=3")])).await;
        assert_eq!(verdict, rejected(Rejection::Refused));
        assert_eq!(stand_in.asked().len(), times);
    }
}

/// What is in the one header may not be read as if it were in the other.
#[actix_rt::test]
async fn a_yes_for_one_credential_is_none_for_another() {
    let stand_in = StandIn::answering(|question| match question.header("cookie").first() {
        Some(&"x") => answer(200, "X-User-Id: ada\r\n", ""),
        _ => answer(401, "", ""),
    });
    let options = SubrequestOptions {
        cache_for: Duration::from_secs(60),
        ..options(&stand_in)
    };
    let clock = clock();
    let asks = with(options, &clock);
    let verdict = judge(&asks, &clock, &shown(&[("cookie", "x")])).await;
    assert_eq!(subject(&verdict), "ada");
    for headers in [
        &[("authorization", "x")][..],
        &[("cookie", "y"), ("authorization", "x")][..],
        &[("cookie", "authorization"), ("authorization", "x")][..],
    ] {
        let verdict = judge(&asks, &clock, &shown(headers)).await;
        assert_eq!(verdict, rejected(Rejection::Refused), "{headers:?}");
    }
    assert_eq!(stand_in.asked().len(), 4);
}
