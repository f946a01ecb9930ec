//! What is neither yes nor no, and who does not get as far as being asked about.

use std::time::Duration;

use tokio::time::sleep;

use super::*;

/// What is neither yes nor no refuses, takes no use and dials nobody.
#[tokio::test]
async fn nobodys_answer_lets_nobody_in_and_takes_no_use() {
    let upstream = Upstream::echo("x-api-key", CREDENTIAL).await;
    let hook = Hook::start().await;
    let limits = "limits.max_session = \"10m\"\nlimits.bytes_per_session = \"1KiB\"";
    let house = house(&upstream, &hook, limits).await;
    let yes = |more: &str| format!("{{\"allow\": true{more}}}");
    let page = "<!DOCTYPE html><title>Log in</title>";
    let redirect =
        |to: &str| format!("HTTP/1.1 307 Elsewhere\r\nLocation: {to}\r\nContent-Length: 0\r\n\r\n");
    let long = yes(&" ".repeat(16 * 1024));
    let says = |status: u16, body: &str| Mood::Says(answer(status, body));
    let rows: Vec<(&str, Mood)> = vec![
        ("500", says(500, &yes(""))),
        ("503", says(503, "")),
        ("429", says(429, "")),
        ("401", says(401, "")),
        ("404", says(404, page)),
        ("201 with a yes", says(201, &yes(""))),
        (
            "a redirect to itself",
            Mood::Says(redirect("/hooks/elsewhere")),
        ),
        (
            "a redirect to somebody else",
            Mood::Says(redirect("http://127.0.0.1:9/")),
        ),
        ("a login page with status 200", says(200, page)),
        ("200 and nothing", says(200, "")),
        ("\"true\" as a text", says(200, "{\"allow\": \"true\"}")),
        ("a bare true", says(200, "true")),
        (
            "yes and no",
            says(200, "{\"allow\": false, \"allow\": true}"),
        ),
        (
            "a limit that is misspelt",
            says(200, &yes(", \"max_sesion\": 1")),
        ),
        ("a negative limit", says(200, &yes(", \"max_session\": -1"))),
        ("no time at all", says(200, &yes(", \"max_session\": 0"))),
        ("half a second", says(200, &yes(", \"max_session\": 0.5"))),
        ("a limit as a text", says(200, &yes(", \"bytes\": \"12\""))),
        (
            "more time than there is",
            says(200, &yes(", \"max_session\": 601")),
        ),
        (
            "more bytes than there are",
            says(200, &yes(", \"bytes\": 1025")),
        ),
        ("a yes of more than 16 KiB", says(200, &long)),
        (
            "a yes without an end",
            Mood::Endless(format!("HTTP/1.1 200 OK\r\n\r\n{}", yes(""))),
        ),
        (
            "a yes that breaks off",
            Mood::Says("HTTP/1.1 200 OK\r\nContent-Length: 99\r\n\r\n{\"allow\": true}".to_owned()),
        ),
        ("no HTTP", Mood::Says("SSH-2.0-OpenSSH_9.9\r\n".to_owned())),
        ("a closed door", Mood::Says(String::new())),
    ];
    for (what, mood) in rows {
        let token = house.token("echo").await;
        hook.is(mood);
        let dialled = upstream.dials().len();
        let asked = hook.times();
        let refused = house.redeem("echo", &token).await.expect_err(what);
        assert_overloaded(&refused, what);
        assert_eq!(hook.times(), asked + 1, "{what}: asked once");
        assert_eq!(upstream.dials().len(), dialled, "{what}: nobody is dialled");
        hook.says(204, "");
        let mut ws = house.redeem("echo", &token).await.expect(what);
        ws.echo("now").await;
    }
    assert!(
        hook.asked()
            .iter()
            .all(|asked| asked.line.contains("/hooks/connect"))
    );
    let why = |event: &Value| event["reason"].as_str().unwrap_or_default().contains("307");
    house.logged("hook.unavailable", why).await;
    let denied = |event: &Value| event["reason"] == "the hook gave no answer";
    assert_eq!(
        house.logged("upgrade.denied", denied).await["code"],
        "overloaded"
    );
    assert_discreet(&house, &hook);
}

