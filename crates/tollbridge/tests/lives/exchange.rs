//! Token exchange (RFC 8693): the real binary, an identity provider, and who tries to cheat it.

use std::sync::atomic::Ordering;

use serde_json::json;
use tollbridge_testkit::{Frame, Response, Upstream, get};

use crate::{
    forms::{FORM, error, form, post},
    house::{CREDENTIAL, House, ORIGIN, route},
    vouched::{Backend, TRUSTING},
};

const GRANT: &str = "urn:ietf:params:oauth:grant-type:token-exchange";
const JWT: &str = "urn:ietf:params:oauth:token-type:jwt";
const ACCESS_TOKEN: &str = "urn:ietf:params:oauth:token-type:access_token";
const BRIDGE: &str = "urn:tollbridge:token-type:bridge";

struct World {
    upstream: Upstream,
    backend: Backend,
    house: House,
}

impl World {
    async fn new() -> Self {
        let upstream = Upstream::echo("x-api-key", CREDENTIAL).await;
        let backend = Backend::start();
        let house = crate::vouched::house(&upstream, &backend, TRUSTING).await;
        Self {
            upstream,
            backend,
            house,
        }
    }

    /// A provider that knows no token but those it signs, and whose callers `more` has the last of.
    async fn strict(more: &str) -> Self {
        let upstream = Upstream::echo("x-api-key", CREDENTIAL).await;
        let backend = Backend::start();
        let callers = backend.callers();
        let sso = callers.split("[callers.app]").next().unwrap();
        let listed = route("echo", &upstream, "");
        let listed = listed.replace("[\"backend\"]", "[\"backend\", \"sso\"]");
        let text = crate::house::config(&[format!("{sso}{more}\n\n{listed}")]);
        let house = House::of(crate::house::builder(&[]).config(text)).await;
        Self {
            upstream,
            backend,
            house,
        }
    }

    /// Posts the fields of a good exchange, after these changes; `None` leaves one out.
    async fn ask(&self, headers: &[(&str, &str)], changes: &[(&str, Option<&str>)]) -> Response {
        let token = self.backend.token(&json!({}));
        let good = [
            ("grant_type", GRANT),
            ("subject_token", &token),
            ("subject_token_type", JWT),
            ("audience", "echo"),
        ];
        let changed = |name: &str| changes.iter().find(|(known, _)| *known == name);
        let kept = good.iter().filter(|(name, _)| changed(name).is_none());
        let added = changes
            .iter()
            .filter_map(|(name, value)| Some((*name, (*value)?)));
        let fields: Vec<_> = kept.copied().chain(added).collect();
        let headers = [headers, &[FORM]].concat();
        post(&self.house, "/v1/oauth/token", &headers, &form(&fields)).await
    }
}

#[tokio::test]
async fn a_token_of_ones_own_provider_becomes_one_that_opens_a_session() {
    let world = World::new().await;
    for (kind, token) in [
        (JWT, world.backend.token(&json!({}))),
        (ACCESS_TOKEN, world.backend.token(&json!({}))),
        (ACCESS_TOKEN, "opaque-token".to_owned()),
    ] {
        let fields = [
            ("subject_token_type", Some(kind)),
            ("subject_token", Some(token.as_str())),
            ("requested_token_type", Some(BRIDGE)),
            // Without a value, as if it were not there; unknown, passed over.
            ("scope", Some("")),
            ("client_id", Some("gateway")),
        ];
        let answer = world.ask(&[], &fields).await;
        assert_eq!(answer.status, 200, "{answer:?}");
        let body = answer.json();
        let mut members: Vec<&String> = body.as_object().unwrap().keys().collect();
        members.sort();
        let expected = "access_token expires_in issued_token_type token_type url";
        assert_eq!(members, expected.split(' ').collect::<Vec<_>>());
        assert_eq!(body["issued_token_type"], BRIDGE);
        assert_eq!(body["token_type"], "N_A");
        assert_eq!(body["expires_in"], 30);
        let token = body["access_token"].as_str().unwrap();
        let url = body["url"].as_str().unwrap();
        assert!(url.ends_with(&format!("/v1/bridge/echo?token={token}")));
        let mut ws = world.house.redeem("echo", token).await.unwrap();
        ws.send(Frame::text("exchanged")).await;
        let _echo = ws.recv_data().await;
    }
    let minted = crate::house::until(async || {
        let minted = world.house.audited("token.minted").await;
        (minted.len() == 3).then_some(minted)
    })
    .await;
    let who: Vec<_> = minted.iter().map(|entry| entry["who"].as_str()).collect();
    assert_eq!(who, [Some("opaque"), Some("sso"), Some("sso")]);
    assert!(
        minted
            .iter()
            .all(|entry| entry["facts"]["subject"] == "ada")
    );
    let metrics = get(world.house.server.admin(), "/metrics", &[]).await;
    let line = "tollbridge_tokens_minted_total{auth=\"sso\",route=\"echo\"} 2";
    assert!(metrics.text().contains(line), "{}", metrics.text());
}

