//! What `tollbridge check` says about a file.

use std::path::Path;

use tollbridge_config::{Loaded, Origins, Part, Problem, Problems, SecretRef, Severity, parse};

const ROUTE: &str = r#"
[callers.backend]
type = "api_key"
[routes.voice]
upstream = "wss://api.example.com/"
origins = ["https://app.example.com"]
callers = ["backend"]
"#;

fn check(text: &str) -> Result<Loaded, Problems> {
    parse(text, "t.toml", Path::new("/base"), Vec::new())
}

fn check_with(text: &str, env: &[(&str, &str)]) -> Result<Loaded, Problems> {
    let env = env.iter().map(|(n, v)| ((*n).to_owned(), (*v).to_owned()));
    parse(text, "t.toml", Path::new("/base"), env.collect())
}

fn good(text: &str) -> Loaded {
    check(text).unwrap_or_else(|problems| panic!("{problems}"))
}

fn bad(text: &str) -> Vec<Problem> {
    let Err(Problems(problems)) = check(text) else {
        panic!("accepted: {text}");
    };
    problems
}

/// The errors for the route above with these lines added.
fn bad_route(lines: &str) -> Vec<Problem> {
    bad(&format!("{ROUTE}{lines}"))
}

fn says(problems: &[Problem], words: &str) -> bool {
    problems.iter().any(|p| p.message.contains(words))
}

fn warns(text: &str, key: &str) -> bool {
    let warnings = good(text).warnings;
    warnings
        .iter()
        .any(|p| p.key == key && p.severity == Severity::Warning)
}

#[test]
fn five_different_mistakes_are_all_named_with_line_and_column_in_one_run() {
    let text = r#"[server]
lisen = "127.0.0.1:8080"
workers = "two"
[tokens]
redeem_within = "30 parsecs"
[callers.backend]
type = "api_key"
[routes.voice]
upstream = "wss://api.example.com/?model={model}"
callers = ["backend"]
"#;
    let found: Vec<_> = bad(text).iter().map(ToString::to_string).collect();
    let expected = [
        "t.toml:2:1: error: unknown key `lisen` (server.lisen)\n  hint: did you mean `listen`?",
        "t.toml:3:11: error: expected a whole number from 1 to 1024, found a string (server.workers)",
        "t.toml:5:17: error: \"30 parsecs\" is not a duration: write a number and ms, s, m, h or d, \
         as \"30s\" (tokens.redeem_within)",
        "t.toml:8:1: error: `origins` is missing: list the pages that may connect, or write \
         [\"*\"] for any (routes.voice.origins)",
        "t.toml:9:12: error: `{model}` is not declared under `params` (routes.voice.upstream)\n  \
         hint: declare it: params.model = { allow = [\"…\"] }",
    ];
    assert_eq!(found, expected);
}

#[test]
fn what_is_not_toml_is_named_beside_everything_else() {
    let text = format!(
        "{ROUTE}max_uses = 1x\nrefuse = pass\nquery_alow = []\n[routes.voice.limits]\nmax_session = 5\n"
    );
    let problems = bad(&text);
    let lines: Vec<_> = problems.iter().filter_map(|p| p.line).collect();
    assert_eq!(lines, [8, 9, 10, 12], "{problems:#?}");
    assert!(problems.iter().all(|p| p.column.is_some()));
}

#[test]
fn an_empty_file_is_every_default() {
    let settings = good("").settings;
    assert_eq!(settings.server.listen.to_string(), "127.0.0.1:8080");
    assert_eq!(settings.store.url, "sqlite:/base/tollbridge.db");
    assert_eq!(
        settings.keys.master_key.to_string(),
        "file:/base/master.key"
    );
    assert_eq!(settings.server.max_body, 16 << 10);
    assert!(settings.routes.is_empty());
}

#[test]
fn a_route_has_the_limits_of_the_contract_unless_it_says_otherwise() {
    let loaded = good(ROUTE);
    let route = loaded.settings.routes.values().next().unwrap();
    let limits = &route.limits;
    assert_eq!(limits.max_session.as_secs(), 3600);
    assert_eq!(limits.idle_timeout.as_secs(), 600);
    assert_eq!((limits.max_frame, limits.max_message), (64 << 20, 64 << 20));
    assert_eq!(limits.max_fragments, 16_384);
    assert_eq!(limits.ping_interval.unwrap().as_secs(), 25);
    assert_eq!(limits.sessions, None);
    let query: Vec<_> = route
        .carriers
        .query
        .iter()
        .map(ToString::to_string)
        .collect();
    assert_eq!(query, ["token", "access_token"]);
    assert_eq!(route.max_uses, 1);
    assert!(matches!(&route.origins, Origins::List(origins) if origins.len() == 1));
}

