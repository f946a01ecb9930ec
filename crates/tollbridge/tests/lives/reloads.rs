//! A new configuration for a running server (contract, section 5).

use serde_json::{Value, json};
use tollbridge_testkit::{Behaviour, Upstream, get};

use crate::house::{House, builder, config, route, stderr, until};

async fn house() -> (Upstream, House) {
    let upstream = Upstream::behaving(Behaviour::Echo).await;
    let house = House::with(&[route("kept", &upstream, ""), route("old", &upstream, "")]).await;
    (upstream, house)
}

#[tokio::test]
async fn a_reload_brings_routes_takes_routes_and_leaves_sessions_alone() {
    let (upstream, house) = house().await;
    let mut on_old = house.session("old").await;
    let mut on_kept = house.session("kept").await;
    let unspent = house.token("old").await;
    house.server.rewrite_config(&config(&[
        route("kept", &upstream, "limits.max_session = \"1s\""),
        route("new", &upstream, ""),
    ]));
    let said: Value = serde_json::from_str(&house.cli(&["reload", "--json"]).await).unwrap();
    assert!(said["generation"].as_u64().unwrap() >= 2, "{said}");
    assert_eq!(said["needs_restart"], json!([]));
    house.session("new").await.echo("new").await;
    assert_eq!(house.mint(&json!({"route": "old"})).await.status, 403);
    let gone = house.redeem("old", &unspent).await.unwrap_err();
    assert_eq!(
        (gone.status, gone.code()),
        (404, "unknown_route".to_owned())
    );
    // Until a session under the new limits has come to its end, these have outlived it.
    let mut short = house.session("kept").await;
    assert_eq!(short.close_code().await, Some(4408));
    on_old.echo("its route is gone").await;
    on_kept.echo("its route has other limits").await;
}

#[tokio::test]
async fn a_broken_file_changes_nothing_and_says_so_until_it_is_mended() {
    let (upstream, house) = house().await;
    let good = config(&[route("kept", &upstream, "")]);
    house
        .server
        .rewrite_config(&format!("{good}[server2]\nlisten = 7\n"));
    let failed = house.logged("config.reload_failed", |_| true).await;
    assert!(
        failed["reason"].as_str().unwrap().contains("server2"),
        "{failed}"
    );
    let answer = house.ask("POST", "reload", &json!({})).await;
    assert_eq!(answer.status, 422);
    let detail = answer.body["detail"].as_str().unwrap();
    assert!(
        detail.contains("tollbridge.toml:") && detail.contains("server2"),
        "{detail}"
    );
    let output = house.server.cli(&["reload"]).await;
    assert_eq!(output.status.code(), Some(3), "{}", stderr(&output));
    let metrics = get(house.server.admin(), "/metrics", &[]).await;
    assert!(
        metrics
            .text()
            .contains("tollbridge_config_last_reload_successful 0")
    );
    house.session("old").await.echo("still there").await;

    house.server.rewrite_config(&good);
    house.logged("config.reloaded", |_| true).await;
    assert_eq!(house.mint(&json!({"route": "old"})).await.status, 403);
    let metrics = get(house.server.admin(), "/metrics", &[]).await;
    assert!(
        metrics
            .text()
            .contains("tollbridge_config_last_reload_successful 1")
    );
}

/// A disk that is full leaves an empty file behind, which would parse.
#[tokio::test]
async fn a_file_without_routes_takes_none_away() {
    let (_upstream, house) = house().await;
    house.server.rewrite_config("");
    let failed = house.logged("config.reload_failed", |_| true).await;
    assert_eq!(failed["reason"], "the file has no routes any more");
    assert_eq!(house.ask("POST", "reload", &json!({})).await.status, 422);
    house.session("old").await.echo("still there").await;
}

/// What parses and cannot run is not taken either.
#[tokio::test]
async fn a_file_with_a_secret_that_is_not_there_is_not_taken() {
    let (upstream, house) = house().await;
    let wants = "credentials.headers.X-Other = \"file:not-there\"";
    house
        .server
        .rewrite_config(&config(&[route("kept", &upstream, wants)]));
    let failed = house.logged("config.reload_failed", |_| true).await;
    assert!(
        failed["reason"].as_str().unwrap().contains("X-Other"),
        "{failed}"
    );
    house.session("kept").await.echo("as before").await;
}