/// Each is one attack, and the word by which it is refused.
#[tokio::test]
async fn what_is_not_exchanged() {
    let world = World::strict("").await;
    let key = world.house.api_key("stolen", "mint").await;
    let admin = world.house.api_key("admin", "admin").await;
    let bridge = world.house.token("echo").await;
    let token = |changes| world.backend.token(&changes);
    let forged = format!("{}x", token(json!({})));
    let unsigned = {
        let whole = token(json!({}));
        let claims = whole.split('.').nth(1).unwrap();
        format!("eyJhbGciOiJub25lIn0.{claims}.")
    };
    let expired = token(json!({ "exp": 1 }));
    let issuer = token(json!({ "iss": "https://evil.example" }));
    let two_lines = format!("{}\r\nCookie: sid=1", token(json!({})));
    let subject = |text| vec![("subject_token", Some(text))];
    let typed = |kind| vec![("subject_token_type", Some(kind))];
    let request = "invalid_request";
    for (what, changes, expected) in [
        ("an API key", subject(key.as_str()), request),
        (
            "an API key as an access token",
            [subject(&key), typed(ACCESS_TOKEN)].concat(),
            request,
        ),
        (
            "an admin key as an access token",
            [subject(&admin), typed(ACCESS_TOKEN)].concat(),
            request,
        ),
        ("a bridge token", subject(&bridge), request),
        ("no algorithm", subject(&unsigned), request),
        ("a forged signature", subject(&forged), request),
        ("an expired token", subject(&expired), request),
        ("another issuer", subject(&issuer), request),
        ("a header in the token", subject(&two_lines), request),
        ("an opaque text as a JWT", subject("opaque-token"), request),
        ("no token", vec![("subject_token", None)], request),
        ("an empty token", subject(""), request),
        ("no type", vec![("subject_token_type", None)], request),
        (
            "an ID token",
            typed("urn:ietf:params:oauth:token-type:id_token"),
            request,
        ),
        (
            "a refresh token",
            typed("urn:ietf:params:oauth:token-type:refresh_token"),
            request,
        ),
        ("no grant type", vec![("grant_type", None)], request),
        (
            "another grant",
            vec![("grant_type", Some("client_credentials"))],
            "unsupported_grant_type",
        ),
        (
            "a refresh token wanted",
            vec![(
                "requested_token_type",
                Some("urn:ietf:params:oauth:token-type:refresh_token"),
            )],
            request,
        ),
        (
            "an actor",
            vec![("actor_token", Some(bridge.as_str()))],
            request,
        ),
        ("a scope", vec![("scope", Some("admin"))], "invalid_scope"),
        ("no route", vec![("audience", None)], request),
        (
            "an unknown route",
            vec![("audience", Some("nowhere"))],
            "invalid_target",
        ),
        (
            "a resource",
            vec![("resource", Some("https://voice.example"))],
            "invalid_target",
        ),
        (
            "two routes",
            vec![("audience", Some("echo")), ("audience", Some("echo"))],
            "invalid_target",
        ),
        (
            "the token twice",
            vec![
                ("subject_token", Some(forged.as_str())),
                ("subject_token", Some("opaque-token")),
            ],
            request,
        ),
        (
            "an unknown parameter twice",
            vec![("x", Some("1")), ("x", Some("1"))],
            request,
        ),
    ] {
        let refused = world.ask(&[], &changes).await;
        assert_eq!(refused.status, 400, "{what}: {refused:?}");
        assert_eq!(error(&refused), expected, "{what}: {refused:?}");
        assert!(!refused.text().contains(&key), "{what}");
    }
    assert!(world.upstream.dials().is_empty());
}