#[test]
fn zero_and_never_switch_off_what_can_be_switched_off() {
    for never in ["never", "0s"] {
        let loaded = good(&format!(
            "{ROUTE}limits.ping_interval = '0s'\n[keys]\nrotate_every = '{never}'"
        ));
        assert_eq!(loaded.settings.keys.rotate_every, None);
        let route = loaded.settings.routes.values().next().unwrap();
        assert_eq!(route.limits.ping_interval, None);
    }
    assert!(says(
        &bad_route("limits.idle_timeout = '0s'"),
        "more than nothing"
    ));
}

#[test]
fn a_number_without_a_unit_is_told_the_rule() {
    assert!(says(&bad_route("limits.max_session = 30"), "needs a unit"));
    assert!(says(
        &bad_route("limits.max_session = '30'"),
        "needs a unit"
    ));
    assert!(says(&bad_route("limits.max_frame = 1024"), "needs a unit"));
}

#[test]
fn the_environment_comes_on_top() {
    let loaded = check_with(
        ROUTE,
        &[
            ("TOLLBRIDGE__ROUTES__VOICE__LIMITS__MAX_SESSION", "30m"),
            (
                "TOLLBRIDGE__ROUTES__VOICE__ORIGINS",
                "https://a.example, https://b.example",
            ),
            (
                "TOLLBRIDGE__ROUTES__VOICE__CREDENTIALS__HEADERS__X",
                "env:KEY",
            ),
            ("TOLLBRIDGE__SERVER__LISTEN", ""),
            ("TOLLBRIDGE_ADMIN_KEY", "not ours"),
        ],
    );
    let loaded = loaded.unwrap_or_else(|problems| panic!("{problems}"));
    let route = loaded.settings.routes.values().next().unwrap();
    assert_eq!(route.limits.max_session.as_secs(), 1800);
    assert!(matches!(&route.origins, Origins::List(origins) if origins.len() == 2));
    assert!(route.credentials.headers.contains_key("x"));
}

#[test]
fn a_mistake_in_the_environment_names_the_variable() {
    let Problems(problems) = check_with(
        ROUTE,
        &[
            ("TOLLBRIDGE__SERVER__LISTEN", "nowhere"),
            ("TOLLBRIDGE__SERVR__LISTEN", "x"),
            ("TOLLBRIDGE__ROUTES__VOICE__ORIGINS", "https://App.example"),
        ],
    )
    .unwrap_err();
    let files: Vec<_> = problems.iter().map(|p| p.file.as_str()).collect();
    assert!(
        files.contains(&"env:TOLLBRIDGE__SERVER__LISTEN"),
        "{problems:#?}"
    );
    assert!(files.contains(&"env:TOLLBRIDGE__SERVR__LISTEN"));
    assert!(files.contains(&"env:TOLLBRIDGE__ROUTES__VOICE__ORIGINS"));
}

#[test]
fn what_is_promised_and_not_built_is_refused_by_name() {
    for key in [
        "log.file = 'x'",
        "telemetry.endpoint = 'x'",
        "otlp = 'x'",
        "routes.voice.adapter = 'doubao-json'",
    ] {
        let name = key.split([' ', '=']).next().unwrap();
        let problems = bad(&format!("{key}\n"));
        let refusal = problems
            .iter()
            .find(|p| p.message.contains("is not built yet"));
        let refusal = refusal.unwrap_or_else(|| panic!("{key}: {problems:#?}"));
        assert_eq!(refusal.line, Some(1));
        assert!(name.starts_with(&refusal.key), "{key}");
    }
    assert!(says(
        &bad("store.url = 'postgres://u:p@h/d'"),
        "`postgres://` is not built yet"
    ));
    assert!(says(
        &bad("coordination.url = 'redis://h'"),
        "`redis://` is not built yet"
    ));
}

