//! Sessions that an operator ends: killed, revoked.

use serde_json::{Value, json};
use tollbridge_testkit::{Behaviour, RawWs, Upstream};

use crate::house::{House, route, told_to_go, until, upstream_told};

async fn echoing(name: &str) -> (Upstream, String) {
    let upstream = Upstream::behaving(Behaviour::Echo).await;
    let route = route(name, &upstream, "");
    (upstream, route)
}

#[tokio::test]
async fn a_kill_by_the_command_line_reaches_both_sides_and_the_audit() {
    let (upstream, echo) = echoing("echo").await;
    let (_other, beside) = echoing("beside").await;
    let house = House::with(&[echo, beside]).await;
    let mut ws = house
        .session_for(&json!({"route": "echo", "subject": "ada"}))
        .await;
    let mut unrelated = house.session("beside").await;
    until(async || (house.sessions().await.len() == 2).then_some(())).await;
    let listed: Value = serde_json::from_str(
        &house
            .cli(&["sessions", "list", "--json", "--subject", "ada"])
            .await,
    )
    .unwrap();
    let [row] = listed["sessions"].as_array().unwrap().as_slice() else {
        panic!("{listed}");
    };
    let id = row["id"].as_str().unwrap();
    house
        .cli(&["sessions", "kill", id, "--reason", "left the company"])
        .await;
    let reason = told_to_go(&mut ws, 4410, "killed").await;
    assert_eq!(reason, format!("tb:killed;id={id}"));
    upstream_told(&upstream, Some(1000)).await;
    unrelated.echo("unharmed").await;
    let audited = house.audited("session.killed").await;
    assert_eq!(audited[0]["target"], id);
    assert_eq!(audited[0]["why"], "left the company");
    assert!(
        audited[0]["who"].as_str().unwrap().starts_with("cli"),
        "{audited:?}"
    );
}

#[tokio::test]
async fn a_session_that_is_not_there_cannot_be_killed() {
    let (_upstream, echo) = echoing("echo").await;
    let house = House::with(&[echo]).await;
    let output = house
        .server
        .cli(&["sessions", "kill", "0123456789abcdef"])
        .await;
    assert_eq!(output.status.code(), Some(1));
}

/// Opens a session as `ask` says and gives it with its line of the list.
async fn listed(house: &House, ask: &Value) -> (RawWs, Value) {
    let before: Vec<Value> = house.sessions().await;
    let ws = house.session_for(ask).await;
    let known = |row: &Value| before.iter().any(|other| other["id"] == row["id"]);
    let row = until(async || house.sessions().await.into_iter().find(|row| !known(row))).await;
    (ws, row)
}

/// A04, for everything that can be revoked: with `sessions` what is open ends too, and what is
/// unrelated lives on.
#[tokio::test]
async fn a_revocation_with_sessions_ends_what_it_covers_and_nothing_else() {
    let (_echo, echo) = echoing("echo").await;
    let (_beside, beside) = echoing("beside").await;
    let house = House::with(&[echo, beside]).await;
    let (mut unrelated, _) = listed(&house, &json!({"route": "beside", "subject": "eve"})).await;
    for thing in ["jti", "subject", "route", "client_id", "kid"] {
        let (mut ws, row) = listed(&house, &json!({"route": "echo", "subject": "ada"})).await;
        let value = row[thing]
            .as_str()
            .unwrap_or_else(|| panic!("no {thing} in {row}"));
        if matches!(thing, "client_id" | "kid") {
            // These cover the unrelated one, too.
            unrelated.echo("to the last").await;
        }
        let order = json!({thing: value, "reason": "test", "sessions": true});
        let told = house.told("POST", "revocations", &order).await;
        told_to_go(&mut ws, 4410, "revoked").await;
        match thing {
            "client_id" => {
                told_to_go(&mut unrelated, 4410, "revoked").await;
                assert_eq!(told["sessions_ended"], 2);
                break;
            }
            _ => {
                assert_eq!(told["sessions_ended"], 1, "{thing}");
                unrelated.echo("unharmed").await;
            }
        }
        // The next token must be of a later second than the revocation.
        until(async || {
            let token = house
                .token_for(&json!({"route": "echo", "subject": "ada"}))
                .await;
            house.redeem("echo", &token).await.ok()
        })
        .await
        .close(1000)
        .await;
        until(async || (house.sessions().await.len() == 1).then_some(())).await;
    }
    let audited = house.audited("revocation.added").await;
    assert_eq!(audited.len(), 4);
    assert!(audited.iter().all(|entry| entry["why"] == "test"));
}

#[tokio::test]
async fn a_revoked_key_id_ends_its_sessions() {
    let (upstream, echo) = echoing("echo").await;
    let house = House::with(&[echo]).await;
    let (mut ws, row) = listed(&house, &json!({"route": "echo"})).await;
    let order = json!({"kid": row["kid"], "sessions": true});
    house.told("POST", "revocations", &order).await;
    told_to_go(&mut ws, 4410, "revoked").await;
    upstream_told(&upstream, Some(1000)).await;
}

#[tokio::test]
async fn a_revocation_without_sessions_leaves_open_ones_and_refuses_the_token() {
    let (_upstream, echo) = echoing("echo").await;
    let house = House::with(&[echo]).await;
    let mut ws = house
        .session_for(&json!({"route": "echo", "subject": "ada"}))
        .await;
    let unspent = house
        .token_for(&json!({"route": "echo", "subject": "ada"}))
        .await;
    let told = house
        .told("POST", "revocations", &json!({"subject": "ada"}))
        .await;
    assert_eq!(told["sessions_ended"], 0);
    ws.echo("still open").await;
    let refused = house.redeem("echo", &unspent).await.unwrap_err();
    assert_eq!(
        (refused.status, refused.code()),
        (410, "revoked".to_owned())
    );
    let mut page = house.redeem_as_page("echo", &unspent).await;
    told_to_go(&mut page, 4410, "revoked").await;
}

/// `until` makes a revocation a ban: later tokens are covered, too.
#[tokio::test]
async fn a_ban_covers_tokens_that_are_minted_later() {
    let (_upstream, echo) = echoing("echo").await;
    let house = House::with(&[echo]).await;
    let ada = json!({"route": "echo", "subject": "ada"});
    let minted = house.mint(&ada).await.json();
    let now = minted["expires_at"].as_i64().unwrap() - minted["expires_in"].as_i64().unwrap();
    let ban = json!({"subject": "ada", "until": now + 3600});
    house.told("POST", "revocations", &ban).await;
    until(async || {
        let later = house.mint(&ada).await.json();
        let refused = house.redeem("echo", later["token"].as_str().unwrap()).await;
        assert_eq!(refused.unwrap_err().code(), "revoked");
        (later["expires_at"].as_i64() > minted["expires_at"].as_i64().map(|at| at + 1))
            .then_some(())
    })
    .await;
    let past = house
        .ask(
            "POST",
            "revocations",
            &json!({"subject": "x", "until": now - 1}),
        )
        .await;
    assert_eq!(past.status, 422, "a ban that is over already: {past:?}");
}