/// Only what is in the form counts.
#[tokio::test]
async fn no_header_vouches_for_anybody_here() {
    let world = World::new().await;
    let key = format!("Bearer {}", world.house.api_key("stolen", "mint").await);
    let token = format!("Bearer {}", world.backend.token(&json!({})));
    for header in [
        ("Authorization", key.as_str()),
        ("Authorization", token.as_str()),
        ("Cookie", "sid=1"),
        ("X-Auth-Request-User", "ada"),
    ] {
        let refused = world.ask(&[header], &[("subject_token", None)]).await;
        assert_eq!(refused.status, 400, "{header:?}: {refused:?}");
        let refused = world
            .ask(&[header], &[("subject_token", Some("eyJ.e30.x"))])
            .await;
        assert_eq!(refused.status, 400, "{header:?}: {refused:?}");
    }
    let foreign = world.ask(&[("Origin", "https://evil.example")], &[]).await;
    assert_eq!(
        (foreign.status, error(&foreign).as_str()),
        (400, "invalid_target")
    );
    let own = world.ask(&[("Origin", ORIGIN)], &[]).await;
    assert_eq!(own.status, 200, "{own:?}");
}

#[tokio::test]
async fn a_body_that_is_no_small_form_is_refused() {
    let world = World::new().await;
    let to = |headers: Vec<(&'static str, &'static str)>, body: String| {
        let house = &world.house;
        async move { post(house, "/v1/oauth/token", &headers, &body).await }
    };
    let long = format!("grant_type={}", "x".repeat(17 * 1024));
    for (what, headers, body, status) in [
        (
            "JSON",
            vec![("Content-Type", "application/json")],
            json!({ "grant_type": GRANT }).to_string(),
            415,
        ),
        ("no type", vec![], "grant_type=x".to_owned(), 415),
        (
            "a multipart form",
            vec![("Content-Type", "multipart/form-data; boundary=x")],
            String::new(),
            415,
        ),
        (
            "compressed",
            vec![FORM, ("Content-Encoding", "gzip")],
            String::new(),
            415,
        ),
        ("17 KiB", vec![FORM], long, 413),
        ("nothing", vec![FORM], String::new(), 400),
        (
            "a broken escape",
            vec![FORM],
            "grant_type=%zz".to_owned(),
            400,
        ),
        ("no UTF-8", vec![FORM], "grant_type=%ff".to_owned(), 400),
        ("65 fields", vec![FORM], "a&".repeat(65), 400),
    ] {
        let refused = to(headers, body).await;
        assert_eq!(refused.status, status, "{what}: {refused:?}");
        assert_eq!(error(&refused), "invalid_request", "{what}");
    }
    let got = get(world.house.server.public(), "/v1/oauth/token", &[]).await;
    assert_eq!((got.status, got.header("allow")), (405, Some("POST")));
}

#[tokio::test]
async fn an_outage_and_a_rate_say_when_to_come_back() {
    let world = World::strict("mints_per_minute = 2").await;
    world.backend.broken.store(true, Ordering::SeqCst);
    let out = world.ask(&[], &[]).await;
    assert_eq!(
        (out.status, error(&out).as_str()),
        (503, "temporarily_unavailable")
    );
    world.backend.broken.store(false, Ordering::SeqCst);
    for _ in 0..2 {
        crate::house::until(async || {
            let answer = world.ask(&[], &[]).await;
            (answer.status == 200).then_some(())
        })
        .await;
    }
    let many = world.ask(&[], &[]).await;
    assert_eq!(
        (many.status, error(&many).as_str()),
        (429, "temporarily_unavailable")
    );
}

/// A caller that asks its issuer about any text never asks about a key of ours.
#[tokio::test]
async fn an_api_key_is_not_shown_to_somebody_elses_server() {
    let world = World::new().await;
    for (name, scope) in [("stolen", "mint"), ("admin", "admin")] {
        let key = world.house.api_key(name, scope).await;
        let refused = world
            .ask(
                &[],
                &[
                    ("subject_token", Some(key.as_str())),
                    ("subject_token_type", Some(ACCESS_TOKEN)),
                ],
            )
            .await;
        assert_eq!(refused.status, 400, "{refused:?}");
    }
}