#[test]
fn a_caller_type_that_there_is_not_is_one_problem_and_no_more() {
    let problems = bad(
        "[callers.app]\ntype = 'mtlss'\nurl = 'http://app'\nsubject = 'header:x'\n\
         [routes.a]\nupstream = 'wss://h/'\norigins = ['https://a.example']\ncallers = ['app']\n",
    );
    assert_eq!(problems.len(), 1, "{problems:#?}");
    assert_eq!(problems[0].message, "unknown caller type \"mtlss\"");
    assert_eq!(problems[0].line, Some(2));
    let problems = bad("[callers.app]\ntype = 'api_key'\nurl = 'http://app'");
    assert!(says(
        &problems,
        "`url` is not a key of caller type `api_key`"
    ));
}

#[test]
fn a_route_names_callers_that_exist() {
    let problems = bad(&ROUTE.replace("[\"backend\"]", "[\"backedn\"]"));
    assert_eq!(problems[0].hint.as_deref(), Some("did you mean `backend`?"));
    assert!(says(
        &bad(&ROUTE.replace("[\"backend\"]", "[]")),
        "nobody may mint"
    ));
}

#[test]
fn two_routes_do_not_share_a_path() {
    let text = format!(
        "{ROUTE}paths = ['/a', '/b']\n[routes.other]\nupstream = 'wss://h/'\norigins = ['https://a.example']\n\
         callers = ['backend']\npaths = ['/b']\n"
    );
    let problems = bad(&text);
    assert_eq!(problems.len(), 1, "{problems:#?}");
    assert!(says(&problems, "\"/b\" is a path of route"));
}

#[test]
fn a_client_cannot_be_allowed_to_say_what_credentials_or_upstream_say() {
    let header = "header_allow = ['API-KEY']\ncredentials.headers.api-key = 'env:K'\n";
    assert!(says(&bad_route(header), "`api-key` is a credential"));
    let query = "query_allow = ['Key']\ncredentials.query.key = 'env:K'\n";
    assert!(says(&bad_route(query), "`Key` is a credential"));
    assert!(says(
        &bad_route("query_allow = ['token']"),
        "carries the token"
    ));
    assert!(says(
        &bad_route("header_allow = ['Sec-WebSocket-Key']"),
        "never passes"
    ));
    assert!(says(
        &bad_route("keep_response_headers = ['Set-Cookie']"),
        "would speak for this server"
    ));
    let templated = ROUTE.replace("com/\"", "com/?m%6Fdel=x\"") + "query_allow = ['model']";
    assert!(says(&bad(&templated), "is set by `upstream`"));
}

#[test]
fn a_cookie_passes_only_with_a_warning() {
    assert!(warns(
        &format!("{ROUTE}header_allow = ['cookie', 'x-a']"),
        "routes.voice.header_allow"
    ));
}

#[test]
fn weak_settings_are_warned_about_and_used() {
    assert!(warns(
        &ROUTE.replace("https://app.example.com", "*"),
        "routes.voice.origins"
    ));
    assert!(warns(
        &ROUTE.replace("wss://", "ws://"),
        "routes.voice.upstream"
    ));
    assert!(warns("admin.listen = '0.0.0.0:9090'", "admin.listen"));
    assert!(warns("tokens.redeem_within = '6m'", "tokens.redeem_within"));
    assert!(warns(
        "keys.publish_before_use = '1s'",
        "keys.publish_before_use"
    ));
    assert!(warns(
        "server.public_url = 'http://a.example'",
        "server.public_url"
    ));
    assert!(warns(
        "server.trusted_proxies = ['0.0.0.0/0']",
        "server.trusted_proxies"
    ));
    let limits = format!("{ROUTE}limits.max_message = '1KiB'");
    assert!(warns(&limits, "routes.voice.limits.max_message"));
    assert!(!warns(
        &ROUTE.replace("wss://api.example.com", "ws://127.0.0.1:1"),
        "routes.voice.upstream"
    ));
}

#[test]
fn rules_between_keys_are_kept() {
    assert!(says(
        &bad("admin.listen = '127.0.0.1:8080'"),
        "must not be the public one"
    ));
    assert!(says(
        &bad("tokens.max_redeem_within = '10s'"),
        "shorter than tokens.redeem_within"
    ));
    assert!(says(
        &bad("keys.rotate_every = '5m'"),
        "not longer than keys.publish_before_use"
    ));
}

