//! The command line (contract, section 10).

use serde_json::Value;
use tollbridge_testkit::{Behaviour, Server, ServerBuilder, Upstream};

use crate::house::{House, at, builder, route, route_to, stderr, stdout};

/// Surroundings without a server.
fn alone() -> ServerBuilder {
    builder(&[route_to("echo", "ws://127.0.0.1:9", "max_uses = 3")])
}

async fn house() -> (Upstream, House) {
    let upstream = Upstream::behaving(Behaviour::Echo).await;
    let house = House::with(&[route("echo", &upstream, "max_uses = 3")]).await;
    (upstream, house)
}

const FIVE_MISTAKES: &str = r#"[server]
listn = "127.0.0.1:0"
drain_window = 20

[callers.backend]
type = "api_keys"

[routes.echo]
upstream = "http://127.0.0.1:9/"
origins = ["https://app.example.com/path"]
callers = ["backend"]
"#;

#[tokio::test]
async fn check_names_five_mistakes_in_one_run() {
    let broken = || Server::builder(env!("CARGO_BIN_EXE_tollbridge")).config(FIVE_MISTAKES);
    let output = broken().cli(&["check"]).await;
    assert_eq!(output.status.code(), Some(3));
    let said = stdout(&output);
    for place in [
        "tollbridge.toml:2:1: error: ",
        "tollbridge.toml:3:16: error: ",
        "tollbridge.toml:6:8: error: ",
        "tollbridge.toml:9:12: error: ",
        "tollbridge.toml:10:12: error: ",
    ] {
        assert!(said.contains(place), "{place} in\n{said}");
    }
    assert!(said.contains("listen"), "the nearest key: {said}");
    let output = broken().cli(&["check", "--json"]).await;
    assert_eq!(output.status.code(), Some(3));
    let said: Value = serde_json::from_str(&stdout(&output)).unwrap();
    let lines: Vec<&Value> = said["problems"]
        .as_array()
        .unwrap()
        .iter()
        .map(|it| &it["line"])
        .collect();
    assert_eq!(lines, [2, 3, 6, 9, 10]);
    let refused = broken().try_start().await.err().unwrap();
    assert_eq!(refused.status.code(), Some(3));
    assert!(
        refused.stderr.contains("tollbridge.toml:10:12"),
        "{}",
        refused.stderr
    );
}

/// One key in 64 has a name that looks like an option.
const NOBODYS: &str = "-hAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA";

/// Data on stdout, words on stderr; one code for each kind of end.
#[tokio::test]
async fn each_kind_of_end_has_its_exit_code() {
    for (arguments, code) in [
        (&["version"][..], 0),
        (&["check"], 0),
        (&["--help"], 0),
        (&["apikey", "revoke", "nobody"], 1),
        (&["keys", "revoke", NOBODYS, "--yes"], 1),
        (&["keys", "revoke", "--yes", NOBODYS], 1),
        (&["frobnicate"], 2),
        (&["token", "mint"], 2),
        (&["token", "mint", "--route", "echo", "--count", "0"], 2),
        (&["token", "mint", "--route", "echo", "--param", "x"], 2),
        (&["sessions", "kill", "../../keys"], 2),
        (&["sessions", "list"], 4),
        (&["drain"], 4),
        (&["reload"], 4),
        (&["healthcheck"], 4),
        (&["token", "verify"], 5),
        (&["token", "inspect"], 5),
    ] {
        let output = alone().cli(arguments).await;
        assert_eq!(
            output.status.code(),
            Some(code),
            "{arguments:?}: {output:?}"
        );
        assert_eq!(
            output.stdout.is_empty(),
            code != 0 || arguments == ["check"],
            "{arguments:?}"
        );
        assert!(
            code == 0 || !output.stderr.is_empty(),
            "{arguments:?} says nothing"
        );
    }
    let missing = Server::builder(env!("CARGO_BIN_EXE_tollbridge"));
    let output = missing
        .cli(&["keys", "list", "--config", "elsewhere.toml"])
        .await;
    assert_ne!(output.status.code(), Some(0));
}