#[tokio::test]
async fn silence_is_nobodys_answer_when_the_time_is_over() {
    let upstream = Upstream::echo("x-api-key", CREDENTIAL).await;
    let hook = Hook::start().await;
    let more = asks(&hook).replace("10s", "300ms");
    let text = config(&[route("echo", &upstream, &more)]);
    let house = House::of(builder(&[]).config(text).env("HOOK_SECRET", SECRET)).await;
    let token = house.token("echo").await;
    hook.is(Mood::Thinks);
    assert_overloaded(&house.redeem("echo", &token).await.unwrap_err(), "silence");
    // A page reads it as a close code, with when to come back.
    let mut page = house.redeem_as_page("echo", &token).await;
    let reason = told_to_go(&mut page, 1013, "overloaded").await;
    assert!(reason.contains(";ra="), "{reason}");
    let late = |event: &Value| event["reason"] == "no answer came within 300ms";
    house.logged("hook.unavailable", late).await;
    assert!(upstream.dials().is_empty());
}

/// The hook is the last word, not the first: whoever would be refused anyhow does not reach it.
#[tokio::test]
async fn who_is_refused_anyhow_does_not_reach_the_hook() {
    let upstream = Upstream::echo("x-api-key", CREDENTIAL).await;
    let hook = Hook::start().await;
    let house = house(&upstream, &hook, "limits.sessions_per_subject = 1").await;
    let expiring = house
        .token_for(&json!({ "route": "echo", "redeem_within": 1 }))
        .await;
    let spent = house.token("echo").await;
    let mut ws = house.redeem("echo", &spent).await.unwrap();
    ws.echo("once").await;
    assert_eq!(hook.times(), 1);
    let other = json!({ "route": "echo", "subject": "grace" });
    let revoked = house.mint(&other).await.json();
    house
        .told(
            "POST",
            "revocations",
            &json!({ "jti": revoked["jti"], "reason": "leaked" }),
        )
        .await;
    let good = house.token_for(&other).await;
    let elsewhere = house
        .token_for(&json!({ "route": "free", "subject": "grace" }))
        .await;
    let crowded = house.token("echo").await;
    let text = |value: &Value| value["token"].as_str().unwrap().to_owned();
    let forged = format!("{good}x");
    let page = |token: &str| at("echo", token).origin("https://evil.example");
    // Nothing signals that a time has passed: its end, the leeway, and a second of the clock's.
    sleep(Duration::from_secs(4)).await;
    until(async || {
        let refused = house.redeem("echo", &text(&revoked)).await;
        (refused.unwrap_err().code() == "revoked").then_some(())
    })
    .await;
    for (what, handshake, status, code) in [
        ("expired", at("echo", &expiring), 401, "token_expired"),
        ("revoked", at("echo", &text(&revoked)), 410, "revoked"),
        (
            "another route's",
            at("echo", &elsewhere),
            403,
            "route_not_allowed",
        ),
        ("forged", at("echo", &forged), 401, "token_invalid"),
        (
            "none",
            Handshake::to("/v1/bridge/echo"),
            401,
            "token_missing",
        ),
        (
            "one session too many",
            at("echo", &crowded),
            429,
            "concurrency_limit",
        ),
    ] {
        let refused = RawWs::connect(house.server.public(), handshake).await;
        let refused = refused.expect_err(what);
        assert_eq!(
            (refused.status, refused.code()),
            (status, code.to_owned()),
            "{what}"
        );
    }
    let mut foreign = RawWs::connect(house.server.public(), page(&good))
        .await
        .unwrap();
    told_to_go(&mut foreign, 4403, "origin_not_allowed").await;
    ws.close(1000).await;
    house.empty().await;
    let replayed = house.redeem("echo", &spent).await.unwrap_err();
    assert_eq!(replayed.code(), "token_used");
    // Asked without an upgrade, the bridge explains and does not ask; nor does a trial of the route.
    let address = format!("/v1/bridge/echo?token={good}");
    let explained = get(house.server.public(), &address, &[]).await;
    assert_eq!(explained.status, 426);
    assert!(
        explained.text().contains("if the route's hook agrees"),
        "{explained:?}"
    );
    house.cli(&["route", "test", "echo"]).await;
    assert_eq!(hook.times(), 1, "{:?}", hook.asked());
    house
        .redeem("echo", &good)
        .await
        .unwrap()
        .echo("good")
        .await;
    assert_eq!(hook.times(), 2);
}