#[tokio::test]
async fn what_needs_a_restart_is_named_and_waits_for_it() {
    let (upstream, house) = house().await;
    let changed = config(&[route("kept", &upstream, "")])
        .replace("workers = 1", "workers = 2")
        .replace("tollbridge.test", "tollbridge.example");
    house.server.rewrite_config(&changed);
    for _ in 0..2 {
        // As long as it waits, every reload says so.
        let said: Value = serde_json::from_str(&house.cli(&["reload", "--json"]).await).unwrap();
        assert_eq!(
            said["needs_restart"],
            json!(["server.workers", "tokens.issuer"])
        );
    }
    house
        .session("kept")
        .await
        .echo("minted and redeemed as before")
        .await;
}

/// K03: what a reload lets mint can be redeemed, and its key lives as long.
#[tokio::test]
async fn a_longer_window_is_in_force_everywhere_or_nowhere() {
    let (upstream, house) = house().await;
    let longer = "[tokens]\nmax_redeem_within = \"1h\"";
    let changed = config(&[route("kept", &upstream, "")]).replace("[tokens]", longer);
    house.server.rewrite_config(&changed);
    house.cli(&["reload"]).await;
    let minted = house
        .mint(&json!({"route": "kept", "redeem_within": 3600}))
        .await;
    match minted.status {
        201 => {
            let minted = minted.json();
            let token = minted["token"].as_str().unwrap();
            house.redeem("kept", token).await.unwrap().close(1000).await;
        }
        status => assert_eq!(status, 422),
    }
}

#[tokio::test]
async fn a_signal_and_a_change_of_the_file_reload_too_and_are_in_the_audit() {
    let (upstream, house) = house().await;
    house.server.signal("HUP");
    house
        .logged("config.reloaded", |event| event["generation"] == 2)
        .await;
    house
        .server
        .rewrite_config(&config(&[route("kept", &upstream, "")]));
    house
        .logged("config.reloaded", |event| event["generation"] == 3)
        .await;
    let entries = until(async || {
        let entries = house.audited("config.reloaded").await;
        (entries.len() == 2).then_some(entries)
    })
    .await;
    let from: Vec<&str> = entries
        .iter()
        .map(|it| it["from"].as_str().unwrap())
        .collect();
    assert_eq!(from, ["file", "signal"], "newest first");
}

/// An entry says what happened: what was refused did not.
#[tokio::test]
async fn a_reload_that_failed_is_not_recorded_as_one() {
    let (_upstream, house) = house().await;
    house.server.rewrite_config("nonsense = ");
    house.logged("config.reload_failed", |_| true).await;
    assert_eq!(house.ask("POST", "reload", &json!({})).await.status, 422);
    house
        .told(
            "POST",
            "apikeys",
            &json!({"name": "after", "scope": "viewer"}),
        )
        .await;
    house.audited("apikey.created").await;
    let all = house
        .told("GET", "audit?event=config.reloaded", &json!({}))
        .await;
    assert_eq!(all["entries"], json!([]));
}

/// A secret in a file is read again when it changes, without a reload.
#[tokio::test]
async fn a_changed_secret_is_used_from_the_next_session_on() {
    let upstream = Upstream::behaving(Behaviour::Echo).await;
    let routes = [route("echo", &upstream, "")];
    let config = config(&routes).replace("env:VENDOR_KEY", "file:vendor.key");
    let builder = builder(&[])
        .config(config)
        .file("vendor.key", "first-value\n");
    let house = House::of(builder).await;
    let mut before = house.session("echo").await;
    std::fs::write(house.server.dir().join("vendor.key.new"), "second-value\n").unwrap();
    let [new, file] = ["vendor.key.new", "vendor.key"].map(|name| house.server.dir().join(name));
    std::fs::rename(new, file).unwrap();
    house.session("echo").await.close(1000).await;
    before.echo("untouched").await;
    let dials = upstream.dials();
    let seen: Vec<_> = dials
        .iter()
        .map(|dial| dial.header_values("x-api-key"))
        .collect();
    assert_eq!(seen, [["first-value"], ["second-value"]]);
}
