//! `[[routes.NAME.allow]]`: what rules take, and what is refused, by name and place.

use std::{path::Path, time::Duration};

use tollbridge_config::{Loaded, Problem, Problems, Rule, Severity, parse};

/// Rules begin at line 27.
const BEFORE: &str = "\
allow_inline_secrets = true
[server]
trusted_proxies = ['10.0.0.0/8']
[callers.backend]
type = 'api_key'
[callers.sso]
type = 'jwt'
issuer = 'https://login.example'
audience = 'voice'
[callers.app]
type = 'subrequest'
url = 'http://app:3000/'
[callers.proxy]
type = 'trusted_header'
groups = 'header:X-Auth-Request-Groups'
[callers.foreign]
type = 'api_key'
[routes.voice]
upstream = 'wss://h/?model={model}'
origins = ['https://a.example']
callers = ['backend', 'sso', 'app', 'proxy']
max_uses = 3
params.model = { default = 'gpt-realtime', allow = ['gpt-realtime', 'gpt-4o'] }
[routes.voice.limits]
max_session = '30m'

";

fn check(rules: &str) -> Result<Loaded, Problems> {
    let text = format!("{BEFORE}{rules}");
    parse(&text, "t.toml", Path::new("/base"), Vec::new())
}

fn good(rules: &str) -> Loaded {
    check(rules).unwrap_or_else(|problems| panic!("{rules}\n{problems}"))
}

fn rules(text: &str) -> Vec<Rule> {
    let routes = good(text).settings.routes;
    routes.into_values().flat_map(|route| route.allow).collect()
}

fn errors(rules: &str) -> Vec<Problem> {
    let Err(Problems(problems)) = check(rules) else {
        panic!("accepted: {rules}");
    };
    let is_error = |problem: &Problem| problem.severity == Severity::Error;
    problems.into_iter().filter(is_error).collect()
}

const FULL: &str = "\
[[routes.voice.allow]]
caller = 'sso'
claim.role = 'doctor'
claim.\"realm_access.roles\" = ['voice', 'admin']
max_session = '10m'
uses = 3
params.model = ['gpt-4o']

[[routes.voice.allow]]
caller = 'proxy'
claim.groups = 'staff'

[[routes.voice.allow]]
caller = 'backend'
";

#[test]
fn a_rule_says_who_and_how_much() {
    let rules = rules(FULL);
    assert_eq!(rules.len(), 3);
    let texts = |texts: &[&str]| -> Vec<String> { texts.iter().map(ToString::to_string).collect() };
    let first = &rules[0];
    assert_eq!(first.caller.as_ref().map(|name| name.as_str()), Some("sso"));
    assert_eq!(first.claims["role"], texts(&["doctor"]));
    assert_eq!(
        first.claims["realm_access.roles"],
        texts(&["voice", "admin"])
    );
    assert_eq!(first.max_session, Some(Duration::from_secs(600)));
    assert_eq!(first.uses, Some(3));
    assert_eq!(first.params["model"], texts(&["gpt-4o"]));
    assert_eq!((rules[2].max_session, rules[2].uses), (None, None));
    assert!(rules[2].claims.is_empty() && rules[2].params.is_empty());
    assert!(self::rules("").is_empty());
}

#[test]
fn rules_are_shown_as_they_would_be_written() {
    let shown = good(FULL).settings.show();
    let again = parse(&shown, "shown.toml", Path::new("/base"), Vec::new());
    let again = again.unwrap_or_else(|problems| panic!("{shown}\n{problems}"));
    assert_eq!(again.settings.show(), shown);
    let rules: Vec<Rule> = again
        .settings
        .routes
        .into_values()
        .flat_map(|route| route.allow)
        .collect();
    assert_eq!(rules, self::rules(FULL));
    assert!(
        shown.contains("groups = \"header:x-auth-request-groups\""),
        "{shown}"
    );
}

