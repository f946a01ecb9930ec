//! What a command's exit code says is so.

use std::{
    fs::OpenOptions,
    process::{Command, Stdio},
};

use serde_json::json;
use tokio::task::spawn_blocking;

use crate::house::{CREDENTIAL, House, route_to, stderr};

async fn house() -> House {
    House::with(&[route_to("echo", "ws://127.0.0.1:9", "")]).await
}

#[tokio::test]
async fn a_revoked_token_does_not_verify_at_the_command_line_either() {
    let house = house().await;
    let minted = house.mint(&json!({"route": "echo"})).await.json();
    let token = minted["token"].as_str().unwrap();
    house
        .told("POST", "revocations", &json!({"jti": minted["jti"]}))
        .await;
    let refused = house
        .server
        .cli_with_input(&["token", "verify"], token.as_bytes())
        .await;
    assert_eq!(refused.status.code(), Some(5), "{refused:?}");
    assert!(stderr(&refused).contains("revoked"));
}

/// An API key is shown once: one that nobody could read was not made well.
#[tokio::test]
async fn what_cannot_be_written_is_a_failure() {
    let house = house().await;
    let full = OpenOptions::new().write(true).open("/dev/full").unwrap();
    let mut command = Command::new(env!("CARGO_BIN_EXE_tollbridge"));
    command
        .args(["apikey", "create", "--name", "lost", "--scope", "mint"])
        .arg("--config")
        .arg(house.server.dir().join("tollbridge.toml"))
        .env("VENDOR_KEY", CREDENTIAL)
        .stdout(full)
        .stderr(Stdio::piped());
    let output = spawn_blocking(move || command.output())
        .await
        .unwrap()
        .unwrap();
    assert_eq!(output.status.code(), Some(1), "{output:?}");
    assert!(stderr(&output).contains("standard output"));
}
