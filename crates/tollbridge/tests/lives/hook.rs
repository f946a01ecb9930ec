//! The connect hook: a team's server decides at the last moment. The real binary, real sockets,
//! and a team's server that can be anything.

use std::time::Duration;

use serde_json::{Value, json};
use tokio::{task::JoinSet, time::sleep};
use tollbridge_domain::{Clock as _, SystemClock};
use tollbridge_testkit::{Frame, Handshake, RawWs, Response, Upstream, get};

use self::stand_in::{Asked, Hook, Mood, answer};
use crate::house::{
    CREDENTIAL, House, ORIGIN, at, builder, config, route, stderr, stdout, told_to_go, until,
};

mod stand_in;

const SECRET: &str = "hook-secret-3f9a0c6e1d";

/// A house whose route `echo` asks this hook, and whose log says all there is to say.
async fn house(upstream: &Upstream, hook: &Hook, more: &str) -> House {
    let hooked = route("echo", upstream, &format!("{more}\n{}", asks(hook)));
    let rest = route("free", upstream, "");
    let text = config(&[hooked, rest]).replace("[admin]", "[log]\nlevel = \"trace\"\n\n[admin]");
    House::of(builder(&[]).config(text).env("HOOK_SECRET", SECRET)).await
}

fn asks(hook: &Hook) -> String {
    format!(
        "hook = {{ url = \"http://{}/hooks/connect?team=a\", secret = \"env:HOOK_SECRET\", \
         timeout = \"10s\" }}",
        hook.address
    )
}

/// Refused like this, with when to come back.
fn assert_overloaded(refused: &Response, what: &str) {
    assert_eq!(
        (refused.status, refused.code()),
        (503, "overloaded".to_owned()),
        "{what}"
    );
    let after: u32 = refused.header("retry-after").unwrap().parse().unwrap();
    assert!((1..=5).contains(&after), "{what}: {after}");
}

/// Of the secret and of what was signed with it, the log knows nothing.
fn assert_discreet(house: &House, hook: &Hook) {
    let logs = house.server.logs();
    assert!(!logs.contains(SECRET));
    for asked in hook.asked() {
        assert!(!logs.contains(asked.header("webhook-signature")));
        assert!(!logs.contains("team=a"));
    }
}

#[tokio::test]
async fn a_yes_lets_in_and_the_question_says_who_it_is_about_and_is_signed() {
    let upstream = Upstream::echo("x-api-key", CREDENTIAL).await;
    let hook = Hook::start().await;
    let house = house(&upstream, &hook, "").await;
    let before = SystemClock.now().seconds();
    let ask = json!({
        "route": "echo", "subject": "ada@example.com", "label": "a call",
        "metadata": { "ticket": 7 }, "origin": ORIGIN,
    });
    let minted = house.mint(&ask).await.json();
    let token = minted["token"].as_str().unwrap();
    for yes in [answer(204, ""), answer(200, "{\"allow\": true}")] {
        let (token, ask) = match hook.times() {
            0 => (token.to_owned(), Some(&ask)),
            _ => (house.token("echo").await, None),
        };
        hook.is(Mood::Says(yes));
        let handshake = at("echo", &token).origin(ORIGIN);
        let mut ws = RawWs::connect(house.server.public(), handshake)
            .await
            .unwrap();
        ws.echo("hello").await;
        let asked = hook.asked().pop().unwrap();
        assert!(asked.is_signed_with(SECRET.as_bytes()));
        assert!(!asked.is_signed_with(b"another secret of some length"));
        assert!(!format!("{asked:?}").contains(&token), "no token is told");
        if ask.is_some() {
            assert_eq!(asked.line, "POST /hooks/connect?team=a HTTP/1.1");
            assert_eq!(asked.header("content-type"), "application/json");
            let seconds: i64 = asked.header("webhook-timestamp").parse().unwrap();
            assert!((before..=SystemClock.now().seconds()).contains(&seconds));
            let question = asked.json();
            assert_eq!(question["type"], "session.connect");
            assert!(question["timestamp"].as_str().unwrap().ends_with('Z'));
            let told = json!({
                "jti": minted["jti"], "subject": "ada@example.com", "route": "echo",
                "client_id": question["data"]["client_id"], "origin": ORIGIN,
                "client_ip": "127.0.0.1", "label": "a call", "metadata": { "ticket": 7 },
                "params": {},
            });
            assert_eq!(question["data"], told);
            let client = question["data"]["client_id"].as_str().unwrap();
            assert!(client.starts_with("backend:ak_"), "{client}");
        } else {
            let data = &asked.json()["data"];
            assert_eq!(
                (&data["label"], &data["metadata"]),
                (&Value::Null, &Value::Null)
            );
        }
    }
    let asked = hook.asked();
    assert_ne!(asked[0].header("webhook-id"), asked[1].header("webhook-id"));
    // Another route has no hook.
    house.session("free").await.echo("free").await;
    assert_eq!(hook.times(), 2);
    let metrics = get(house.server.admin(), "/metrics", &[]).await;
    for line in [
        "tollbridge_hook_answers_total{outcome=\"allowed\",route=\"echo\"} 2",
        "tollbridge_hook_duration_seconds_count{outcome=\"allowed\",route=\"echo\"} 2",
    ] {
        assert!(metrics.text().contains(line), "{line}");
    }
    assert_discreet(&house, &hook);
}

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

