//! Credentials from a REST call or a program: a token, or the address to dial.

use serde_json::{Value, json};
use tollbridge_testkit::{Upstream, vendors::ElevenLabsAgents};

use crate::{
    endpoint::{self, Asked, Endpoint, Said},
    stage::{House, PAGE, Plan, heard, knock, leave, say},
};

const KEY: &str = "real-rest-key-5d1c";
const TOKEN: &str = "real-short-lived-token-81fa";

/// Echoes for this token.
async fn echo() -> Upstream {
    Upstream::echo("authorization", &format!("Bearer {TOKEN}")).await
}

/// As Deepgram gives out its tokens.
/// <https://developers.deepgram.com/reference/auth/tokens/grant>
fn grant(asked: &Asked) -> Said {
    let key = format!("Token {KEY}");
    let welcome = asked.method == "POST"
        && asked.path() == "/v1/auth/grant"
        && asked.header("authorization") == Some(key.as_str())
        && asked.header("content-type") == Some("application/json")
        && serde_json::from_str::<Value>(&asked.body).ok() == Some(json!({"ttl_seconds": 60}));
    match welcome {
        true => endpoint::json(200, &json!({"access_token": TOKEN, "expires_in": 60})),
        // As careless endpoints do, it repeats what it was told.
        false => endpoint::json(403, &json!({"error": format!("who is {KEY}?")})),
    }
}

async fn granted(body: &str) -> (House, Upstream, Endpoint) {
    let (upstream, endpoint) = (echo().await, Endpoint::answering(grant).await);
    let lines = format!(
        "upstream = \"{}\"\n\
         credentials.token_url.url = \"{}\"\n\
         credentials.token_url.headers.Authorization = \"Token ${{env:REST_KEY}}\"\n\
         credentials.token_url.body = '{body}'\n\
         credentials.token_url.token = \"/access_token\"\n\
         credentials.token_url.expires_in = \"/expires_in\"\n\
         credentials.token_url.cache_for = \"1h\"\n",
        upstream.url(),
        endpoint.url("/v1/auth/grant")
    );
    let plan = Plan::default().env("REST_KEY", KEY).secret(TOKEN);
    (
        plan.route("voice", &lines).start().await,
        upstream,
        endpoint,
    )
}

