//! Introspection (RFC 7662) and revocation (RFC 7009): the real binary, those whose the tokens are,
//! and those who are curious about others'.

use base64::{Engine as _, engine::general_purpose::STANDARD};
use serde_json::{Value, json};
use tollbridge_testkit::{Response, Upstream, get};

use crate::{
    forms::{FORM, error, form, post},
    house::{CREDENTIAL, House, ORIGIN, route, told_to_go, until},
    vouched::{Backend, TRUSTING},
};

const INTROSPECT: &str = "/v1/tokens/introspect";
const REVOKE: &str = "/v1/tokens/revoke";

/// Keys of every kind.
struct Keys {
    own: String,
    other: String,
    viewer: String,
    admin: String,
}

async fn house(more: &str) -> (Upstream, House, Keys) {
    let upstream = Upstream::echo("x-api-key", CREDENTIAL).await;
    let plain = route("echo", &upstream, more);
    let prefixed = route("prefixed", &upstream, "token_prefix = \"ek_\"");
    let house = House::with(&[plain, prefixed]).await;
    let keys = Keys {
        own: house.api_key("own", "mint").await,
        other: house.api_key("other", "mint").await,
        viewer: house.api_key("viewer", "viewer").await,
        admin: house.api_key("admin", "admin").await,
    };
    (upstream, house, keys)
}

async fn mint(house: &House, key: &str, ask: &Value) -> String {
    let bearer = format!("Bearer {key}");
    let headers = [("authorization", bearer.as_str())];
    let answer = tollbridge_testkit::post_json(house.server.public(), "/v1/tokens", &headers, ask);
    answer.await.json()["token"].as_str().unwrap().to_owned()
}

async fn ask(house: &House, path: &str, key: &str, token: &str) -> Response {
    let bearer = format!("Bearer {key}");
    let headers = [("Authorization", bearer.as_str()), FORM];
    let fields = [("token", token), ("token_type_hint", "refresh_token")];
    post(house, path, &headers, &form(&fields)).await
}

