//! What an issuer says about an opaque token.

use std::{sync::Arc, time::Duration};

use serde_json::{Value, json};
use tollbridge_authn::{Rejection, Verdict};
use tollbridge_callers::{Introspection, IntrospectionOptions, SubjectFrom};
use tollbridge_domain::Secret;
use tollbridge_testkit::ManualClock;

use crate::{
    NOW, bearer, judge, name, rejected, shown,
    stand_in::{StandIn, answer, json},
    subject, tls,
};

fn options(stand_in: &StandIn) -> IntrospectionOptions {
    IntrospectionOptions {
        name: name("opaque"),
        url: stand_in.url("/introspect").parse().unwrap(),
        client_id: "bridge".to_owned(),
        client_secret: Arc::new(|| Ok(Secret::new("s3cr3t:%".to_owned()))),
        audience: None,
        scope: None,
        subject: SubjectFrom::Claim("sub".to_owned()),
        cache_for: Duration::ZERO,
    }
}

fn with(options: IntrospectionOptions, clock: &ManualClock) -> Introspection {
    Introspection::new(options, tls(), Arc::new(clock.clone()))
}

pub(crate) fn made(stand_in: &StandIn, clock: &ManualClock) -> Introspection {
    with(options(stand_in), clock)
}

fn clock() -> ManualClock {
    ManualClock::at(NOW)
}

fn saying(body: &Value) -> StandIn {
    let told = json(body);
    StandIn::answering(move |_| told.clone())
}

fn good() -> Value {
    json!({
        "active": true, "sub": "ada", "aud": "bridge", "client_id": "page",
        "scope": "openid voice", "exp": NOW.seconds() + 60,
    })
}

#[actix_rt::test]
async fn the_issuer_is_asked_as_the_rfc_has_it() {
    let stand_in = saying(&good());
    let asks = made(&stand_in, &clock());
    let verdict = judge(&asks, &clock(), &bearer("opaque~1.2+/=")).await;
    assert_eq!(subject(&verdict), "ada");
    let [asked] = stand_in.asked().try_into().expect("one question");
    assert_eq!((&*asked.method, &*asked.target), ("POST", "/introspect"));
    assert_eq!(
        asked.body,
        "token=opaque%7E1.2%2B%2F%3D&token_type_hint=access_token"
    );
    assert_eq!(
        asked.header("content-type"),
        ["application/x-www-form-urlencoded"]
    );
    // bridge:s3cr3t%3A%25
    assert_eq!(
        asked.header("authorization"),
        ["Basic YnJpZGdlOnMzY3IzdCUzQSUyNQ=="]
    );
}

#[actix_rt::test]
async fn what_is_no_bearer_token_of_somebody_elses_has_nobody_asked() {
    let stand_in = saying(&good());
    let asks = made(&stand_in, &clock());
    for headers in [
        &[][..],
        &[("authorization", "Basic dTpw")][..],
        &[("authorization", "Bearer tbk_0123")][..],
        &[("cookie", "sid=1")][..],
    ] {
        let verdict = judge(&asks, &clock(), &shown(headers)).await;
        assert_eq!(verdict, Verdict::Absent, "{headers:?}");
    }
    for token in ["a b", "a\tb", "é", &"x".repeat(17_000)] {
        let verdict = judge(&asks, &clock(), &bearer(token)).await;
        assert_eq!(verdict, rejected(Rejection::Malformed), "{token:.9}");
    }
    let twice = shown(&[("authorization", "Bearer a"), ("authorization", "Bearer b")]);
    let verdict = judge(&asks, &clock(), &twice).await;
    assert_eq!(verdict, rejected(Rejection::Ambiguous));
    assert!(stand_in.asked().is_empty());
}

#[actix_rt::test]
async fn an_answer_about_another_token_than_ours_is_no() {
    let now = NOW.seconds();
    for (changes, why) in [
        (json!({ "active": false }), Rejection::Inactive),
        (json!({ "exp": now }), Rejection::Expired),
        (json!({ "exp": now - 1 }), Rejection::Expired),
        (json!({ "exp": "later" }), Rejection::Claim),
        (json!({ "nbf": now + 1 }), Rejection::NotYet),
        (json!({ "aud": "billing" }), Rejection::WrongAudience),
        (
            json!({ "aud": ["billing", "page"] }),
            Rejection::WrongAudience,
        ),
        (json!({ "aud": [] }), Rejection::WrongAudience),
        (
            json!({ "aud": "billing", "client_id": "bridge" }),
            Rejection::WrongAudience,
        ),
        (
            json!({ "aud": null, "client_id": "other" }),
            Rejection::WrongAudience,
        ),
        (
            json!({ "aud": null, "client_id": null }),
            Rejection::WrongAudience,
        ),
        (json!({ "scope": "openid" }), Rejection::WrongScope),
        (
            json!({ "scope": "openid voice2 xvoice" }),
            Rejection::WrongScope,
        ),
        (json!({ "scope": null }), Rejection::WrongScope),
        (json!({ "sub": null }), Rejection::NoSubject),
        (json!({ "sub": "" }), Rejection::NoSubject),
    ] {
        let mut body = good();
        for (name, value) in changes.as_object().unwrap() {
            body[name] = value.clone();
            if value.is_null() {
                body.as_object_mut().unwrap().remove(name);
            }
        }
        let stand_in = saying(&body);
        let options = IntrospectionOptions {
            scope: Some("voice".to_owned()),
            ..options(&stand_in)
        };
        let verdict = judge(&with(options, &clock()), &clock(), &bearer("t")).await;
        assert_eq!(verdict, rejected(why), "{changes}");
    }
}