#[test]
fn a_parameter_is_closed_and_stays_in_its_segment() {
    let with = |params: &str| {
        let text = ROUTE.replace("com/\"", "com/{id}?a={id}\"");
        check(&format!("{text}params.id = {params}\n"))
    };
    let refused = |params| says(&with(params).unwrap_err().0, "");
    assert!(with("{ pattern = '[0-9a-f]{4}', default = '00ff' }").is_ok());
    assert!(with("{ allow = ['a', 'b'] }").is_ok());
    for params in [
        "{}",
        "{ default = 'a' }",
        "{ allow = [] }",
        "{ allow = ['a'], pattern = 'a' }",
        "{ allow = ['a'], default = 'b' }",
        "{ pattern = 'a', default = 'aa' }",
        "{ pattern = '.*' }",
        "{ allow = ['..'] }",
        "{ pattern = 'a)|(b' }",
        "{ pattern = '[' }",
    ] {
        assert!(refused(params), "{params}");
    }
    assert!(warns(
        &format!("{ROUTE}params.x.allow = ['a']"),
        "routes.voice.params.x"
    ));
}

#[test]
fn a_literal_secret_needs_permission_and_is_never_repeated() {
    let line = "credentials.headers.api-key = 'hunter2-hunter2'\n";
    let problems = bad_route(line);
    assert!(says(&problems, "a literal secret"));
    assert!(!format!("{problems:?}").contains("hunter2"));
    let loaded = good(&format!("allow_inline_secrets = true\n{ROUTE}{line}"));
    assert!(
        loaded
            .warnings
            .iter()
            .any(|p| p.message == "a literal secret")
    );
    assert!(!format!("{loaded:?}").contains("hunter2"));
    assert!(!loaded.settings.show().contains("hunter2"));
    assert!(loaded.settings.show().contains("api-key = \"[redacted]\""));
    assert!(says(
        &bad("keys.master_key = 'hunter2'\nallow_inline_secrets = true"),
        "master key"
    ));
}

#[test]
fn values_are_templates_references_or_plain() {
    let loaded = good(&format!(
        "{ROUTE}[routes.voice.credentials]\nquery.key = 'cred:k'\n[routes.voice.credentials.headers]\n\
         Authorization = 'Bearer ${{file:k}}'\nX-Id = '{{uuid}}'\nX-Seq = {{ plain = '-1' }}\n"
    ));
    let route = loaded.settings.routes.values().next().unwrap();
    let parts = |name: &str| route.credentials.headers[name].parts.as_slice();
    assert!(matches!(
        parts("Authorization"),
        [Part::Text(text), Part::Secret(SecretRef::File(path))]
            if text == "Bearer " && path == Path::new("/base/k")
    ));
    assert!(matches!(parts("X-Id"), [Part::Uuid]));
    assert!(matches!(parts("X-Seq"), [Part::Text(text)] if text == "-1"));
    assert!(loaded.files.contains(&"/base/k".into()));
    assert!(says(
        &bad_route("credentials.headers.X-A.plian = 'x'"),
        "a value is a string or"
    ));
    let twins = "credentials.headers = { X-A = 'env:A', x-a = 'env:B' }";
    assert!(says(&bad_route(twins), "the same header"));
}

#[test]
fn what_is_shown_reads_back_as_the_same_settings() {
    let text = format!(
        "{ROUTE}paths = ['/a']\nquery_allow = ['x']\nsubprotocols = ['a.b']\nca = 'ca.pem'\n\
         [routes.voice.credentials]\nheaders = {{ A = 'env:K', B = '{{uuid}}', C = {{ plain = '\"' }} }}\n\
         query = {{ 'x.y' = 'Bearer ${{env:K}}' }}\n[routes.b]\n\
         upstream = 'wss://h/{{a}}?b={{a}}'\nparams.a.pattern = '\\d+'\norigins = ['*']\ncallers = ['backend']\n"
    );
    let shown = good(&text).settings.show();
    assert_eq!(good(&shown).settings.show(), shown);
    assert!(shown.contains("A = \"env:K\""), "{shown}");
    assert!(shown.contains("ca = \"/base/ca.pem\""));
}

#[test]
fn names_are_checked_where_they_stand() {
    let problems = bad("[callers.Backend]\ntype = 'api_key'\n[routes.Voice]\n");
    assert!(
        problems
            .iter()
            .any(|p| p.line == Some(1) && p.message.contains("caller name"))
    );
    assert!(
        problems
            .iter()
            .any(|p| p.line == Some(3) && p.message.contains("route name"))
    );
}

#[test]
fn a_misplaced_key_is_told_its_section() {
    let problems = bad("[server]\nwrite_timeout = '1s'");
    let hint = problems[0].hint.as_deref();
    assert_eq!(
        hint,
        Some("`write_timeout` belongs in [routes.NAME.limits]")
    );
}
