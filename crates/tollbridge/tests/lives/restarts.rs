//! The restart rule of one node (contract, section 9): no window for a replay.

use serde_json::{Value, json};
use sqlx::{Connection as _, SqliteConnection};
use tollbridge_testkit::{Behaviour, Upstream};

use crate::house::{House, route, told_to_go};

async fn house() -> (Upstream, House) {
    let upstream = Upstream::behaving(Behaviour::Echo).await;
    let house = House::with(&[route("echo", &upstream, "max_uses = 3")]).await;
    (upstream, house)
}

fn lasting(uses: u32) -> Value {
    json!({"route": "echo", "redeem_within": 600, "uses": uses})
}

/// Unused, used, used in part: whatever was before the start is over.
#[tokio::test]
async fn a_token_of_before_the_start_is_expired() {
    let (upstream, mut house) = house().await;
    let unused = house.token_for(&lasting(1)).await;
    let partly = house.token_for(&lasting(3)).await;
    house
        .redeem("echo", &partly)
        .await
        .unwrap()
        .close(1000)
        .await;
    house.server.restart().await;
    for token in [&unused, &partly] {
        let refused = house.redeem("echo", token).await.unwrap_err();
        assert_eq!(
            (refused.status, refused.code()),
            (401, "token_expired".to_owned())
        );
        let mut page = house.redeem_as_page("echo", token).await;
        told_to_go(&mut page, 4401, "token_expired").await;
    }
    assert_eq!(upstream.connections(), 1);
    house
        .session("echo")
        .await
        .echo("a token of after the start")
        .await;
}

/// However fast it comes back: the second in which it starts is not trusted either.
#[tokio::test]
async fn a_used_token_is_never_redeemable_after_a_crash() {
    let (upstream, mut house) = house().await;
    for round in 1..=5 {
        let token = house.token_for(&lasting(1)).await;
        let mut ws = house.redeem("echo", &token).await.unwrap();
        ws.echo("used").await;
        house.server.kill9();
        house.server.restart().await;
        let refused = house.redeem("echo", &token).await.unwrap_err();
        assert_eq!(refused.code(), "token_expired", "round {round}");
        assert_eq!(upstream.connections(), round);
    }
}

/// Keys, API keys, revocations and acts are on disk before they are acknowledged.
#[tokio::test]
async fn nothing_that_was_acknowledged_is_lost_in_a_crash() {
    let (_upstream, mut house) = house().await;
    let in_an_hour = house.mint(&lasting(1)).await.json()["expires_at"]
        .as_i64()
        .unwrap()
        + 3000;
    house.api_key("watcher", "viewer").await;
    house
        .told(
            "POST",
            "revocations",
            &json!({"subject": "eve", "until": in_an_hour}),
        )
        .await;
    let rotated = house
        .told("POST", "keys/rotate", &json!({"reason": "x"}))
        .await;
    house.server.kill9();
    house.server.restart().await;
    let keys = house.told("GET", "keys", &json!({})).await.to_string();
    assert!(keys.contains(rotated["kid"].as_str().unwrap()), "{keys}");
    let apikeys = house.told("GET", "apikeys", &json!({})).await.to_string();
    assert!(apikeys.contains("watcher"), "{apikeys}");
    for event in ["apikey.created", "revocation.added", "key.staged"] {
        house.audited(event).await;
    }
    let banned = house
        .token_for(&json!({"route": "echo", "subject": "eve"}))
        .await;
    assert_eq!(
        house.redeem("echo", &banned).await.unwrap_err().code(),
        "revoked"
    );
}

/// A socket that a crash left behind is no server, and does not stop the next one.
#[tokio::test]
async fn a_dead_servers_socket_is_nobody() {
    let (_upstream, mut house) = house().await;
    house.server.kill9();
    assert!(house.server.dir().join("tollbridge.db.sock").exists());
    let output = house.server.cli(&["sessions", "list"]).await;
    assert_eq!(output.status.code(), Some(4), "{output:?}");
    house.server.restart().await;
    house.cli(&["sessions", "list"]).await;
}

/// A clock that was set back must not look like a server that hangs.
#[tokio::test]
async fn a_start_before_the_last_one_waits_and_says_so() {
    let (_upstream, mut house) = house().await;
    let store = house.server.dir().join("tollbridge.db");
    let store = format!("sqlite:{}", store.display());
    let mut store = SqliteConnection::connect(&store).await.unwrap();
    sqlx::query("UPDATE epoch SET at = unixepoch() + 4")
        .execute(&mut store)
        .await
        .unwrap();
    store.close().await.unwrap();
    house.server.restart().await;
    let behind = house.logged("clock.behind", |_| true).await;
    assert!(behind["wait_s"].as_i64().is_some_and(|seconds| seconds > 0));
    house.session("echo").await;
}