/// Anybody can bring a token of a kind that the endpoint does not take; nobody else pays for it.
#[actix_rt::test]
async fn a_token_that_the_endpoint_cannot_take_is_no_and_no_outage() {
    let good = good();
    let stand_in = StandIn::answering(move |asked| match asked.body.contains("token=strange") {
        true => answer(400, "", r#"{"error":"unsupported_token_type"}"#),
        false => json(&good),
    });
    let asks = made(&stand_in, &clock());
    for _ in 0..20 {
        let verdict = judge(&asks, &clock(), &bearer("strange")).await;
        assert_eq!(verdict, rejected(Rejection::Inactive));
    }
    assert_eq!(
        judge(&asks, &clock(), &bearer("t")).await.as_str(),
        "accepted"
    );
}

/// A secret that was changed on one side only is no fault of those who come.
#[actix_rt::test]
async fn a_400_about_our_own_client_is_an_outage() {
    for error in ["invalid_client", "unauthorized_client"] {
        let body = format!(r#"{{"error":"{error}"}}"#);
        let stand_in = StandIn::answering(move |_| answer(400, "", &body));
        let verdict = judge(&made(&stand_in, &clock()), &clock(), &bearer("t")).await;
        assert_eq!(verdict.as_str(), "unavailable", "{error}");
    }
}

#[actix_rt::test]
async fn a_token_may_be_for_a_named_audience_or_for_the_client_itself() {
    let mut own = good();
    own.as_object_mut().unwrap().remove("aud");
    own["client_id"] = json!("bridge");
    let mut named = good();
    named["aud"] = json!(["x", "https://voice.example.com"]);
    for (body, audience) in [(own, None), (named, Some("https://voice.example.com"))] {
        let stand_in = saying(&body);
        let options = IntrospectionOptions {
            audience: audience.map(str::to_owned),
            ..options(&stand_in)
        };
        let verdict = judge(&with(options, &clock()), &clock(), &bearer("t")).await;
        assert_eq!(subject(&verdict), "ada");
    }
}

#[actix_rt::test]
async fn what_is_no_answer_is_nobodys() {
    let good = good().to_string();
    let without_active = good.replace("\"active\":true,", "");
    let with_text = good.replace("\"active\":true", "\"active\":\"true\"");
    let with_number = good.replace("\"active\":true", "\"active\":1");
    let twice = good.replace("\"active\":true", "\"active\":false,\"active\":true");
    let huge = format!("{}{good}", " ".repeat(64 * 1024));
    for told in [
        answer(401, "", &good),
        answer(403, "", &good),
        answer(302, "Location: /elsewhere\r\n", &good),
        answer(500, "", &good),
        answer(201, "", &good),
        answer(200, "", "<html>"),
        answer(200, "", "null"),
        answer(200, "", &without_active),
        answer(200, "", &with_text),
        answer(200, "", &with_number),
        answer(200, "", &twice),
        answer(200, "", &huge),
        String::new(),
    ] {
        let shown_as: String = told.chars().take(200).collect();
        let stand_in = StandIn::answering(move |_| told.clone());
        let verdict = judge(&made(&stand_in, &clock()), &clock(), &bearer("t")).await;
        assert_eq!(verdict.as_str(), "unavailable", "{shown_as}");
    }
}

#[actix_rt::test]
async fn a_yes_is_used_again_and_never_beyond_its_end() {
    let stand_in = saying(&good());
    let options = IntrospectionOptions {
        cache_for: Duration::from_secs(40),
        ..options(&stand_in)
    };
    let clock = clock();
    let asks = with(options, &clock);
    for (seconds, times) in [(0, 1), (39, 1), (1, 2), (19, 2)] {
        clock.advance(seconds);
        let verdict = judge(&asks, &clock, &bearer("t")).await;
        assert_eq!(subject(&verdict), "ada");
        assert_eq!(stand_in.asked().len(), times);
    }
    // Sixty seconds are over, and the second answer's forty are not.
    clock.advance(1);
    let verdict = judge(&asks, &clock, &bearer("t")).await;
    assert_eq!(verdict, rejected(Rejection::Expired));
    assert_eq!(stand_in.asked().len(), 3);
    let other = judge(&asks, &clock, &bearer("t2")).await;
    assert_eq!(other, rejected(Rejection::Expired));
}

#[actix_rt::test]
async fn a_secret_that_cannot_be_read_asks_nobody() {
    let stand_in = saying(&good());
    let options = IntrospectionOptions {
        client_secret: Arc::new(|| Err("file:/gone".to_owned())),
        ..options(&stand_in)
    };
    let verdict = judge(&with(options, &clock()), &clock(), &bearer("t")).await;
    assert_eq!(verdict.as_str(), "unavailable");
    assert!(stand_in.asked().is_empty());
}
