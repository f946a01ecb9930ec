//! The documentation against the program: every code has its page and every page its code, and
//! the shell blocks that say so are run.
#![expect(
    clippy::expect_used,
    reason = "in a test, a broken assumption is best reported by a panic where it broke"
)]

use std::{
    collections::BTreeSet,
    fs,
    path::{Path, PathBuf},
    process::Command,
    time::Duration,
};

use tollbridge_domain::Slug;
use tollbridge_http::Code;
use tollbridge_testkit::{Server, Upstream, post_json};

/// What a block may take: some wait for a rotation or a poll.
const PATIENCE: Duration = Duration::from_secs(60);

/// ADR 7: a problem's type leads to a page.
#[test]
fn every_code_has_its_page_and_every_page_its_code() {
    let codes: BTreeSet<String> = Slug::ALL
        .iter()
        .map(|slug| slug.as_str())
        .chain(Code::GENERAL.iter().map(|code| code.as_str()))
        .map(str::to_owned)
        .collect();
    let pages: BTreeSet<String> = markdown(&root().join("docs/reference/errors"))
        .iter()
        .filter_map(|page| Some(page.file_stem()?.to_str()?.to_owned()))
        .filter(|name| name != "README")
        .collect();
    assert_eq!(codes, pages);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_marked_shell_blocks_run() {
    let mut ran = 0;
    for page in markdown(&root().join("docs"))
        .into_iter()
        .chain([root().join("README.md")])
    {
        let text = fs::read_to_string(&page).expect("a page");
        for block in blocks(&text) {
            run(&page, &block).await;
            ran += 1;
        }
    }
    assert!(
        ran >= 20,
        "only {ran} blocks were found: has the mark changed?"
    );
}

/// Runs one block against a server of its own: an earlier one may have drained or revoked.
async fn run(page: &Path, block: &str) {
    let upstream = Upstream::echo("x-key", "the upstream's key").await;
    let server = Server::builder(env!("CARGO_BIN_EXE_tollbridge"))
        .config(config(&upstream))
        .start()
        .await;
    let key = server
        .cli(&["apikey", "create", "--name", "docs", "--scope", "mint"])
        .await;
    assert!(
        key.status.success(),
        "{}",
        String::from_utf8_lossy(&key.stderr)
    );
    let key = String::from_utf8(key.stdout).expect("a key is text");
    known(&server, key.trim()).await;
    let script = server.dir().join("block.sh");
    fs::write(&script, block).expect("the block is written");
    let mut command = Command::new("timeout");
    command
        .arg(PATIENCE.as_secs().to_string())
        .args(["sh", "-eu"])
        .arg(&script)
        .current_dir(server.dir())
        .env("TB", env!("CARGO_BIN_EXE_tollbridge"))
        .env("PUBLIC", format!("http://{}", server.public()))
        .env("ADMIN", format!("http://{}", server.admin()))
        .env("KEY", key.trim())
        .env("TOLLBRIDGE_CONFIG", server.dir().join("tollbridge.toml"));
    let output = tokio::task::spawn_blocking(move || command.output())
        .await
        .expect("joined")
        .expect("sh runs");
    assert!(
        output.status.success(),
        "{}: a block failed with {}\n{block}\n--- stdout\n{}\n--- stderr\n{}",
        page.display(),
        output.status,
        String::from_utf8_lossy(&output.stdout),
        String::from_utf8_lossy(&output.stderr),
    );
}

/// A running server reads new keys twice a second; the block must not begin before.
async fn known(server: &Server, key: &str) {
    let bearer = format!("Bearer {key}");
    let deadline = tokio::time::Instant::now() + PATIENCE;
    loop {
        let headers = [("authorization", bearer.as_str())];
        let answer = post_json(
            server.public(),
            "/v1/tokens",
            &headers,
            &serde_json::json!({ "route": "echo" }),
        )
        .await;
        if answer.status == 201 {
            return;
        }
        assert!(
            tokio::time::Instant::now() < deadline,
            "the key was not picked up"
        );
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
}

fn config(upstream: &Upstream) -> String {
    format!(
        r#"
allow_inline_secrets = true
[server]
listen = "127.0.0.1:0"
[admin]
listen = "127.0.0.1:0"
[callers.backend]
type = "api_key"
[routes.echo]
upstream = "{}"
origins = ["https://app.example.com"]
callers = ["backend"]
credentials.headers = {{ x-key = "the upstream's key" }}
"#,
        upstream.url()
    )
}

fn blocks(text: &str) -> Vec<String> {
    text.split("```sh test\n")
        .skip(1)
        .filter_map(|rest| rest.split_once("\n```").map(|(block, _)| block.to_owned()))
        .collect()
}

fn markdown(folder: &Path) -> Vec<PathBuf> {
    let mut found = Vec::new();
    for entry in fs::read_dir(folder).expect("a folder") {
        let path = entry.expect("an entry").path();
        if path.is_dir() {
            found.extend(markdown(&path));
        } else if path.extension().is_some_and(|extension| extension == "md") {
            found.push(path);
        }
    }
    found.sort();
    found
}

fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../..")
}