#[tokio::test]
async fn a_no_is_told_without_its_reason_and_takes_no_use() {
    let upstream = Upstream::echo("x-api-key", CREDENTIAL).await;
    let hook = Hook::start().await;
    let house = house(&upstream, &hook, "").await;
    let token = house.token("echo").await;
    let long = "x".repeat(5_000);
    for (status, body, logged) in [
        (200, json!({ "allow": false }), ""),
        (
            200,
            json!({ "allow": false, "reason": "no-minutes-left" }),
            "no-minutes-left",
        ),
        (
            200,
            json!({ "allow": false, "reason": "a\r\n{\"event\":\"forged\"}\u{1b}[2J" }),
            "a{\"event\":\"forged\"}[2J",
        ),
        (
            200,
            json!({ "allow": false, "reason": long }),
            &"x".repeat(200),
        ),
        (403, json!({ "allow": true }), ""),
        (403, json!("<html>no</html>"), ""),
        (
            403,
            json!({ "allow": false, "reason": "banned-there" }),
            "banned-there",
        ),
    ] {
        hook.says(status, &body.to_string());
        let refused = house.redeem("echo", &token).await.unwrap_err();
        let code = (refused.status, refused.code());
        assert_eq!(code, (403, "route_not_allowed".to_owned()), "{body}");
        let mut page = house.redeem_as_page("echo", &token).await;
        let told = told_to_go(&mut page, 4403, "route_not_allowed").await;
        let why = match logged {
            "" => "the hook said no".to_owned(),
            logged => format!("the hook said no: {logged}"),
        };
        house
            .logged("upgrade.denied", |event| event["reason"] == why.as_str())
            .await;
        let shown = format!("{told} {:?}", refused);
        for word in ["minutes", "forged", "xxxx", "banned", "hook"] {
            assert!(!shown.contains(word), "{word}: {shown}");
        }
    }
    until(async || {
        let denied = house.audited("upgrade.denied").await;
        // Of refusals at once, one record is kept.
        let mut whys = denied.iter().filter_map(|entry| entry["why"].as_str());
        whys.any(|why| why.starts_with("the hook said no"))
            .then_some(())
    })
    .await;
    assert!(upstream.dials().is_empty());
    let metrics = get(house.server.admin(), "/metrics", &[]).await;
    let line = "tollbridge_hook_answers_total{outcome=\"denied\",route=\"echo\"} 14";
    assert!(metrics.text().contains(line));
    hook.says(204, "");
    house
        .redeem("echo", &token)
        .await
        .unwrap()
        .echo("now")
        .await;
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

/// As many redemptions at once, each of a token of its own.
fn redemptions(house: &House, tokens: &[String]) -> JoinSet<Result<RawWs, Response>> {
    let public = house.server.public();
    let connects = tokens
        .iter()
        .map(|token| RawWs::connect(public, at("echo", token)));
    connects.collect()
}

async fn joined<T: 'static>(mut tasks: JoinSet<T>) -> Vec<T> {
    let mut all = Vec::new();
    while let Some(one) = tasks.join_next().await {
        all.push(one.unwrap());
    }
    all
}

