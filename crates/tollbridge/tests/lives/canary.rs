//! S-canary: everything that a server says, at the level that says most, holds no secret.

use std::fs;

use serde_json::{Value, json};
use tollbridge_testkit::{
    Behaviour, Frame, Handshake, Logs, RawWs, Upstream, get, http, post_json,
};

use self::said::Said;
use crate::house::{CREDENTIAL, House, ORIGIN, at, builder, config, route, told_to_go, until};

mod said;

const PAYLOAD: &str = "canary-payload-3f1c55aa";
const CLOSE_REASON: &str = "canary-reason-90ab12cd";
const PASSED_QUERY: &str = "canary-passed-77aa88bb";
const DROPPED_QUERY: &str = "canary-dropped-11cc22dd";
const COOKIE: &str = "canary-cookie-5566eeff";
const IN_THE_FILE: &str = "canary-literal-ab12cd34";
const GUESSED: &str = "tbk_AAAAAAAAAAAA_BBBBBBBBBBBBBBBBBBBBBBBBBBBBBBBBBBBBBBBBBBB_CCCCCC";

/// Through mint, connect, relay, refusals, acts of operators and reloads, good ones and bad ones.
#[tokio::test]
async fn nothing_that_a_server_says_or_stores_holds_a_secret() {
    let vendor = Upstream::behaving(Behaviour::Echo).await;
    let telling = format!("{CLOSE_REASON} for {CREDENTIAL}");
    let rude = Upstream::behaving(Behaviour::CloseWith(4001, telling)).await;
    let refusing = Upstream::builder()
        .require("X-Api-Key", "another")
        .start()
        .await;
    let house = trace_house(&[&vendor, &rude, &refusing]).await;
    let admin = house.api_key("operator", "admin").await;
    let viewer = house.api_key("looking", "viewer").await;
    let mint = house.api_key("caller", "mint").await;
    let master = fs::read_to_string(house.server.dir().join("master.key")).unwrap();
    let mut secrets = Logs::new()
        .secret("admin key", &admin)
        .secret("viewer key", &viewer)
        .secret("mint key", &mint)
        .secret("guessed key", GUESSED)
        .secret("master key", master.trim())
        .secret("credential", CREDENTIAL)
        .secret("payload", PAYLOAD)
        .secret("close reason", CLOSE_REASON)
        .secret("query that passes", PASSED_QUERY)
        .secret("query that does not", DROPPED_QUERY)
        .secret("cookie", COOKIE)
        .secret("literal of a broken file", IN_THE_FILE);
    let mut said = Said::default();

    let tokens = mints(&house, &mint, &mut said).await;
    for (at, token) in tokens.iter().enumerate() {
        secrets = secrets.secret(&format!("token {at}"), token);
    }
    sessions(&house, &tokens, &mut said).await;
    operations(&house, &admin, &viewer, &mut said).await;
    reloads(&house, &mut said).await;
    said_of_itself(&house, &admin, &mut said).await;
    said.stored(house.server.dir());

    said.assert_clean(&secrets);
    let events = house.server.logs();
    for event in [
        "token.denied",
        "upgrade.denied",
        "session.closed",
        "config.reload_failed",
    ] {
        assert!(events.contains(event), "{event} did not happen");
    }
    assert!(
        events.contains("\"level\":\"DEBUG\""),
        "more than the usual is said"
    );
    let canaries = [tokens[0].as_str(), CREDENTIAL, PAYLOAD, PASSED_QUERY];
    said.seen_failing(&secrets, &canaries);
}

async fn trace_house(upstreams: &[&Upstream; 3]) -> House {
    let passes = "query_allow = [\"client-request-id\"]\nmax_uses = 2";
    let config = config(&[
        route("vendor", upstreams[0], passes),
        route("rude", upstreams[1], ""),
        route("refusing", upstreams[2], ""),
    ]);
    let text = format!("{config}[log]\nlevel = \"trace\"\nformat = \"json\"\n");
    House::of(builder(&[]).config(text)).await
}