#[tokio::test]
async fn a_token_of_a_rest_call_is_used_as_long_as_it_says() {
    let (house, upstream, endpoint) = granted(r#"{"ttl_seconds":60}"#).await;
    for _ in 0..3 {
        house.enter("voice").await.echo("hello").await;
    }
    assert_eq!((upstream.dials().len(), endpoint.asked().len()), (3, 1));
    house.end().await;
}

#[tokio::test]
async fn a_rest_call_that_is_refused_dials_nobody_and_tells_no_key() {
    let (house, upstream, endpoint) = granted("{}").await;
    let token = house.mint("voice").await;
    let told = house.verdict(knock("voice", &token)).await;
    assert_eq!(told, (502, "upstream_refused".to_owned()));
    assert_eq!((upstream.connections(), endpoint.asked().len()), (0, 1));
    house
        .logged("credential.failed", |line| {
            line["reason"].to_string().contains("403")
        })
        .await;
    house.end().await;
}

fn agents(upstream: &Upstream, signs: &str) -> Plan {
    let lines = format!(
        "preset = \"elevenlabs-agents\"\n\
         upstream = \"{}/v1/convai/conversation\"\n\
         credentials.token_url.url = \"{signs}\"\n",
        upstream.url()
    );
    let plan = Plan::default()
        .env("ELEVENLABS_API_KEY", KEY)
        .secret("cvtkn_real-signature");
    plan.route("agent", &lines)
}

const SIGNS: &str = "/v1/convai/conversation/get-signed-url?agent_id=agent_1";

#[tokio::test]
async fn every_session_with_an_agent_has_a_signed_address_of_its_own() {
    let upstream = Upstream::behaving(ElevenLabsAgents::new(KEY)).await;
    let signs = format!("http://{}{SIGNS}", upstream.addr());
    let house = agents(&upstream, &signs).start().await;
    for _ in 0..3 {
        let token = house.mint("agent").await;
        let path = format!(
            "/v1/convai/conversation?source=js_sdk&version=1.25.0&agent_id=agent_9&token={token}"
        );
        let mut ws = house
            .open(tollbridge_testkit::Handshake::to(&path).origin(PAGE))
            .await;
        say(
            &mut ws,
            &json!({"type": "conversation_initiation_client_data"}),
        )
        .await;
        let begun = heard(&mut ws).await;
        assert_eq!(begun["type"], "conversation_initiation_metadata", "{begun}");
        leave(ws).await;
    }
    let dials = upstream.dials();
    assert_eq!(dials.len(), 6);
    let mut signatures = Vec::new();
    for dial in &dials {
        let signing = dial.method() == "GET" && dial.path.ends_with("get-signed-url");
        assert_eq!(dial.header_values("xi-api-key").len(), usize::from(signing));
        assert_eq!(dial.query_values("agent_id"), ["agent_1"]);
        if !signing {
            assert_eq!(dial.query_values("source"), ["js_sdk"]);
            signatures.push(dial.query_values("conversation_signature").concat());
        }
    }
    signatures.sort();
    signatures.dedup();
    assert_eq!(signatures.len(), 3);
    house.end().await;
}

#[tokio::test]
async fn a_wrong_key_for_signed_addresses_is_told() {
    let upstream = Upstream::behaving(ElevenLabsAgents::new("another-key")).await;
    let signs = format!("http://{}{SIGNS}", upstream.addr());
    let house = agents(&upstream, &signs).start().await;
    let told = house
        .verdict(knock("agent", &house.mint("agent").await))
        .await;
    assert_eq!(told, (502, "upstream_refused".to_owned()));
    let dials = upstream.dials();
    assert!(
        dials
            .iter()
            .all(|dial| dial.path.ends_with("get-signed-url"))
    );
    house.end().await;
}

/// Whoever answers the call cannot send the bridge, and what it knows, elsewhere.
#[tokio::test]
async fn a_signed_address_elsewhere_is_not_dialled() {
    let upstream = Upstream::behaving(ElevenLabsAgents::new(KEY)).await;
    let elsewhere = Upstream::behaving(tollbridge_testkit::Behaviour::Echo).await;
    let (host, port) = (elsewhere.addr(), elsewhere.addr().port());
    for url in [
        format!("ws://{host}/v1/convai/conversation?conversation_signature=cvtkn_real-signature"),
        format!("ws://localhost:{port}/v1/convai/conversation"),
        format!("ws://{}@{host}/", upstream.addr()),
        format!("ws://{}:x@{host}/", upstream.addr()),
        format!("ws://{}.{host}/", upstream.addr().ip()),
        format!("wss://{}/v1/convai/conversation", upstream.addr()),
        format!("http://{}/v1/convai/conversation", upstream.addr()),
        format!("/v1/convai/conversation?conversation_signature={host}"),
        String::new(),
    ] {
        let answer = json!({"signed_url": url.clone()});
        let endpoint = Endpoint::answering(move |_| endpoint::json(200, &answer)).await;
        let house = agents(&upstream, &endpoint.url(SIGNS)).start().await;
        let token = house.mint("agent").await;
        let (status, code) = house.verdict(knock("agent", &token)).await;
        assert_eq!((status, code.as_str()), (502, "upstream_refused"), "{url}");
        let (close, slug) = house.told(knock("agent", &token)).await;
        assert_eq!((close, slug.as_str()), (1014, "upstream_refused"), "{url}");
        house.end().await;
    }
    assert_eq!((upstream.connections(), elsewhere.connections()), (0, 0));
}

async fn commanded(command: &str) -> (House, Upstream, tempfile::TempDir) {
    let upstream = echo().await;
    let dir = tempfile::tempdir().unwrap();
    std::fs::write(dir.path().join("token"), format!("{TOKEN}\n")).unwrap();
    let command = command.replace("DIR", &dir.path().display().to_string());
    let lines = format!(
        "upstream = \"{}\"\ncredentials.token_command.command = [\"sh\", \"-c\", {}]\n\
         credentials.token_command.timeout = \"2s\"\n",
        upstream.url(),
        Value::from(command)
    );
    let plan = Plan::default().env("ANOTHER_KEY", KEY).secret(TOKEN);
    (plan.route("voice", &lines).start().await, upstream, dir)
}

#[tokio::test]
async fn a_program_prints_a_token_once_for_many() {
    let (house, upstream, dir) = commanded("echo asked >> DIR/log; cat DIR/token").await;
    for _ in 0..3 {
        house.enter("voice").await.echo("hello").await;
    }
    assert_eq!(upstream.dials().len(), 3);
    let log = std::fs::read_to_string(dir.path().join("log")).unwrap();
    assert_eq!(log, "asked\n");
    house.end().await;
}

/// A token that the upstream takes back is asked for once more.
#[tokio::test]
async fn a_program_is_run_again_where_its_token_is_not_taken() {
    let (house, upstream, dir) = commanded("cat DIR/old DIR/token 2>/dev/null").await;
    std::fs::write(dir.path().join("old"), "real-revoked-token-11").unwrap();
    std::fs::write(dir.path().join("token"), "").unwrap();
    let told = house
        .verdict(knock("voice", &house.mint("voice").await))
        .await;
    assert_eq!(told, (502, "upstream_refused".to_owned()));
    assert_eq!(upstream.dials().len(), 2);
    house.end().await;
}

#[tokio::test]
async fn a_program_that_fails_is_told_and_what_it_says_is_not() {
    for command in [
        "cat DIR/token >&2; exit 3",
        "cat DIR/token DIR/token",
        "true",
        // It sees nothing of the server's environment.
        "printf %s \"$ANOTHER_KEY\"",
        "cat DIR/token; sleep 600",
    ] {
        let (house, upstream, _dir) = commanded(command).await;
        let token = house.mint("voice").await;
        let (status, code) = house.verdict(knock("voice", &token)).await;
        let late = command.ends_with("600");
        let expected = match late {
            true => (504, "upstream_timeout"),
            false => (502, "upstream_refused"),
        };
        assert_eq!((status, code.as_str()), expected, "{command}");
        assert_eq!(upstream.connections(), 0, "{command}");
        house.end().await;
    }
}
