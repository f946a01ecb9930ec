//! `[routes.NAME.hook]`: what it takes, and what it refuses.

use std::path::Path;

use tollbridge_config::{Hook, Loaded, Problems, parse};

fn check(hook: &str, env: &[(&str, &str)]) -> Result<Loaded, Problems> {
    let text = format!(
        "allow_inline_secrets = true\n[callers.app]\ntype = 'api_key'\n[routes.a]\n\
         upstream = 'wss://h/'\norigins = ['https://a.example']\ncallers = ['app']\n{hook}"
    );
    let env = env.iter();
    let env = env.map(|(name, value)| ((*name).to_owned(), (*value).to_owned()));
    parse(&text, "t.toml", Path::new("/base"), env.collect())
}

fn good(hook: &str) -> Loaded {
    check(hook, &[]).unwrap_or_else(|problems| panic!("{hook}\n{problems}"))
}

fn the_hook(loaded: &Loaded) -> Option<Hook> {
    let mut routes = loaded.settings.routes.values();
    routes.next().and_then(|route| route.hook.clone())
}

const HOOK: &str =
    "[routes.a.hook]\nurl = 'https://app.example/hook'\nsecret = 'env:HOOK_SECRET'\n";

#[test]
fn a_hook_is_an_address_and_a_secret() {
    let hook = the_hook(&good(HOOK)).unwrap_or_else(|| panic!("no hook"));
    assert_eq!(hook.url, "https://app.example/hook");
    assert_eq!(hook.secret.to_string(), "env:HOOK_SECRET");
    assert_eq!(hook.timeout.as_secs(), 2);
    assert!(the_hook(&good("")).is_none());
    for url in [
        "http://127.0.0.1:3000/hook",
        "http://[::1]/hook",
        "http://10.0.0.5/hook",
        "http://192.168.1.2:80/hook",
        "http://[fd00::1]/hook",
        "http://[::ffff:10.0.0.5]/hook",
    ] {
        good(&HOOK.replace("https://app.example/hook", url));
    }
}

#[test]
fn it_is_shown_without_its_secret_and_its_file_is_watched() {
    let file = HOOK.replace("env:HOOK_SECRET", "file:hook.secret");
    let loaded = good(&format!("{file}timeout = '500ms'\n"));
    let shown = loaded.settings.show();
    for line in [
        "[routes.a.hook]",
        "url = \"https://app.example/hook\"",
        "secret = \"file:/base/hook.secret\"",
        "timeout = \"500ms\"",
    ] {
        assert!(shown.contains(line), "{line}\n{shown}");
    }
    let again = parse(&shown, "shown.toml", Path::new("/base"), Vec::new());
    let again = again.unwrap_or_else(|problems| panic!("{shown}\n{problems}"));
    assert_eq!(again.settings.show(), shown);
    assert!(loaded.files.contains(&"/base/hook.secret".into()));
    let literal = good(&HOOK.replace("env:HOOK_SECRET", "hunter2-hunter2-hunter2"));
    let shown = literal.settings.show();
    assert!(
        shown.contains("[redacted]") && !shown.contains("hunter2"),
        "{shown}"
    );
}

#[test]
fn what_would_not_do_is_refused_by_name_and_place() {
    for (hook, key, word) in [
        (
            HOOK.replace("secret = 'env:HOOK_SECRET'\n", ""),
            "secret",
            "missing",
        ),
        (
            "[routes.a.hook]\nsecret = 'env:X'\n".to_owned(),
            "url",
            "missing",
        ),
        (HOOK.replace("https:", "http:"), "url", "https"),
        (
            HOOK.replace("https://app.example", "http://localhost:3000"),
            "url",
            "https",
        ),
        (
            HOOK.replace("https://app.example", "http://app:3000"),
            "url",
            "https",
        ),
        (
            HOOK.replace("https://app.example", "http://203.0.113.9"),
            "url",
            "https",
        ),
        (
            HOOK.replace("https://app.example", "http://169.254.169.254"),
            "url",
            "https",
        ),
        (
            HOOK.replace("https://app.example", "http://127.0.0.1.evil.test"),
            "url",
            "https",
        ),
        (HOOK.replace("https://", "https://u:p@"), "url", "URL"),
        (HOOK.replace("/hook'", "/hook#x'"), "url", "URL"),
        (HOOK.replace("https:", "ftp:"), "url", "URL"),
        (
            format!("{HOOK}timeout = '0s'\n"),
            "timeout",
            "more than nothing",
        ),
        (format!("{HOOK}timeout = '11s'\n"), "timeout", "at most 10s"),
        (format!("{HOOK}waits = '1s'\n"), "waits", "unknown key"),
    ] {
        let Err(Problems(errors)) = check(&hook, &[]) else {
            panic!("accepted: {hook}");
        };
        assert_eq!(
            errors[0].key,
            format!("routes.a.hook.{key}"),
            "{hook}: {errors:#?}"
        );
        assert!(errors[0].message.contains(word), "{hook}: {errors:#?}");
        assert!(errors[0].line.is_some(), "{hook}");
    }
}

#[test]
fn a_variable_sets_it() {
    let loaded = check(
        HOOK,
        &[("TOLLBRIDGE__ROUTES__A__HOOK__URL", "https://b.example/")],
    );
    let loaded = loaded.unwrap_or_else(|problems| panic!("{problems}"));
    assert_eq!(
        the_hook(&loaded).map(|hook| hook.url).as_deref(),
        Some("https://b.example/")
    );
}
