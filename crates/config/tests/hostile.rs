//! No text makes the reader panic.

use std::path::Path;

use proptest::prelude::*;
use tollbridge_config::parse;

fn survive(text: &str) {
    let _ = parse(text, "t.toml", Path::new("/"), Vec::new());
}

proptest! {
    #[test]
    fn any_text_is_judged(text in any::<String>()) {
        survive(&text);
    }

    #[test]
    fn any_mutation_of_a_configuration_is_judged(
        at in 0..SAMPLE.len(),
        remove in 0_usize..9,
        insert in "[\\[\\]{}=\"'\n.,:$#*\\\\a0é-]{0,6}",
    ) {
        let mut text = SAMPLE.to_owned();
        text.replace_range(at..(at + remove).min(SAMPLE.len()), &insert);
        survive(&text);
    }

    #[test]
    fn any_variable_is_judged(name in "[A-Z_]{0,30}", value in any::<String>()) {
        let env = vec![(format!("TOLLBRIDGE__{name}"), value)];
        let _ = parse(SAMPLE, "t.toml", Path::new("/"), env);
    }
}

#[test]
fn depth_is_bounded() {
    survive(&"a.".repeat(50_000));
    survive(&format!("routes = {}", "{a=".repeat(50_000)));
    survive(&format!("paths = {}", "[".repeat(50_000)));
}

const SAMPLE: &str = r#"allow_inline_secrets = true
[server]
listen = "0.0.0.0:8080"
trusted_proxies = ["10.0.0.0/8",
  "::1"]
[callers.backend]
type = "api_key"
[routes.voice]
upstream = "wss://a.example/{id}?model={model}"
origins = ["https://app.example.com"]
callers = ["backend"]
params.model = { default = "a", allow = ["a", "b"] }
params.id = { pattern = "[0-9a-f-]{36}" }
credentials.headers = { api-key = "Bearer ${env:KEY}", b = { plain = "x" }, c = "{uuid}" }
limits.max_session = "30m"
limits.max_frame = "1MiB"
"#;