/// What is said of a token that is worth nothing, or is none, or is somebody else's.
async fn is_nothing(house: &House, key: &str, token: &str, what: &str) {
    let answer = ask(house, INTROSPECT, key, token).await;
    assert_eq!(answer.status, 200, "{what}");
    assert_eq!(answer.text(), r#"{"active":false}"#, "{what}");
}

#[tokio::test]
async fn a_callers_own_token_is_told_in_full_and_is_not_used_by_it() {
    let (_upstream, house, keys) = house("max_uses = 3").await;
    let wish = json!({
        "route": "echo", "subject": "ada", "uses": 3, "max_session": 60, "origin": ORIGIN,
        "label": "kiosk",
    });
    let token = mint(&house, &keys.own, &wish).await;
    for key in [&keys.own, &keys.viewer, &keys.admin] {
        let answer = ask(&house, INTROSPECT, key, &token).await;
        let told = answer.json();
        for (member, value) in [
            ("active", json!(true)),
            ("sub", json!("ada")),
            ("iss", json!("https://tollbridge.test")),
            ("aud", json!("https://tollbridge.test")),
            ("token_type", json!("tollbridge+jwt")),
            ("route", json!("echo")),
            ("uses_left", json!(3)),
            ("max_session", json!(60)),
            ("origin", json!(ORIGIN)),
            ("label", json!("kiosk")),
        ] {
            assert_eq!(told[member], value, "{member}: {told}");
        }
        let client = told["client_id"].as_str().unwrap();
        assert!(client.starts_with("backend:ak_"), "{client}");
        let seconds = |member: &str| told[member].as_i64().unwrap();
        assert_eq!(seconds("exp") - seconds("iat"), 30);
        assert_eq!(seconds("nbf"), seconds("iat"));
        assert_eq!(told.as_object().unwrap().len(), 15, "{told}");
    }
    for left in [2, 1] {
        let page = crate::house::at("echo", &token).origin(ORIGIN);
        let ws = tollbridge_testkit::RawWs::connect(house.server.public(), page).await;
        ws.unwrap().close(1000).await;
        let told = ask(&house, INTROSPECT, &keys.own, &token).await.json();
        assert_eq!(told["uses_left"], left);
    }
}

#[tokio::test]
async fn what_is_worth_nothing_looks_all_alike() {
    let (_upstream, house, keys) = house("").await;
    let echo = json!({ "route": "echo" });
    let own = mint(&house, &keys.own, &echo).await;
    let used = mint(&house, &keys.own, &echo).await;
    house.redeem("echo", &used).await.unwrap().close(1000).await;
    let revoked = mint(&house, &keys.own, &echo).await;
    let told = ask(&house, REVOKE, &keys.own, &revoked).await;
    assert_eq!(told.status, 200);
    let prefixed = mint(&house, &keys.own, &json!({ "route": "prefixed" })).await;
    assert!(prefixed.starts_with("ek_eyJ"), "{prefixed}");
    let bare = prefixed.trim_start_matches("ek_");
    for good in [&own, &prefixed, bare] {
        let told = ask(&house, INTROSPECT, &keys.own, good).await.json();
        assert_eq!(told["active"], true, "{told}");
    }
    let late = mint(
        &house,
        &keys.own,
        &json!({ "route": "echo", "redeem_within": 1 }),
    )
    .await;
    until(async || {
        let told = ask(&house, INTROSPECT, &keys.own, &late).await;
        (told.text() == r#"{"active":false}"#).then_some(())
    })
    .await;
    let foreign_issuer = Backend::start().token(&json!({}));
    let (head, signature) = own.rsplit_once('.').unwrap();
    let unsigned = format!("{head}.");
    let turned = signature.chars().rev().collect::<String>();
    let tampered = format!("{head}.{turned}");
    for (what, key, token) in [
        ("another key's", &keys.other, own.clone()),
        ("a used one", &keys.own, used),
        ("a revoked one", &keys.own, revoked),
        ("an expired one", &keys.own, late),
        ("another issuer's", &keys.admin, foreign_issuer),
        ("an unsigned one", &keys.admin, unsigned),
        ("a tampered one", &keys.admin, tampered),
        ("a prefix of another route", &keys.own, format!("ek_{own}")),
        ("a prefix of no route", &keys.own, format!("tb_{own}")),
        ("a prefix twice", &keys.own, format!("ek_ek_{bare}")),
        ("a blank before it", &keys.own, format!(" {own}")),
        ("an API key", &keys.admin, keys.own.clone()),
        ("no token at all", &keys.admin, "é".to_owned()),
        ("an over-long one", &keys.admin, "eyJ".repeat(3000)),
    ] {
        is_nothing(&house, key, &token, what).await;
    }
    let metrics = get(house.server.admin(), "/metrics", &[]).await;
    let count = |outcome: &str, least: u32| {
        let line = format!(
            "tollbridge_token_inquiries_total{{about=\"introspect\",outcome=\"{outcome}\"}} "
        );
        let counted = metrics.text().lines().find_map(|it| it.strip_prefix(&line));
        assert!(
            counted.unwrap().parse::<u32>().unwrap() >= least,
            "{outcome}"
        );
    };
    count("active", 3);
    count("inactive", 14);
}

/// Who may ask, and how they show who they are.
#[tokio::test]
async fn only_callers_and_operators_ask() {
    let (_upstream, house, keys) = house("").await;
    let token = mint(&house, &keys.own, &json!({ "route": "echo" })).await;
    let listed = house.told("GET", "apikeys", &Value::Null).await;
    let id = listed["apikeys"].as_array().unwrap().iter();
    let mut id = id.filter(|key| key["name"] == "own").map(|key| &key["id"]);
    let id = id.next_back().unwrap().as_str().unwrap().to_owned();
    let basic = |user: &str, password: &str| {
        format!("Basic {}", STANDARD.encode(format!("{user}:{password}")))
    };
    let body = form(&[("token", &token)]);
    let ask = |headers: Vec<(&'static str, String)>, path: &'static str| {
        let (house, body) = (&house, &body);
        async move {
            let headers: Vec<(&str, &str)> = headers
                .iter()
                .map(|(name, value)| (*name, value.as_str()))
                .chain([FORM])
                .collect();
            post(house, path, &headers, body).await
        }
    };
    for good in [
        vec![("Authorization", format!("Bearer {}", keys.own))],
        vec![("X-API-Key", keys.own.clone())],
        vec![("Authorization", basic(&id, &keys.own))],
        vec![("Authorization", basic("own", &keys.own))],
        vec![("Authorization", basic("%6fwn", &keys.own))],
        vec![("Authorization", basic("admin", &keys.admin))],
    ] {
        let told = ask(good.clone(), INTROSPECT).await;
        assert_eq!(told.json()["active"], true, "{good:?}: {told:?}");
    }
    let viewer = ask(vec![("X-API-Key", keys.viewer.clone())], REVOKE).await;
    assert_eq!(
        (viewer.status, error(&viewer).as_str()),
        (403, "unauthorized_client")
    );
    let forged = format!(
        "tbk_{}_{}_{}",
        "a".repeat(12),
        "b".repeat(43),
        "c".repeat(6)
    );
    for (what, bad, scheme) in [
        ("nobody", vec![], "Bearer"),
        (
            "a forged key",
            vec![("X-API-Key", forged.clone())],
            "Bearer",
        ),
        (
            "the token itself",
            vec![("Authorization", format!("Bearer {token}"))],
            "Bearer",
        ),
        (
            "another's name",
            vec![("Authorization", basic("other", &keys.own))],
            "Basic realm=\"tollbridge\"",
        ),
        (
            "no name",
            vec![("Authorization", basic("", &keys.own))],
            "Basic realm=\"tollbridge\"",
        ),
        (
            "a forged password",
            vec![("Authorization", basic("own", &forged))],
            "Basic realm=\"tollbridge\"",
        ),
        (
            "the key as the name",
            vec![("Authorization", basic(&keys.own, ""))],
            "Basic realm=\"tollbridge\"",
        ),
        (
            "two keys",
            vec![
                ("Authorization", basic("own", &keys.own)),
                ("X-API-Key", keys.other.clone()),
            ],
            "Basic realm=\"tollbridge\"",
        ),
        (
            "two headers",
            vec![
                ("Authorization", format!("Bearer {}", keys.own)),
                ("Authorization", basic("own", &keys.own)),
            ],
            "Bearer",
        ),
        (
            "a cookie",
            vec![("Cookie", format!("key={}", keys.own))],
            "Bearer",
        ),
    ] {
        for path in [INTROSPECT, REVOKE] {
            let refused = ask(bad.clone(), path).await;
            assert_eq!(
                (refused.status, error(&refused).as_str()),
                (401, "invalid_client"),
                "{what}"
            );
            assert_eq!(refused.header("www-authenticate"), Some(scheme), "{what}");
        }
    }
    // Nothing of all this has revoked it.
    house.redeem("echo", &token).await.unwrap();
}

#[tokio::test]
async fn a_body_that_is_no_small_form_with_one_token_is_refused() {
    let (_upstream, house, keys) = house("").await;
    let bearer = format!("Bearer {}", keys.admin);
    let json = ("Content-Type", "application/json");
    let long = format!("token={}", "x".repeat(17 * 1024));
    for (what, kind, body, status) in [
        ("JSON", json, r#"{"token": "x"}"#.to_owned(), 415),
        ("17 KiB", FORM, long, 413),
        (
            "no token",
            FORM,
            "token_type_hint=access_token".to_owned(),
            400,
        ),
        ("an empty token", FORM, "token=".to_owned(), 400),
        ("two tokens", FORM, "token=a&token=a".to_owned(), 400),
        (
            "two tokens, one escaped",
            FORM,
            "token=a&t%6fken=b".to_owned(),
            400,
        ),
        ("a broken escape", FORM, "token=%f".to_owned(), 400),
        ("nothing", FORM, String::new(), 400),
    ] {
        for path in [INTROSPECT, REVOKE] {
            let headers = [("Authorization", bearer.as_str()), kind];
            let refused = post(&house, path, &headers, &body).await;
            assert_eq!(
                (refused.status, error(&refused).as_str()),
                (status, "invalid_request"),
                "{what}"
            );
        }
    }
    for path in [INTROSPECT, REVOKE] {
        let got = get(house.server.public(), path, &[]).await;
        assert_eq!((got.status, got.header("allow")), (405, Some("POST")));
    }
}

#[tokio::test]
async fn who_revokes_a_token_ends_what_it_opened_and_is_on_record() {
    let (_upstream, house, keys) = house("").await;
    let echo = json!({ "route": "echo" });
    let unused = mint(&house, &keys.own, &echo).await;
    let used = mint(&house, &keys.own, &echo).await;
    let spared = mint(&house, &keys.own, &echo).await;
    let mut ended = house.redeem("echo", &used).await.unwrap();
    let mut open = house.redeem("echo", &spared).await.unwrap();
    until(async || (house.sessions().await.len() == 2).then_some(())).await;
    for token in [&unused, &used, &used] {
        let told = ask(&house, REVOKE, &keys.own, token).await;
        assert_eq!((told.status, told.body.len()), (200, 0), "{told:?}");
    }
    told_to_go(&mut ended, 4410, "revoked").await;
    let refused = house.redeem("echo", &unused).await.unwrap_err();
    assert_eq!((refused.status, refused.code().as_str()), (410, "revoked"));
    open.echo("still here").await;
    let acts = house.audited("revocation.added").await;
    assert_eq!(acts.len(), 2, "said twice, written once: {acts:?}");
    assert!(acts[0]["who"].as_str().unwrap().starts_with("backend:ak_"));
    assert!(acts[0]["target"].as_str().unwrap().starts_with("jti:"));
    // Late, by an operator, of a token that has long been spent.
    let told = ask(&house, REVOKE, &keys.admin, &spared).await;
    assert_eq!(told.status, 200);
    told_to_go(&mut open, 4410, "revoked").await;
}

/// RFC 7009, 2.2: who asks learns nothing, and nothing happens.
#[tokio::test]
async fn a_token_of_somebody_else_is_not_revoked() {
    let (_upstream, house, keys) = house("").await;
    let token = mint(&house, &keys.own, &json!({ "route": "echo" })).await;
    let (head, _) = token.rsplit_once('.').unwrap();
    for (what, key, text) in [
        ("another key", &keys.other, token.clone()),
        ("no signature", &keys.admin, format!("{head}.")),
        ("an unknown text", &keys.own, "unknown".to_owned()),
        ("an over-long one", &keys.own, "eyJ".repeat(3000)),
        (
            "another issuer's",
            &keys.admin,
            Backend::start().token(&json!({})),
        ),
    ] {
        let told = ask(&house, REVOKE, key, &text).await;
        assert_eq!((told.status, told.body.len()), (200, 0), "{what}: {told:?}");
    }
    let tried = house.audited("revocation.denied").await;
    assert_eq!(tried.len(), 1, "{tried:?}");
    assert_eq!(tried[0]["result"], "forbidden");
    house.redeem("echo", &token).await.unwrap();
}

/// All who come by one cookie have one `client_id`: whose a token is, is a matter of the subject too,
/// and a page of another site asks for nobody.
#[tokio::test]
async fn who_is_vouched_for_asks_about_tokens_of_its_own() {
    let upstream = Upstream::echo("x-api-key", CREDENTIAL).await;
    let backend = Backend::start();
    let house = crate::vouched::house(&upstream, &backend, TRUSTING).await;
    let who = |name: &'static str| ("X-Auth-Request-User", name);
    let minted = |name| {
        let house = &house;
        async move {
            let headers = [who(name)];
            let ask = json!({ "route": "echo" });
            let to = house.server.public();
            let minted = tollbridge_testkit::post_json(to, "/v1/tokens", &headers, &ask);
            minted.await.json()["token"].as_str().unwrap().to_owned()
        }
    };
    let ada = minted("ada").await;
    let body = form(&[("token", &ada)]);
    let evil = ("Origin", "https://evil.example");
    for (headers, active) in [
        (vec![who("ada")], true),
        (vec![who("ada"), ("Origin", ORIGIN)], true),
        (vec![who("bob")], false),
        (vec![who("ada"), evil], false),
    ] {
        let all = [headers.clone(), vec![FORM]].concat();
        let told = post(&house, INTROSPECT, &all, &body).await;
        assert_eq!(told.json()["active"], active, "{headers:?}");
    }
    for headers in [
        [who("bob"), FORM].to_vec(),
        [who("ada"), evil, FORM].to_vec(),
    ] {
        assert_eq!(post(&house, REVOKE, &headers, &body).await.status, 200);
    }
    house.redeem("echo", &ada).await.unwrap();
    let again = minted("ada").await;
    let revoked = post(
        &house,
        REVOKE,
        &[who("ada"), FORM],
        &form(&[("token", &again)]),
    )
    .await;
    assert_eq!(revoked.status, 200);
    let refused = house.redeem("echo", &again).await.unwrap_err();
    assert_eq!(refused.code(), "revoked");
}