#[tokio::test]
async fn tokens_are_minted_without_a_server_and_judged_as_by_one() {
    let (_upstream, house) = house().await;
    let mint = [
        "token",
        "mint",
        "--route",
        "echo",
        "--count",
        "3",
        "--subject",
        "ada",
        "--uses",
        "2",
    ];
    let said = house.cli(&mint).await;
    let tokens: Vec<&str> = said.lines().collect();
    assert_eq!(tokens.len(), 3);
    assert!(tokens[0] != tokens[1] && tokens[1] != tokens[2]);
    for token in &tokens {
        for _ in 0..2 {
            house.redeem("echo", token).await.unwrap().close(1000).await;
        }
        let spent = house.redeem("echo", token).await.unwrap_err();
        assert_eq!(spent.code(), "token_used");
    }
    let input = tokens[0].as_bytes();
    let inspected = house
        .server
        .cli_with_input(&["token", "inspect"], input)
        .await;
    assert!(stderr(&inspected).contains("NOT VERIFIED"));
    assert!(
        stdout(&inspected).contains("\"ada\""),
        "{}",
        stdout(&inspected)
    );
    let verified = house
        .server
        .cli_with_input(&["token", "verify"], input)
        .await;
    let verdict: Value = serde_json::from_str(&stdout(&verified)).unwrap();
    assert_eq!(
        (&verdict["valid"], &verdict["subject"]),
        (&true.into(), &"ada".into())
    );

    let (start, end) = tokens[0].split_at(tokens[0].len() - 20);
    let forged = format!("{start}{}", end.chars().rev().collect::<String>());
    let refused = house
        .server
        .cli_with_input(&["token", "verify"], forged.as_bytes())
        .await;
    assert_eq!(refused.status.code(), Some(5));
    assert!(stderr(&refused).contains("token_invalid"));
    assert!(
        !stderr(&refused).contains(start),
        "a refused token is not repeated"
    );
    let minted = house.audited("token.minted").await;
    assert_eq!(
        minted
            .iter()
            .filter(|entry| entry["who"] == "cli:grace")
            .count(),
        3
    );
}

#[tokio::test]
async fn a_mint_beyond_the_policy_is_refused_at_the_command_line_too() {
    for wrong in [
        &["--uses", "4"][..],
        &["--uses", "0"],
        &["--redeem-within", "601"],
        &["--max-session", "3601"],
        &["--origin", "https://evil.example"],
        &["--param", "model=x"],
    ] {
        let arguments = [&["token", "mint", "--route", "echo"], wrong].concat();
        let output = alone().cli(&arguments).await;
        assert_eq!(output.status.code(), Some(1), "{wrong:?}: {output:?}");
        assert!(output.stdout.is_empty(), "{wrong:?}");
    }
    let output = alone().cli(&["token", "mint", "--route", "nowhere"]).await;
    assert_eq!(output.status.code(), Some(1));
}

#[tokio::test]
async fn a_schema_is_brought_up_to_date_once() {
    let (_upstream, house) = house().await;
    let said: Value = serde_json::from_str(&house.cli(&["migrate", "--json"]).await).unwrap();
    assert_eq!(said["before"], said["after"], "serve has done it: {said}");
    assert!(said["after"].as_u64().unwrap() > 0, "{said}");
    let fresh = alone().cli(&["migrate", "--json"]).await;
    let fresh: Value = serde_json::from_str(&stdout(&fresh)).unwrap();
    assert_eq!(
        (&fresh["before"], &fresh["after"]),
        (&0.into(), &said["after"])
    );
}

/// Over the admin listener, with a key, as from another machine.
#[tokio::test]
async fn a_server_can_be_commanded_over_its_admin_listener() {
    let upstream = Upstream::behaving(Behaviour::Echo).await;
    let house = House::with(&[route("echo", &upstream, "")]).await;
    let _open = house.session("echo").await;
    house.only_session().await;
    let address = format!("http://{}", house.server.admin());
    let key = house.api_key("remote", "admin").await;
    let remote = |key: &str| alone().env("TOLLBRIDGE_ADMIN_KEY", key);
    let list = ["sessions", "list", "--json", "--admin", &address];
    let output = remote(&key).cli(&list).await;
    assert!(output.status.success(), "{output:?}");
    let listed: Value = serde_json::from_str(&stdout(&output)).unwrap();
    assert_eq!(listed["sessions"].as_array().unwrap().len(), 1);
    for wrong in ["", "tbk_wrong"] {
        let output = remote(wrong).cli(&list).await;
        assert_eq!(output.status.code(), Some(1), "{output:?}");
        assert!(stderr(&output).contains("401"), "{output:?}");
    }
}

#[tokio::test]
async fn health_is_asked_of_the_running_server() {
    let (_upstream, mut house) = house().await;
    assert!(house.cli(&["healthcheck"]).await.contains("drain"));
    let open = house.token("echo").await;
    let ws = tollbridge_testkit::RawWs::connect(house.server.public(), at("echo", &open)).await;
    let _deaf = ws.unwrap();
    house.server.sigterm();
    house.logged("drain.started", |_| true).await;
    let output = house.server.cli(&["healthcheck"]).await;
    assert_eq!(output.status.code(), Some(1), "{output:?}");
    house.server.kill9();
    let output = house.server.cli(&["healthcheck"]).await;
    assert_eq!(output.status.code(), Some(4), "{output:?}");
}