#[tokio::test]
async fn sixty_four_questions_are_open_at_once_and_one_more_is_not_asked() {
    let upstream = Upstream::echo("x-api-key", CREDENTIAL).await;
    let hook = Hook::start().await;
    let house = house(&upstream, &hook, "").await;
    let mut tokens = Vec::new();
    for _ in 0..65 {
        tokens.push(house.token("echo").await);
    }
    let last = tokens.pop().unwrap();
    hook.is(Mood::Thinks);
    let tasks = redemptions(&house, &tokens);
    hook.heard(64).await;
    let refused = house.redeem("echo", &last).await.unwrap_err();
    assert_overloaded(&refused, "the sixty-fifth");
    assert_eq!(hook.times(), 64);
    hook.says(204, "");
    for admitted in joined(tasks).await {
        admitted.unwrap().echo("in").await;
    }
    // Who was one too many has lost nothing.
    house.redeem("echo", &last).await.unwrap().echo("in").await;
    assert_eq!(hook.times(), 65);
}

#[tokio::test]
async fn who_fails_again_and_again_is_left_alone_and_heals_by_itself() {
    let upstream = Upstream::echo("x-api-key", CREDENTIAL).await;
    let hook = Hook::start().await;
    let house = house(&upstream, &hook, "").await;
    let mut live = house.session("echo").await;
    let token = house.token("echo").await;
    hook.says(500, "");
    for _ in 0..40 {
        let refused = house.redeem("echo", &token).await.unwrap_err();
        assert_overloaded(&refused, "broken");
    }
    // Five failures, and one trial a second at the most.
    assert!(hook.times() < 30, "{}", hook.times());
    live.echo("still here").await;
    hook.says(204, "");
    let mut healed = until(async || house.redeem("echo", &token).await.ok()).await;
    healed.echo("again").await;
    live.echo("still here").await;
    let metrics = get(house.server.admin(), "/metrics", &[]).await;
    let line = "tollbridge_hook_answers_total{outcome=\"unavailable\",route=\"echo\"}";
    assert!(metrics.text().contains(line));
}

/// Both are asked about; the use is one.
#[tokio::test]
async fn a_token_that_two_bring_at_once_opens_one_session() {
    let upstream = Upstream::echo("x-api-key", CREDENTIAL).await;
    let hook = Hook::start().await;
    let house = house(&upstream, &hook, "").await;
    let token = house.token("echo").await;
    hook.is(Mood::Thinks);
    let tasks = redemptions(&house, &[token.clone(), token]);
    hook.heard(2).await;
    hook.says(204, "");
    let (admitted, refused): (Vec<_>, Vec<_>) =
        joined(tasks).await.into_iter().partition(Result::is_ok);
    assert_eq!((admitted.len(), refused.len()), (1, 1));
    let refused = refused.into_iter().find_map(Result::err).unwrap();
    assert_eq!(refused.code(), "token_used");
    assert_eq!(upstream.dials().len(), 1);
}

/// What happens while the hook thinks counts.
#[tokio::test]
async fn a_token_that_is_revoked_while_the_hook_thinks_is_refused() {
    let upstream = Upstream::echo("x-api-key", CREDENTIAL).await;
    let hook = Hook::start().await;
    let house = house(&upstream, &hook, "").await;
    let minted = house.mint(&json!({ "route": "echo" })).await.json();
    hook.is(Mood::Thinks);
    let tasks = redemptions(&house, &[minted["token"].as_str().unwrap().to_owned()]);
    hook.heard(1).await;
    let act = json!({ "jti": minted["jti"], "reason": "leaked" });
    house.told("POST", "revocations", &act).await;
    // In force when somebody else is refused for it.
    until(async || {
        let told = explained(&house, minted["token"].as_str().unwrap()).await;
        (told["reason"] == "revoked").then_some(())
    })
    .await;
    hook.says(204, "");
    let refused = joined(tasks).await.remove(0).unwrap_err();
    assert_eq!(
        (refused.status, refused.code()),
        (410, "revoked".to_owned())
    );
    assert!(upstream.dials().is_empty());
}

async fn explained(house: &House, token: &str) -> Value {
    let address = format!("/v1/bridge/echo?token={token}");
    get(house.server.public(), &address, &[]).await.json()
}

