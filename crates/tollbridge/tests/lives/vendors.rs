//! `init`, `route test` and the vendors' page.

use serde_json::Value;
use tollbridge_testkit::{Behaviour, Server, Upstream};

use crate::house::{builder, route_to, stderr, stdout};

fn bare() -> tollbridge_testkit::ServerBuilder {
    Server::builder(env!("CARGO_BIN_EXE_tollbridge"))
}

/// What `init` prints passes `check` once the vendor's key is there.
#[tokio::test]
async fn every_preset_starts_a_configuration_that_checks() {
    let listed = bare().config("").cli(&["init", "--json"]).await;
    let listed: Value = serde_json::from_str(&stdout(&listed)).unwrap();
    let presets = listed["presets"].as_array().unwrap();
    assert_eq!(presets.len(), 23);
    for preset in presets {
        let name = preset["name"].as_str().unwrap();
        let made = bare().config("").cli(&["init", "--preset", name]).await;
        assert_eq!(made.status.code(), Some(0), "{name}");
        let toml = stdout(&made);
        let shown = shown(&toml, name).await;
        assert!(
            shown.contains(&format!("# with preset {name:?}")),
            "{shown}"
        );
    }
    let unknown = bare()
        .config("")
        .cli(&["init", "--preset", "deepgrum"])
        .await;
    assert_eq!(unknown.status.code(), Some(2));
    assert!(stderr(&unknown).contains("did you mean `deepgram`?"));
}

/// Checks a configuration with every preset's variables set, and shows what it comes to. What only
/// a cluster has cannot be checked here.
async fn shown(toml: &str, name: &str) -> String {
    let make = || {
        let mut builder = bare().config(toml);
        for variable in VARIABLES {
            builder = builder.env(variable, "a-key");
        }
        builder
    };
    let checked = make().cli(&["check"]).await;
    let said = stdout(&checked);
    let in_cluster = name == "kubernetes-exec" && said.contains("/var/run/secrets");
    assert!(
        checked.status.code() == Some(0) || in_cluster,
        "{name}: {said}{}\n{toml}",
        stderr(&checked)
    );
    if in_cluster {
        return format!("# with preset {name:?}");
    }
    stdout(&make().cli(&["config", "show"]).await)
}

/// Of all presets.
const VARIABLES: &[&str] = &[
    "ASSEMBLYAI_API_KEY",
    "AZURE_OPENAI_API_KEY",
    "AZURE_VOICELIVE_API_KEY",
    "CARTESIA_API_KEY",
    "DASHSCOPE_API_KEY",
    "DEEPGRAM_API_KEY",
    "DOUBAO_ACCESS_KEY",
    "DOUBAO_API_KEY",
    "DOUBAO_APP_KEY",
    "ELEVENLABS_API_KEY",
    "GEMINI_API_KEY",
    "HOME_ASSISTANT_TOKEN",
    "IFLYTEK_API_KEY",
    "IFLYTEK_API_SECRET",
    "IFLYTEK_APP_ID",
    "KUBERNETES_TOKEN",
    "MINIMAX_API_KEY",
    "MISTRAL_API_KEY",
    "OPENAI_API_KEY",
    "SONIOX_API_KEY",
    "SPEECHMATICS_API_KEY",
    "UPSTREAM_API_KEY",
    "XAI_API_KEY",
];

#[tokio::test]
async fn a_route_is_tested_without_a_server() {
    let upstream = Upstream::builder()
        .require("x-real-key", "the-key")
        .answer("X-Tt-Logid", "log-1")
        .start()
        .await;
    let more = "keep_response_headers = ['X-Tt-Logid']\nparams.model = { allow = ['a', 'b'], default = 'a' }\ncredentials.headers.x-real-key = 'env:KEY'";
    let url = format!("{}/{{model}}", upstream.url());
    let routes = [route_to("voice", &url, more)];
    let test = |arguments: &[&str], key: &str| {
        let arguments: Vec<String> = ["route", "test", "voice"]
            .iter()
            .chain(arguments)
            .map(|it| (*it).to_owned())
            .collect();
        let builder = builder(&routes).env("KEY", key);
        async move {
            let arguments: Vec<&str> = arguments.iter().map(String::as_str).collect();
            builder.cli(&arguments).await
        }
    };
    let good = test(&["--param", "model=b"], "the-key").await;
    assert_eq!(good.status.code(), Some(0), "{}", stderr(&good));
    let said = stdout(&good);
    assert!(said.contains("status       101"), "{said}");
    assert!(said.contains("returned     x-tt-logid: log-1"), "{said}");
    assert!(!said.contains("the-key"));
    assert_eq!(upstream.dials()[0].path, "/b/up");

    let bad = test(&["--json"], "another-key").await;
    assert_eq!(bad.status.code(), Some(5));
    let told: Value = serde_json::from_str(&stdout(&bad)).unwrap();
    assert_eq!(told["status"], 401);
    assert_eq!(told["refused"], "upstream_refused");
    assert!(!format!("{}{}", stdout(&bad), stderr(&bad)).contains("another-key"));

    for wrong in [
        &["--param", "model=c"],
        &["--param", "voice=a"],
        &["--param", "x"],
    ] {
        assert_eq!(
            test(wrong, "the-key").await.status.code(),
            Some(2),
            "{wrong:?}"
        );
    }
}

/// The key that a vendor repeats in its refusal is not printed.
#[tokio::test]
async fn a_refusal_is_shown_without_the_key() {
    let upstream = Upstream::behaving(Behaviour::Refuse {
        status: 403,
        headers: vec![("X-Request-Id".to_owned(), "req-1".to_owned())],
        body: "{\"error\":\"key sk-0123456789 is not ours\"}".to_owned(),
    })
    .await;
    let more = "credentials.headers.authorization = 'Bearer ${env:KEY}'";
    let output = builder(&[route_to("voice", &upstream.url(), more)])
        .env("KEY", "sk-0123456789")
        .cli(&["route", "test", "voice"])
        .await;
    assert_eq!(output.status.code(), Some(5));
    let said = stdout(&output);
    assert!(said.contains("key [redacted] is not ours"), "{said}");
    assert!(said.contains("x-request-id=req-1"), "{said}");
}