async fn mints(house: &House, key: &str, said: &mut Said) -> Vec<String> {
    let public = house.server.public();
    let bearer = format!("Bearer {key}");
    let mut tokens = Vec::new();
    for name in ["vendor", "vendor", "vendor", "rude", "refusing"] {
        let headers = [("authorization", bearer.as_str()), ("cookie", COOKIE)];
        let answer = post_json(public, "/v1/tokens", &headers, &json!({"route": name})).await;
        let token = answer.json()["token"].as_str().unwrap().to_owned();
        said.answer("a mint", &answer, &token);
        tokens.push(token);
    }
    for (headers, body) in [
        (
            vec![("authorization", bearer.as_str())],
            json!({"route": "nowhere"}),
        ),
        (
            vec![("authorization", bearer.as_str())],
            json!({"route": "vendor", "ttl": PAYLOAD}),
        ),
        (vec![("x-api-key", GUESSED)], json!({"route": "vendor"})),
        (vec![], json!({"route": "vendor"})),
    ] {
        let path = format!("/v1/tokens?x={DROPPED_QUERY}");
        let answer = post_json(public, &path, &headers, &body).await;
        assert!(answer.status >= 400);
        // The name of an unknown field is repeated, its value is not.
        said.answer("a refused mint", &answer, "");
    }
    tokens
}

async fn sessions(house: &House, tokens: &[String], said: &mut Said) {
    let public = house.server.public();
    let query = format!("client-request-id={PASSED_QUERY}&other={DROPPED_QUERY}");
    let handshake = |name: &str, token: &str| {
        Handshake::to(&format!("/v1/bridge/{name}?token={token}&{query}")).header("Cookie", COOKIE)
    };
    let mut ws = RawWs::connect(public, handshake("vendor", &tokens[0]))
        .await
        .unwrap();
    ws.echo(PAYLOAD).await;
    ws.send(Frame::ping(PAYLOAD)).await;
    ws.send(Frame::close(4000, CLOSE_REASON)).await;
    assert_eq!(ws.close_code().await, Some(4000));
    let mut rude = RawWs::connect(public, handshake("rude", &tokens[3]))
        .await
        .unwrap();
    assert_eq!(rude.close_parts().await, Some((4001, String::new())));
    let (spent, tail) = (&tokens[0], &tokens[0][..tokens[0].len() - 4]);
    for handshake in [
        handshake("vendor", spent),
        handshake("vendor", tail),
        handshake("vendor", &format!("{spent}&token={}", tokens[1])),
        handshake("nowhere", &tokens[1]),
        handshake("rude", &tokens[1]),
        handshake("refusing", &tokens[4]),
        handshake("vendor", &tokens[1]).method("POST"),
        handshake("vendor", &tokens[1]).instead("Sec-WebSocket-Version", "8"),
        at("vendor", &tokens[1]).header("X-Long", &PAYLOAD.repeat(20_000)),
    ] {
        let refused = RawWs::connect(public, handshake).await.unwrap_err();
        said.answer("a refused handshake", &refused, "");
    }
    let page = handshake("vendor", &tokens[1]).origin("https://evil.example");
    let mut page = RawWs::connect(public, page).await.unwrap();
    let reason = told_to_go(&mut page, 4403, "origin_not_allowed").await;
    said.note("a refusal by close", reason);
    let path = format!("/v1/bridge/vendor?token={}&{query}", tokens[1]);
    for origin in [ORIGIN, "https://evil.example"] {
        let explained = get(public, &path, &[("origin", origin)]).await;
        assert_eq!(explained.status, 426);
        said.answer("an explanation", &explained, "");
    }
    let broken = http(public, format!("GET {path} HTTP/9.9\r\nbroken\r\n\r\n")).await;
    said.answer("an answer of the parser", &broken, " ");
    // One is left open, for the lists.
    let mut open = RawWs::connect(public, handshake("vendor", &tokens[2]))
        .await
        .unwrap();
    open.echo(PAYLOAD).await;
    let listed = house.only_session().await;
    let id = listed["id"].as_str().unwrap();
    let killed = house
        .told(
            "DELETE",
            &format!("sessions/{id}"),
            &json!({"reason": "test"}),
        )
        .await;
    said.note("a kill", killed.to_string());
    told_to_go(&mut open, 4410, "killed").await;
}

