//! The connect hook: a team's server decides at the last moment. The real binary, real sockets,
//! and a team's server that can be anything.

use serde_json::{Value, json};
use tollbridge_domain::{Clock as _, SystemClock};
use tollbridge_testkit::{Frame, Handshake, RawWs, Response, Upstream, get};

use self::stand_in::{Asked, Hook, Mood, answer};
use crate::house::{
    CREDENTIAL, House, ORIGIN, at, builder, config, route, stderr, stdout, told_to_go, until,
};

mod outages;
mod races;
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
    ws.send(Frame::text(json!({ "key": token }).to_string()))
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