/// Each mistake: its lines, the key it is named with, its line and column, a word of its message.
#[test]
fn what_cannot_work_is_refused_by_name_and_place() {
    for (rule, key, place, word) in [
        (
            "caller = 'foreign'",
            "[0].caller",
            (28, 10),
            "not one of the route's `callers`",
        ),
        (
            "caller = 'nobody'",
            "[0].caller",
            (28, 10),
            "not one of the route's `callers`",
        ),
        ("caller = 'Not a name'", "[0].caller", (28, 10), "name"),
        ("caller = 3", "[0].caller", (28, 10), "expected a string"),
        ("callr = 'sso'", "[0].callr", (28, 1), "unknown key `callr`"),
        (
            "max_session = '31m'",
            "[0].max_session",
            (28, 15),
            "limits.max_session",
        ),
        (
            "max_session = '0s'",
            "[0].max_session",
            (28, 15),
            "more than nothing",
        ),
        (
            "max_session = '1500ms'",
            "[0].max_session",
            (28, 15),
            "whole seconds",
        ),
        ("max_session = 60", "[0].max_session", (28, 15), "unit"),
        ("uses = 4", "[0].uses", (28, 8), "`max_uses` (3)"),
        ("uses = 0", "[0].uses", (28, 8), "whole number"),
        (
            "params.voice = ['x']",
            "[0].params.voice",
            (28, 16),
            "no parameter `voice`",
        ),
        (
            "params.model = ['gpt-5']",
            "[0].params.model",
            (28, 17),
            "not allowed by",
        ),
        (
            "params.model = []",
            "[0].params.model",
            (28, 16),
            "empty list",
        ),
        (
            "params.model = 'gpt-4o'",
            "[0].params.model",
            (28, 16),
            "array",
        ),
        ("claim.role = []", "[0].claim.role", (28, 14), "empty list"),
        (
            "claim.role = 3",
            "[0].claim.role",
            (28, 14),
            "string or an array",
        ),
        (
            "claim.role = ['a', 3]",
            "[0].claim.role",
            (28, 20),
            "an integer in it",
        ),
        ("claim.a.b = 'x'", "[0].claim.a", (28, 7), "a table"),
        (
            "claim.scope = 'a b'",
            "[0].claim.scope",
            (28, 15),
            "word by word",
        ),
        (
            "caller = 'backend'\nclaim.role = 'x'",
            "[0].claim.role",
            (29, 14),
            "api_key",
        ),
        (
            "caller = 'app'\nclaim.role = 'x'",
            "[0].claim.role",
            (29, 14),
            "json:/",
        ),
        (
            "caller = 'proxy'\nclaim.role = 'x'",
            "[0].claim.role",
            (29, 14),
            "`groups`",
        ),
    ] {
        let errors = errors(&format!("[[routes.voice.allow]]\n{rule}\n"));
        let problem = &errors[0];
        assert_eq!(errors.len(), 1, "{rule}: {errors:#?}");
        assert_eq!(problem.key, format!("routes.voice.allow{key}"), "{rule}");
        let at = (problem.line.unwrap_or(0), problem.column.unwrap_or(0));
        assert_eq!(at, place, "{rule}: {problem}");
        assert!(problem.message.contains(word), "{rule}: {problem}");
    }
}

#[test]
fn a_list_is_a_list_of_tables() {
    for (text, line, word) in [
        (
            "[routes.voice.allow]\ncaller = 'sso'",
            27,
            "expected an array of tables, found a table",
        ),
        (
            "[routes.voice]\nallow = 'sso'",
            28,
            "expected an array of tables",
        ),
        ("[routes.voice]\nallow = ['sso']", 28, "a string in it"),
        ("[routes.voice]\nallow = []", 28, "everybody or nobody"),
    ] {
        // A second header of one table is no TOML: the list is written where the table is.
        let text = match text.strip_prefix("[routes.voice]\n") {
            Some(inline) => BEFORE.replace("max_uses = 3", &format!("max_uses = 3\n{inline}")),
            None => format!("{BEFORE}{text}"),
        };
        let Err(Problems(errors)) = parse(&text, "t.toml", Path::new("/base"), Vec::new()) else {
            panic!("accepted: {text}");
        };
        let line = if line == 28 { 23 } else { line };
        assert_eq!(errors[0].line, Some(line), "{errors:#?}");
        assert!(errors[0].message.contains(word), "{errors:#?}");
    }
    let inline = BEFORE.replace(
        "max_uses = 3",
        "max_uses = 3\nallow = [{ caller = 'sso', uses = 9 }]",
    );
    let Err(Problems(errors)) = parse(&inline, "t.toml", Path::new("/base"), Vec::new()) else {
        panic!("accepted");
    };
    assert_eq!(errors[0].key, "routes.voice.allow[0].uses");
    assert_eq!((errors[0].line, errors[0].column), (Some(23), Some(35)));
}

