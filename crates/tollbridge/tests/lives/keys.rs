//! Signing keys of a running server (contract, section 8).

use base64::{Engine as _, engine::general_purpose::URL_SAFE_NO_PAD};
use ring::digest::{SHA256, digest};
use serde_json::{Value, json};
use tollbridge_domain::Moment;
use tollbridge_testkit::{Behaviour, Upstream, get};

use crate::house::{House, builder, config, route, told_to_go, until};

async fn house(keys: &str) -> (Upstream, House) {
    let upstream = Upstream::behaving(Behaviour::Echo).await;
    let config = config(&[route("echo", &upstream, "")]);
    let builder = builder(&[]).config(format!("{config}[keys]\n{keys}\n"));
    (upstream, House::of(builder).await)
}

/// The key that a token says it is signed with.
fn kid_of(token: &str) -> String {
    let header = URL_SAFE_NO_PAD
        .decode(token.split('.').next().unwrap())
        .unwrap();
    let header: Value = serde_json::from_slice(&header).unwrap();
    header["kid"].as_str().unwrap().to_owned()
}

/// Keys by the command line, as `kid` and `stage`.
async fn stages(house: &House) -> Vec<(String, String)> {
    let listed: Value =
        serde_json::from_str(&house.cli(&["keys", "list", "--json"]).await).unwrap();
    let text = |value: &Value| value.as_str().unwrap().to_owned();
    let keys = listed["keys"].as_array().unwrap().iter();
    keys.map(|key| (text(&key["kid"]), text(&key["stage"])))
        .collect()
}

async fn published(house: &House) -> Vec<String> {
    let jwks = get(house.server.public(), "/.well-known/jwks.json", &[])
        .await
        .json();
    let keys = jwks["keys"].as_array().unwrap().iter();
    keys.map(|key| key["kid"].as_str().unwrap().to_owned())
        .collect()
}

