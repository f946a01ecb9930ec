//! `--json` everywhere (contract, section 10).

use serde_json::Value;
use tollbridge_testkit::{Behaviour, Upstream};

use crate::house::{House, route, stdout};

/// What is on stdout is one JSON value a line, and nothing else.
#[tokio::test]
async fn every_command_speaks_json() {
    let upstream = Upstream::behaving(Behaviour::Echo).await;
    let house = House::with(&[route("echo", &upstream, "")]).await;
    let _open = house.session("echo").await;
    let id = house.only_session().await["id"]
        .as_str()
        .unwrap()
        .to_owned();
    let pem = "-----BEGIN PRIVATE KEY-----\nMC4CAQAwBQYDK2VwBCIEIAcHBwcHBwcHBwcHBwcHBwcHBwcHBwcHBwcHBwcHBwcH\n-----END PRIVATE KEY-----\n";
    let token = house.token("echo").await;
    for (command, input) in [
        ("version", ""),
        ("check", ""),
        ("migrate", ""),
        ("config show", ""),
        ("config docs", ""),
        ("keys list", ""),
        ("keys jwks", ""),
        ("keys import -", pem),
        ("keys rotate --now", ""),
        ("keys rewrap --new-master-key new.key", ""),
        ("apikey create --name n --scope viewer", ""),
        ("apikey list", ""),
        ("apikey revoke n", ""),
        ("token mint --route echo --count 2", ""),
        ("token inspect", token.as_str()),
        ("token verify", token.as_str()),
        ("healthcheck", ""),
        ("sessions list", ""),
        ("sessions kill ID", ""),
        ("keys revoke KID --yes --also-sessions", ""),
    ] {
        let kid = house.told("GET", "keys", &Value::Null).await["keys"][0]["kid"].clone();
        // Word by word: a key id may contain any two letters.
        let said = |word| match word {
            "KID" => kid.as_str().unwrap(),
            "ID" => &id,
            word => word,
        };
        let command = command.split(' ').map(said).collect::<Vec<_>>().join(" ");
        if command.contains("rewrap") {
            // Afterwards nothing opens the keys but the new one: the copy is for later commands.
            let key = house.server.dir().join("new.key");
            std::fs::copy(house.server.dir().join("master.key"), key).unwrap();
        }
        speaks_json(&house, &command, input).await;
    }
    speaks_json(&house, "reload", "").await;
    speaks_json(&house, "drain", "").await;
}

async fn speaks_json(house: &House, command: &str, input: &str) {
    let mut arguments: Vec<&str> = command.split(' ').collect();
    arguments.push("--json");
    let output = house
        .server
        .cli_with_input(&arguments, input.as_bytes())
        .await;
    assert!(output.status.success(), "{command}: {output:?}");
    let said = stdout(&output);
    assert!(!said.trim().is_empty(), "{command} says nothing");
    for line in said.lines() {
        let parsed = serde_json::from_str::<Value>(line);
        assert!(
            parsed.is_ok_and(|value| value.is_object()),
            "{command}: {line}"
        );
    }
}
