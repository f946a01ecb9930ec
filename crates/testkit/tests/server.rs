//! The harness itself, with a shell script in the place of the binary.
#![expect(
    clippy::unwrap_used,
    reason = "helpers of tests report a broken assumption by a panic"
)]

use std::{fs, os::unix::fs::PermissionsExt as _, time::Duration};

use tempfile::TempDir;
use tollbridge_testkit::Server;

const SCRIPT: &str = r#"#!/bin/sh
trap 'echo "{\"event\":\"stopped\"}" >&2; exit 0' TERM
case "$1" in
serve)
    grep -q broken "$3" && { echo "no such key" >&2; exit 3; }
    echo "{\"event\":\"starting\",\"secret\":\"$TOLLBRIDGE_TEST\"}" >&2
    echo "public http://127.0.0.1:4001"
    echo "admin http://127.0.0.1:4002"
    echo "config 1 $3"
    while :; do sleep 0.05; done ;;
*) cat; echo "$@"; exit 5 ;;
esac
"#;

fn script() -> (TempDir, String) {
    let dir = TempDir::new().unwrap();
    let path = dir.path().join("tollbridge");
    fs::write(&path, SCRIPT).unwrap();
    fs::set_permissions(&path, fs::Permissions::from_mode(0o755)).unwrap();
    let path = path.to_str().unwrap().to_owned();
    (dir, path)
}

#[tokio::test]
async fn a_server_says_where_it_listens_and_what_it_logs() {
    let (_dir, binary) = script();
    let builder = Server::builder(&binary)
        .config("x")
        .env("TOLLBRIDGE_TEST", "seen");
    let mut server = builder.file("extra", "y").start().await;
    assert_eq!(server.public().port(), 4001);
    assert_eq!(server.admin().port(), 4002);
    assert_eq!(fs::read_to_string(server.dir().join("extra")).unwrap(), "y");
    let line = server
        .wait_for_log(|line| line.contains("starting"), Duration::from_secs(20))
        .await;
    assert!(line.contains("seen"));
    let output = server.cli_with_input(&["keys", "list"], b"input ").await;
    assert_eq!(output.status.code(), Some(5));
    assert!(output.stdout.starts_with(b"input keys list --config "));
    server.kill9();
    server.restart().await;
    assert!(server.stop().await.success());
}

#[tokio::test]
async fn a_server_that_does_not_start_says_why() {
    let (_dir, binary) = script();
    let stopped = Server::builder(&binary).config("broken").try_start().await;
    let stopped = stopped.err().unwrap();
    assert_eq!(stopped.status.code(), Some(3));
    assert_eq!(stopped.stderr, "no such key\n");
}