/// K01.
#[tokio::test]
async fn the_published_keys_are_public_named_by_their_thumbprint_and_cacheable() {
    for (algorithm, members) in [
        ("EdDSA", &["alg", "crv", "kid", "kty", "use", "x"][..]),
        ("ES256", &["alg", "crv", "kid", "kty", "use", "x", "y"]),
    ] {
        let (_upstream, house) = house(&format!("algorithm = \"{algorithm}\"")).await;
        let address = house.server.public();
        let answer = get(address, "/.well-known/jwks.json", &[]).await;
        assert_eq!(
            answer.header("content-type"),
            Some("application/jwk-set+json")
        );
        let cache = answer.header("cache-control").unwrap();
        let age = cache.strip_prefix("public, max-age=").unwrap();
        assert!(
            age.parse::<u32>().unwrap() <= 600,
            "longer than the lead: {cache}"
        );
        let jwks = answer.json();
        let [key] = jwks["keys"].as_array().unwrap().as_slice() else {
            panic!("{jwks}");
        };
        let mut names: Vec<&str> = key
            .as_object()
            .unwrap()
            .keys()
            .map(String::as_str)
            .collect();
        names.sort_unstable();
        assert_eq!(names, members);
        assert_eq!(
            (&key["alg"], &key["use"]),
            (&json!(algorithm), &json!("sig"))
        );
        // RFC 7638: the required members, in order, without spaces.
        let required = match algorithm {
            "EdDSA" => format!(r#"{{"crv":"Ed25519","kty":"OKP","x":{}}}"#, key["x"]),
            _ => format!(
                r#"{{"crv":"P-256","kty":"EC","x":{},"y":{}}}"#,
                key["x"], key["y"]
            ),
        };
        let thumbprint = URL_SAFE_NO_PAD.encode(digest(&SHA256, required.as_bytes()));
        assert_eq!(key["kid"], thumbprint.as_str());
        assert_eq!(kid_of(&house.token("echo").await), thumbprint);

        let etag = answer.header("etag").unwrap();
        let same = get(
            address,
            "/.well-known/jwks.json",
            &[("if-none-match", etag)],
        )
        .await;
        assert_eq!((same.status, same.body.len()), (304, 0));
        assert_eq!(same.header("etag"), Some(etag));
        let command: Value = serde_json::from_str(&house.cli(&["keys", "jwks"]).await).unwrap();
        assert_eq!(command, jwks);
    }
}

/// A rotation publishes the next key and signs with it when its time has come; nobody is refused.
#[tokio::test]
async fn a_running_server_follows_a_rotation_of_the_command_line() {
    let (_upstream, house) = house("publish_before_use = \"3s\"").await;
    let before = house.token("echo").await;
    let etag = get(house.server.public(), "/.well-known/jwks.json", &[]).await;
    let said = house
        .cli(&["keys", "rotate", "--json", "--reason", "monthly"])
        .await;
    let said: Value = serde_json::from_str(&said).unwrap();
    let next = said["kid"].as_str().unwrap().to_owned();
    until(async || published(&house).await.contains(&next).then_some(())).await;
    let both = get(house.server.public(), "/.well-known/jwks.json", &[]).await;
    assert_ne!(both.header("etag"), etag.header("etag"));
    let between = house.token("echo").await;
    assert_eq!(
        kid_of(&between),
        kid_of(&before),
        "published before it signs"
    );
    let after = until(async || {
        let token = house.token("echo").await;
        (kid_of(&token) == next).then_some(token)
    })
    .await;
    for token in [before, between, after] {
        house
            .redeem("echo", &token)
            .await
            .unwrap()
            .close(1000)
            .await;
    }
    let staged = house.audited("key.staged").await;
    assert_eq!(
        (&staged[0]["who"], &staged[0]["why"]),
        (&json!("cli:grace"), &json!("monthly"))
    );
    house.audited("key.activated").await;
}

#[tokio::test]
async fn an_immediate_rotation_signs_with_the_new_key_and_refuses_nobody() {
    let (_upstream, house) = house("").await;
    let before = house.token("echo").await;
    let said = house.cli(&["keys", "rotate", "--now", "--json"]).await;
    let said: Value = serde_json::from_str(&said).unwrap();
    let next = said["kid"].as_str().unwrap();
    until(async || (kid_of(&house.token("echo").await) == next).then_some(())).await;
    house
        .redeem("echo", &before)
        .await
        .unwrap()
        .close(1000)
        .await;
    let stages = stages(&house).await;
    assert!(
        stages.contains(&(next.to_owned(), "active".to_owned())),
        "{stages:?}"
    );
    assert!(
        stages.contains(&(kid_of(&before), "retiring".to_owned())),
        "{stages:?}"
    );
}

/// K03: there is no setting for the overlap, so none can be too short. It is made of
/// `tokens.max_redeem_within`: a retiring key verifies until its last token has expired.
#[tokio::test]
async fn a_key_retires_after_the_last_token_it_signed() {
    let (_upstream, house) = house("").await;
    let longest = json!({"route": "echo", "redeem_within": 600});
    let minted = house.mint(&longest).await.json();
    house.cli(&["keys", "rotate", "--now"]).await;
    let old = kid_of(minted["token"].as_str().unwrap());
    let listed: Value =
        serde_json::from_str(&house.cli(&["keys", "list", "--json"]).await).unwrap();
    let keys = listed["keys"].as_array().unwrap();
    let key = keys.iter().find(|key| key["kid"] == old.as_str()).unwrap();
    assert_eq!(key["stage"], "retiring");
    let expires = Moment::from_seconds(minted["expires_at"].as_i64().unwrap()).to_string();
    // RFC 3339 in UTC sorts as text does.
    assert!(
        key["retire_at"].as_str().unwrap() > expires.as_str(),
        "{key} and {expires}"
    );
}

/// A revocation refuses exactly that key's tokens; with `--also-sessions` exactly that key's
/// sessions end.
#[tokio::test]
async fn a_revoked_key_takes_its_own_tokens_and_sessions_with_it_and_no_others() {
    let (_upstream, house) = house("").await;
    let mut old_session = house.session("echo").await;
    let old = house.token("echo").await;
    let said = house.cli(&["keys", "rotate", "--now", "--json"]).await;
    let said: Value = serde_json::from_str(&said).unwrap();
    let fresh = until(async || {
        let token = house.token("echo").await;
        (kid_of(&token) == said["kid"].as_str().unwrap()).then_some(token)
    })
    .await;
    let mut new_session = house.session("echo").await;
    let kid = kid_of(&old);
    let revoke = ["keys", "revoke", &kid, "--yes", "--reason", "leaked"];
    house.cli(&revoke).await;
    until(async || (!published(&house).await.contains(&kid)).then_some(())).await;
    let refused = house.redeem("echo", &old).await.unwrap_err();
    assert_eq!(
        (refused.status, refused.code()),
        (401, "token_invalid".to_owned())
    );
    old_session.echo("not without --also-sessions").await;
    house
        .redeem("echo", &fresh)
        .await
        .unwrap()
        .close(1000)
        .await;
    house
        .cli(&[&revoke[..], &["--also-sessions"]].concat())
        .await;
    told_to_go(&mut old_session, 4410, "revoked").await;
    new_session.echo("another key's").await;
    let audited = house.audited("key.revoked").await;
    assert_eq!(
        (&audited[0]["who"], &audited[0]["why"]),
        (&json!("cli:grace"), &json!("leaked"))
    );
    // The second order changed nothing about the key: it was given all the same.
    assert_eq!((&audited[0]["target"], audited.len()), (&json!(kid), 2));
}

/// K04: the active key. Another signs in the same change.
#[tokio::test]
async fn where_the_active_key_is_revoked_another_signs_at_once() {
    let (_upstream, house) = house("").await;
    let old = house.token("echo").await;
    let kid = kid_of(&old);
    house
        .told("POST", &format!("keys/{kid}/revoke"), &json!({}))
        .await;
    let fresh = house.token("echo").await;
    assert_ne!(kid_of(&fresh), kid);
    assert_eq!(
        house.redeem("echo", &old).await.unwrap_err().code(),
        "token_invalid"
    );
    house
        .redeem("echo", &fresh)
        .await
        .unwrap()
        .close(1000)
        .await;
    assert_eq!(published(&house).await, [kid_of(&fresh)]);
}

#[tokio::test]
async fn a_revocation_off_a_terminal_wants_to_be_meant() {
    let (_upstream, house) = house("").await;
    let kid = kid_of(&house.token("echo").await);
    let output = house.server.cli(&["keys", "revoke", &kid]).await;
    assert_eq!(output.status.code(), Some(2));
    assert_eq!(stages(&house).await, [(kid, "active".to_owned())]);
}