#[test]
fn hints_name_what_was_meant() {
    for (rule, hint) in [
        ("callr = 'sso'", "did you mean `caller`?"),
        ("caller = 'ss'", "did you mean `sso`?"),
        ("params.modl = ['x']", "did you mean `model`?"),
        ("claim.realm_access.roles = 'x'", "quoted"),
        (
            "idle_timeout = '1s'",
            "`idle_timeout` belongs in [routes.NAME.limits]",
        ),
    ] {
        let errors = errors(&format!("[[routes.voice.allow]]\n{rule}\n"));
        let said = errors[0].hint.clone().unwrap_or_default();
        assert!(said.contains(hint), "{rule}: {errors:#?}");
    }
    let second = format!("{FULL}[[routes.voice.allow]]\nuses = 9\n");
    assert_eq!(errors(&second)[0].key, "routes.voice.allow[3].uses");
    let Err(Problems(errors)) = check("[routes.voice.carriers]\ncaller = 'sso'") else {
        panic!("accepted");
    };
    assert_eq!(
        errors[0].hint.as_deref(),
        Some("`caller` belongs in [[routes.NAME.allow]]")
    );
}

#[test]
fn a_variable_cannot_hold_rules() {
    let variable = (
        "TOLLBRIDGE__ROUTES__VOICE__ALLOW__CALLER".to_owned(),
        "sso".to_owned(),
    );
    let text = format!("{BEFORE}{FULL}");
    let Err(Problems(errors)) = parse(&text, "t.toml", Path::new("/base"), vec![variable]) else {
        panic!("accepted");
    };
    assert!(errors[0].message.contains("only the file"), "{errors:#?}");
}

#[test]
fn a_rule_that_is_never_reached_is_warned_about() {
    let warned = |rules: &str| -> Vec<String> {
        let warnings = good(rules).warnings.into_iter();
        let warnings = warnings.filter(|warning| warning.message.contains("never reached"));
        warnings
            .map(|warning| format!("{}:{:?}", warning.key, warning.line))
            .collect()
    };
    assert!(warned(FULL).is_empty());
    let any = "[[routes.voice.allow]]\nuses = 2\n";
    let sso = "[[routes.voice.allow]]\ncaller = 'sso'\nclaim.role = 'x'\n";
    let app = "[[routes.voice.allow]]\ncaller = 'app'\n";
    assert_eq!(
        warned(&format!("{any}{sso}")),
        ["routes.voice.allow:Some(29)"]
    );
    assert!(warned(&format!("{sso}{app}{any}")).is_empty());
}

#[test]
fn groups_are_a_header_of_their_own() {
    for (line, word) in [
        ("groups = 'x-groups'", "header:NAME"),
        ("groups = 'header:x-auth-request-user'", "already"),
    ] {
        let text = BEFORE.replace("groups = 'header:X-Auth-Request-Groups'", line);
        let Err(Problems(errors)) = parse(&text, "t.toml", Path::new("/base"), Vec::new()) else {
            panic!("accepted: {line}");
        };
        assert_eq!(errors[0].key, "callers.proxy.groups");
        assert!(errors[0].message.contains(word), "{errors:#?}");
    }
    let api_key = "type = 'api_key'\ngroups = 'header:x'";
    let text = BEFORE.replace("type = 'api_key'", api_key);
    assert!(parse(&text, "t.toml", Path::new("/base"), Vec::new()).is_err());
}
