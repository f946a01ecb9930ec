//! A06: no record, no act.

use serde_json::json;
use sqlx::{Connection as _, SqliteConnection};
use tollbridge_testkit::{Behaviour, Upstream, get};

use crate::house::{House, route, stderr, until};

/// The audit log takes nothing more, as on a full disk.
const SHUT: &str = "CREATE TRIGGER shut BEFORE INSERT ON audit
                    BEGIN SELECT RAISE(ABORT, 'no room'); END";
const OPEN: &str = "DROP TRIGGER shut";

async fn alter(house: &House, how: &'static str) {
    let file = house.server.dir().join("tollbridge.db");
    let url = format!("sqlite:{}", file.display());
    let mut store = SqliteConnection::connect(&url).await.unwrap();
    sqlx::query(how).execute(&mut store).await.unwrap();
    store.close().await.unwrap();
}

#[tokio::test]
async fn what_cannot_be_recorded_is_not_done() {
    let upstream = Upstream::behaving(Behaviour::Echo).await;
    let house = House::with(&[route("echo", &upstream, "")]).await;
    let mut ws = house.session("echo").await;
    let kept = house.token("echo").await;
    let id = house.only_session().await["id"]
        .as_str()
        .unwrap()
        .to_owned();
    let keys = house.told("GET", "keys", &json!({})).await;
    // What is written by and by is on disk first: it is not the matter here.
    house.audited("session.opened").await;
    alter(&house, SHUT).await;

    let kid = keys["keys"][0]["kid"].as_str().unwrap();
    for (method, path, body) in [
        ("DELETE", format!("sessions/{id}"), json!({})),
        ("POST", "keys/rotate".to_owned(), json!({})),
        ("POST", format!("keys/{kid}/revoke"), json!({})),
        (
            "POST",
            "apikeys".to_owned(),
            json!({"name": "n", "scope": "admin"}),
        ),
        ("DELETE", "apikeys/minting".to_owned(), json!({})),
        (
            "POST",
            "revocations".to_owned(),
            json!({"route": "echo", "sessions": true}),
        ),
        ("POST", "reload".to_owned(), json!({})),
        ("POST", "drain".to_owned(), json!({})),
    ] {
        let answer = house.ask(method, &path, &body).await;
        assert_eq!(answer.status, 500, "{method} {path}: {answer:?}");
    }
    for command in [
        &["keys", "rotate"][..],
        &["keys", "revoke", kid, "--yes"],
        &["apikey", "create", "--name", "n", "--scope", "admin"],
        &["apikey", "revoke", "minting"],
        &["drain"],
    ] {
        let output = house.server.cli(command).await;
        assert_eq!(
            output.status.code(),
            Some(1),
            "{command:?}: {}",
            stderr(&output)
        );
        assert!(output.stdout.is_empty(), "{command:?} gave something away");
    }
    ws.echo("neither killed nor revoked nor drained").await;
    assert_eq!(house.told("GET", "keys", &json!({})).await, keys);
    house.redeem("echo", &kept).await.unwrap().close(1000).await;

    // What just happened cannot be written either: no more of it, until it can.
    until(async || (house.mint(&json!({"route": "echo"})).await.status == 503).then_some(())).await;
    let ready = get(house.server.admin(), "/readyz?verbose", &[]).await;
    assert_eq!((ready.status, ready.code()), (503, "overloaded".to_owned()));
    assert!(
        ready.json()["checks"]
            .to_string()
            .contains("cannot be written")
    );
    let metrics = get(house.server.admin(), "/metrics", &[]).await;
    let text = metrics.text();
    let counted = text
        .lines()
        .find_map(|line| line.strip_prefix("tollbridge_store_errors_total{operation=\"audit\"} "));
    assert!(counted.unwrap().parse::<u64>().unwrap() > 0, "{counted:?}");
    ws.echo("open sessions go on").await;

    alter(&house, OPEN).await;
    until(async || (house.mint(&json!({"route": "echo"})).await.status == 201).then_some(())).await;
    let ready = get(house.server.admin(), "/readyz", &[]).await;
    assert_eq!(ready.status, 200);
    house.audited("session.closed").await;
}
