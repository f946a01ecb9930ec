//! The limits of a session: what is off, what leans on what, what is said about it.

use std::{path::Path, time::Duration};

use tollbridge_config::{IdleCounts, Limits, Problems, Settings, parse};

const ROUTE: &str = r#"
[callers.backend]
type = "api_key"
[routes.voice]
upstream = "wss://api.example.com/"
origins = ["https://app.example.com"]
callers = ["backend"]
[routes.voice.limits]
"#;

fn check(lines: &str) -> Result<Settings, Problems> {
    let text = format!("{ROUTE}{lines}");
    let loaded = parse(&text, "t.toml", Path::new("/base"), Vec::new());
    loaded.map(|loaded| loaded.settings)
}

fn limits(lines: &str) -> Limits {
    let settings = check(lines).unwrap_or_else(|problems| panic!("{problems}"));
    let mut limits = settings.routes.into_values().map(|route| route.limits);
    limits.next().unwrap_or_else(|| panic!("no route"))
}

/// The one complaint about these lines.
fn complaint(lines: &str) -> String {
    let Err(Problems(problems)) = check(lines) else {
        panic!("accepted: {lines}");
    };
    assert_eq!(problems.len(), 1, "{problems:#?}");
    problems[0].to_string()
}

#[test]
fn what_the_contract_does_not_name_is_off() {
    let limits = limits("");
    assert_eq!(limits.client_idle_timeout, None);
    assert_eq!(limits.upstream_idle_timeout, None);
    assert_eq!(limits.idle_counts, IdleCounts::Data);
    assert_eq!(limits.pong_timeout, None);
    assert_eq!(limits.upstream_ping_interval, None);
    assert_eq!(limits.upstream_pong_timeout, None);
}

#[test]
fn each_is_what_was_written_and_is_shown_as_written() {
    let written = "client_idle_timeout = \"90s\"\nupstream_idle_timeout = \"2m\"\n\
                   idle_counts = \"control\"\npong_timeout = \"7s\"\n\
                   upstream_ping_interval = \"40s\"\nupstream_pong_timeout = \"1500ms\"\n";
    let expected = |seconds| Some(Duration::from_secs(seconds));
    let limits = limits(written);
    assert_eq!(limits.client_idle_timeout, expected(90));
    assert_eq!(limits.upstream_idle_timeout, expected(120));
    assert_eq!(limits.idle_counts, IdleCounts::Control);
    assert_eq!(limits.pong_timeout, expected(7));
    assert_eq!(limits.upstream_ping_interval, expected(40));
    let pong_timeout = limits.upstream_pong_timeout;
    assert_eq!(pong_timeout, Some(Duration::from_millis(1500)));
    let shown = check(written).unwrap().show();
    for line in written.lines() {
        assert!(shown.lines().any(|shown| shown == line), "{line}\n{shown}");
    }
}

#[test]
fn zero_and_never_are_off_where_off_is_a_choice() {
    for never in ["0s", "never"] {
        let limits = limits(&format!(
            "client_idle_timeout = '{never}'\nupstream_idle_timeout = '{never}'\n\
             upstream_ping_interval = '{never}'"
        ));
        assert_eq!(limits.client_idle_timeout, None);
        assert_eq!(limits.upstream_idle_timeout, None);
        assert_eq!(limits.upstream_ping_interval, None);
    }
    assert!(complaint("pong_timeout = '0s'").contains("more than nothing"));
}

#[test]
fn a_pong_is_not_waited_for_where_nothing_is_pinged() {
    assert_eq!(
        complaint("ping_interval = '0s'\npong_timeout = '5s'"),
        "t.toml:10:16: error: nothing is pinged: `ping_interval` is off \
         (routes.voice.limits.pong_timeout)"
    );
    assert_eq!(
        complaint("upstream_pong_timeout = '5s'"),
        "t.toml:9:25: error: nothing is pinged: `upstream_ping_interval` is off \
         (routes.voice.limits.upstream_pong_timeout)"
    );
    limits("pong_timeout = '5s'");
    limits("upstream_ping_interval = '9s'\nupstream_pong_timeout = '5s'");
}

#[test]
fn only_the_two_words_say_what_counts() {
    assert!(complaint("idle_counts = 'dta'").contains("did you mean `data`?"));
}

/// It goes out before anybody is known, in one piece.
#[test]
fn a_greeting_is_short_and_json() {
    let greeting = |text: &str| {
        let carrier = "[routes.voice.carriers.message]\nfield = \"/token\"\n";
        complaint(&format!("{carrier}greeting = '{text}'"))
    };
    assert!(greeting("{").contains("not JSON"));
    let long = format!("\"{}\"", "x".repeat(4096));
    assert!(greeting(&long).contains("at most 4096 bytes"));
}