async fn operations(house: &House, admin: &str, viewer: &str, said: &mut Said) {
    let to = house.server.admin();
    for (key, path) in [
        (viewer, "keys/rotate"),
        (GUESSED, "drain"),
        (admin, "keys/rotate"),
    ] {
        let headers = [("authorization", format!("Bearer {key}"))];
        let headers = headers
            .each_ref()
            .map(|(name, value)| (*name, value.as_str()));
        let path = format!("/admin/v1/{path}?x={DROPPED_QUERY}");
        let answer = post_json(to, &path, &headers, &json!({})).await;
        said.answer("an operator's answer", &answer, "");
    }
    let broken = house
        .ask("POST", "revocations", &json!({"subject": 7, "x": PAYLOAD}))
        .await;
    said.note("a refused revocation", broken.body.to_string());
    let banned = house
        .told("POST", "revocations", &json!({"subject": "eve"}))
        .await;
    said.note("a revocation", banned.to_string());
    for command in [
        &["keys", "list"][..],
        &["keys", "rotate"],
        &["apikey", "list"],
        &["sessions", "list"],
        &["config", "show"],
        &["check"],
        &["check", "--json"],
        &["healthcheck"],
    ] {
        let output = house.server.cli(command).await;
        said.note(
            &command.join(" "),
            String::from_utf8_lossy(&[output.stdout, output.stderr, b"\n".to_vec()].concat()),
        );
    }
    for command in ["token inspect", "token verify"] {
        let arguments: Vec<&str> = command.split(' ').collect();
        let output = house
            .server
            .cli_with_input(&arguments, GUESSED.as_bytes())
            .await;
        said.note(command, String::from_utf8_lossy(&output.stderr));
    }
}

async fn reloads(house: &House, said: &mut Said) {
    let good = fs::read_to_string(house.server.dir().join("tollbridge.toml")).unwrap();
    house
        .server
        .rewrite_config(&good.replace("env:VENDOR_KEY", IN_THE_FILE));
    house.logged("config.reload_failed", |_| true).await;
    let answer = house.ask("POST", "reload", &Value::Null).await;
    assert_eq!(answer.status, 422);
    said.note("a failed reload", answer.body.to_string());
    let output = house.server.cli(&["check"]).await;
    assert_eq!(output.status.code(), Some(3));
    said.note("a failed check", String::from_utf8_lossy(&output.stdout));
    house.server.rewrite_config(&good);
    house.logged("config.reloaded", |_| true).await;
}

async fn said_of_itself(house: &House, admin: &str, said: &mut Said) {
    let to = house.server.admin();
    let bearer = format!("Bearer {admin}");
    // Everything that is written by and by is there once this is.
    until(async || {
        let closed = house.audited("session.closed").await;
        (closed.len() >= 3).then_some(())
    })
    .await;
    for path in [
        "overview",
        "routes",
        "sessions",
        "keys",
        "apikeys",
        "revocations",
        "denials",
        "audit?limit=1000",
        "config",
    ] {
        let path = format!("/admin/v1/{path}");
        let answer = get(to, &path, &[("authorization", &bearer)]).await;
        assert_eq!(answer.status, 200, "{path}");
        said.answer(&path, &answer, "");
    }
    for path in ["/metrics", "/readyz?verbose", "/startupz"] {
        said.answer(path, &get(to, path, &[]).await, "");
    }
    let jwks = get(house.server.public(), "/.well-known/jwks.json", &[]).await;
    said.answer("the JWK set", &jwks, "");
    said.note("standard error", house.server.logs());
    said.note("standard output", house.server.stdout());
    said.command_line(&house.server);
}