#[tokio::test]
async fn a_yes_may_lower_limits_of_its_one_session() {
    let upstream = Upstream::echo("x-api-key", CREDENTIAL).await;
    let hook = Hook::start().await;
    let house = house(&upstream, &hook, "").await;
    hook.says(200, "{\"allow\": true, \"max_session\": 1}");
    let mut short = house.session("echo").await;
    hook.says(200, "{\"allow\": true, \"bytes\": 20}");
    let mut small = house.session("echo").await;
    hook.says(204, "");
    let mut whole = house.session("echo").await;
    told_to_go(&mut short, 4408, "max_session").await;
    small
        .send(Frame::text(
            "as many bytes as it takes to be more than twenty",
        ))
        .await;
    told_to_go(&mut small, 4429, "byte_quota").await;
    whole
        .echo("as many bytes as it takes to be more than twenty")
        .await;
    // A token's own shorter life is the limit in force.
    let token = house
        .token_for(&json!({ "route": "echo", "max_session": 60 }))
        .await;
    hook.says(200, "{\"allow\": true, \"max_session\": 61}");
    assert_overloaded(
        &house.redeem("echo", &token).await.unwrap_err(),
        "above the token's",
    );
    hook.says(200, "{\"allow\": true, \"max_session\": 60}");
    house
        .redeem("echo", &token)
        .await
        .unwrap()
        .echo("equal")
        .await;
}

/// Where the token comes in a message, the hook is asked when it is there.
#[tokio::test]
async fn a_token_in_a_first_message_goes_the_same_way() {
    let upstream = Upstream::echo("x-api-key", CREDENTIAL).await;
    let hook = Hook::start().await;
    let house = house(&upstream, &hook, "carriers.message.field = \"/key\"").await;
    let token = house.token("echo").await;
    let connect = async || {
        let handshake = Handshake::to("/v1/bridge/echo").origin(ORIGIN);
        let mut ws = RawWs::connect(house.server.public(), handshake)
            .await
            .unwrap();
        assert!(hook.times() < 3);
        let first = json!({ "key": token, "say": "hello" }).to_string();
        ws.send(Frame::text(&first)).await;
        ws
    };
    hook.says(403, "");
    told_to_go(&mut connect().await, 4403, "route_not_allowed").await;
    hook.says(500, "");
    told_to_go(&mut connect().await, 1013, "overloaded").await;
    assert!(upstream.dials().is_empty());
    hook.says(204, "");
    let mut ws = connect().await;
    let heard = format!("{:?}", ws.recv_data().await);
    assert!(!heard.is_empty());
    assert_eq!(hook.times(), 3);
    let jti = |asked: &Asked| asked.json()["data"]["jti"].clone();
    let asked = hook.asked();
    assert_eq!(jti(&asked[0]), jti(&asked[2]));
    told_to_go(&mut connect_spent(&house, &token).await, 4409, "token_used").await;
    assert_eq!(hook.times(), 3);
}

async fn connect_spent(house: &House, token: &str) -> RawWs {
    let handshake = Handshake::to("/v1/bridge/echo").origin(ORIGIN);
    let mut ws = RawWs::connect(house.server.public(), handshake)
        .await
        .unwrap();
    ws.send(Frame::text(&json!({ "key": token }).to_string()))
        .await;
    ws
}

#[tokio::test]
async fn a_secret_in_its_file_is_read_anew_and_a_weak_one_is_refused() {
    let upstream = Upstream::echo("x-api-key", CREDENTIAL).await;
    let hook = Hook::start().await;
    let more = asks(&hook).replace("env:HOOK_SECRET", "file:hook.secret");
    let encoded = "whsec_Zmlyc3QtZmlyc3QtZmlyc3Q=\n";
    let builder = builder(&[route("echo", &upstream, &more)]).file("hook.secret", encoded);
    let house = House::of(builder).await;
    house.session("echo").await.echo("first").await;
    assert!(hook.asked()[0].is_signed_with(b"first-first-first"));
    let file = house.server.dir().join("hook.secret");
    std::fs::write(&file, "second-second-second-second").unwrap();
    house.session("echo").await.echo("second").await;
    assert!(hook.asked()[1].is_signed_with(b"second-second-second-second"));
    for (weak, word) in [("short", "at least 16 bytes"), ("whsec_?", "not base64")] {
        std::fs::write(&file, weak).unwrap();
        let checked = house.server.cli(&["check"]).await;
        let said = format!("{}{}", stdout(&checked), stderr(&checked));
        assert_eq!(checked.status.code(), Some(3), "{said}");
        assert!(
            said.contains("routes.echo.hook") && said.contains(word),
            "{said}"
        );
        assert!(!said.contains(&format!("{weak}:")), "{said}");
    }
}
