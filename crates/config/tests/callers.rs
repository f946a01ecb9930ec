//! `[callers.NAME]`: what each type takes, and what it refuses.

use std::path::Path;

use tollbridge_config::{
    AnswerSubject, Caller, CallerKind, CertificateName, Loaded, Problem, Problems, Severity, parse,
};

const REST: &str = "
[routes.a]
upstream = 'wss://h/'
origins = ['https://a.example']
callers = ['app']
";

fn check(caller: &str) -> Result<Loaded, Problems> {
    let text = format!("allow_inline_secrets = true\n[callers.app]\n{caller}\n{REST}");
    parse(&text, "t.toml", Path::new("/base"), Vec::new())
}

fn good(caller: &str) -> Loaded {
    check(caller).unwrap_or_else(|problems| panic!("{caller}\n{problems}"))
}

fn the_caller(loaded: &Loaded) -> Caller {
    let mut callers = loaded.settings.callers.values();
    callers
        .next()
        .cloned()
        .unwrap_or_else(|| panic!("no caller"))
}

fn kind(caller: &str) -> CallerKind {
    the_caller(&good(caller)).kind
}

fn errors(caller: &str) -> Vec<Problem> {
    let Err(Problems(problems)) = check(caller) else {
        panic!("accepted: {caller}");
    };
    let is_error = |problem: &Problem| problem.severity == Severity::Error;
    problems.into_iter().filter(is_error).collect()
}

const JWT: &str = "type = 'jwt'\nissuer = 'https://login.example/'\naudience = 'voice'\n";
const SUBREQUEST: &str = "type = 'subrequest'\nurl = 'http://app:3000/api/whoami'\n";
const INTROSPECTION: &str = "type = 'introspection'\nurl = 'https://login.example/introspect'\n\
                             client_id = 'bridge'\nclient_secret = 'x'\n";

#[test]
fn each_type_has_its_defaults() {
    let CallerKind::Jwt(jwt) = kind(JWT) else {
        panic!("no jwt");
    };
    assert_eq!(jwt.issuer.as_deref(), Some("https://login.example/"));
    assert_eq!(jwt.algorithms, ["RS256", "ES256", "EdDSA"]);
    assert_eq!((jwt.subject.as_str(), jwt.jwks_url), ("sub", None));
    let CallerKind::Subrequest(asks) = kind(SUBREQUEST) else {
        panic!("no subrequest");
    };
    assert_eq!(asks.forward_headers, ["cookie"]);
    assert_eq!(asks.subject, AnswerSubject::Header("x-user-id".to_owned()));
    assert_eq!((asks.timeout.as_secs(), asks.cache_for.as_secs()), (2, 0));
    let CallerKind::TrustedHeader { header, groups } = kind("type = 'trusted_header'") else {
        panic!("no trusted_header");
    };
    assert_eq!((header.as_str(), groups), ("x-auth-request-user", None));
    let CallerKind::Introspection(asks) = kind(INTROSPECTION) else {
        panic!("no introspection");
    };
    assert_eq!(
        (asks.subject.as_str(), asks.cache_for.as_secs()),
        ("sub", 0)
    );
    assert_eq!((asks.audience, asks.scope), (None, None));
}

#[test]
fn everything_that_can_be_said_is_shown_again() {
    for caller in [
        "type = 'jwt'\njwks_url = 'http://127.0.0.1:8/jwks'\naudience = 'v'\n\
         algorithms = ['ES384', 'PS256']\nsubject = 'claim:realm.user'\nmints_per_minute = 5\n",
        "type = 'subrequest'\nurl = 'https://app/who'\nforward_headers = ['Cookie', 'X-Session']\n\
         ca = 'file:ca.pem'\nsubject = 'json:/user/id'\ntimeout = '500ms'\ncache_for = '10s'\n",
        "type = 'trusted_header'\nsubject = 'header:Remote-User'\n",
        "type = 'introspection'\nurl = 'http://127.0.0.1/i'\nclient_id = 'b'\naudience = 'v'\n\
         client_secret = 'env:X'\nscope = 'a b'\nsubject = 'claim:username'\ncache_for = '1m'\n",
    ] {
        let shown = good(caller).settings.show();
        let again = parse(&shown, "shown.toml", Path::new("/base"), Vec::new());
        let again = again.unwrap_or_else(|problems| panic!("{shown}\n{problems}"));
        assert_eq!(again.settings.show(), shown);
        let written = the_caller(&again).kind.as_str().to_owned();
        assert!(caller.contains(&written), "{shown}");
    }
    assert!(
        !good(INTROSPECTION)
            .settings
            .show()
            .contains("client_secret = \"x\"")
    );
}

/// With the authorities that it needs.
#[test]
fn a_certificate_names_its_holder_by_one_of_three() {
    let written = |subject: &str| {
        format!(
            "[server.tls]\ncert = 'file:c'\nkey = 'file:k'\nclient_ca = 'file:a'\n\
             [callers.app]\ntype = 'mtls'\n{subject}\n{REST}"
        )
    };
    let read = |text: &str| parse(text, "t.toml", Path::new("/base"), Vec::new());
    for (subject, name) in [
        ("san:dns", CertificateName::Dns),
        ("san:uri", CertificateName::Uri),
        ("cn", CertificateName::CommonName),
    ] {
        let loaded = read(&written(&format!("subject = '{subject}'")));
        let loaded = loaded.unwrap_or_else(|problems| panic!("{problems}"));
        let kind = the_caller(&loaded).kind;
        assert!(
            matches!(kind, CallerKind::Mtls(it) if it == name),
            "{subject}"
        );
        let shown = loaded.settings.show();
        let again = read(&shown).unwrap_or_else(|problems| panic!("{shown}\n{problems}"));
        assert_eq!(again.settings.show(), shown);
    }
    for subject in [
        "",
        "subject = ''",
        "subject = 'SAN:DNS'",
        "subject = 'header:x'",
    ] {
        let Err(Problems(problems)) = read(&written(subject)) else {
            panic!("accepted: {subject}");
        };
        let one = &problems[0];
        assert_eq!((problems.len(), &*one.key), (1, "callers.app.subject"));
        assert!(one.message.contains("\"san:uri\""), "{one}");
    }
}

#[test]
fn what_is_missing_is_named() {
    for (caller, key) in [
        ("type = 'jwt'\nissuer = 'https://a.test'", "audience"),
        ("type = 'jwt'\naudience = 'v'", "jwks_url"),
        ("type = 'subrequest'", "url"),
        (
            "type = 'introspection'\nclient_id = 'a'\nclient_secret = 'x'",
            "url",
        ),
        (
            "type = 'introspection'\nurl = 'https://a.test'\nclient_secret = 'x'",
            "client_id",
        ),
        (
            "type = 'introspection'\nurl = 'https://a.test'\nclient_id = 'a'",
            "client_secret",
        ),
    ] {
        let errors = errors(caller);
        assert!(errors[0].message.contains(key), "{caller}: {errors:#?}");
        assert!(errors[0].key.starts_with("callers.app"), "{caller}");
    }
}

#[test]
fn what_would_not_be_safe_is_refused() {
    for (caller, key, word) in [
        (
            format!("{JWT}algorithms = ['HS256']"),
            "algorithms",
            "asymmetric",
        ),
        (
            format!("{JWT}algorithms = ['RS256', 'none']"),
            "algorithms",
            "asymmetric",
        ),
        (
            format!("{JWT}algorithms = []"),
            "algorithms",
            "no algorithm",
        ),
        (
            format!("{JWT}jwks_url = 'http://a.test/jwks'"),
            "jwks_url",
            "https",
        ),
        (
            format!("{JWT}jwks_url = 'http://localhost/jwks'"),
            "jwks_url",
            "https",
        ),
        (
            format!("{JWT}jwks_url = 'http://10.0.0.1/jwks'"),
            "jwks_url",
            "https",
        ),
        (
            format!("{JWT}jwks_url = 'https://u:p@a.test/'"),
            "jwks_url",
            "URL",
        ),
        (
            JWT.replace("https://login.example/", "http://login.example/"),
            "issuer",
            "https",
        ),
        (
            JWT.replace("https://login.example/", "https://a.test/?tenant={iss}"),
            "issuer",
            "query",
        ),
        (JWT.replace("'voice'", "''"), "audience", "empty"),
        (
            format!("{JWT}subject = 'header:x-user'"),
            "subject",
            "claim:",
        ),
        (format!("{JWT}subject = 'sub'"), "subject", "claim:"),
        (SUBREQUEST.replace("http:", "ftp:"), "url", "URL"),
        (
            format!("{SUBREQUEST}forward_headers = []"),
            "forward_headers",
            "nobody",
        ),
        (
            format!("{SUBREQUEST}forward_headers = ['Host']"),
            "forward_headers",
            "host",
        ),
        (
            format!("{SUBREQUEST}forward_headers = ['X-Forwarded-For']"),
            "forward_headers",
            "this server",
        ),
        (
            format!("{SUBREQUEST}forward_headers = ['accept']"),
            "forward_headers",
            "this server",
        ),
        (
            format!("{SUBREQUEST}subject = 'claim:sub'"),
            "subject",
            "header:NAME",
        ),
        (
            format!("{SUBREQUEST}subject = 'json:user'"),
            "subject",
            "JSON pointer",
        ),
        (
            format!("{SUBREQUEST}timeout = '0s'"),
            "timeout",
            "more than nothing",
        ),
        (
            "type = 'trusted_header'\nsubject = 'x-user'".to_owned(),
            "subject",
            "header:NAME",
        ),
        (
            "type = 'trusted_header'\nsubject = 'header:a b'".to_owned(),
            "subject",
            "name of a header",
        ),
        (
            INTROSPECTION.replace("https:", "http:"),
            "url",
            "in the clear",
        ),
        (
            format!("{INTROSPECTION}subject = 'json:/sub'"),
            "subject",
            "claim:",
        ),
    ] {
        let errors = errors(&caller);
        assert_eq!(
            errors[0].key,
            format!("callers.app.{key}"),
            "{caller}: {errors:#?}"
        );
        assert!(
            errors[0].message.contains(word),
            "{caller}: {}",
            errors[0].message
        );
        assert!(errors[0].line.is_some(), "{caller}");
    }
}

#[test]
fn a_key_of_another_type_is_refused_by_name() {
    for (caller, key, word) in [
        (format!("{JWT}url = 'https://a.test'"), "url", "jwt"),
        (format!("{JWT}client_secret = 'x'"), "client_secret", "jwt"),
        (
            format!("{SUBREQUEST}audience = 'v'"),
            "audience",
            "subrequest",
        ),
        (
            format!("{INTROSPECTION}timeout = '1s'"),
            "timeout",
            "introspection",
        ),
        (
            format!("{INTROSPECTION}algorithms = ['RS256']"),
            "algorithms",
            "introspection",
        ),
        (
            "type = 'trusted_header'\nissuer = 'https://a.test'".to_owned(),
            "issuer",
            "trusted_header",
        ),
        (
            "type = 'trusted_header'\nca = 'file:ca.pem'".to_owned(),
            "ca",
            "trusted_header",
        ),
        (
            "type = 'api_key'\nsubject = 'claim:sub'".to_owned(),
            "subject",
            "api_key",
        ),
    ] {
        let errors = errors(&caller);
        let message = format!("`{key}` is not a key of caller type `{word}`");
        assert_eq!(errors.len(), 1, "{errors:#?}");
        assert_eq!(errors[0].message, message);
    }
}

#[test]
fn a_misspelt_type_is_suggested() {
    let errors = errors("type = 'subrequst'");
    assert_eq!(
        errors[0].hint.as_deref(),
        Some("did you mean `subrequest`?")
    );
}

#[test]
fn a_trusted_header_that_nobody_may_write_is_warned_about() {
    let warned = |caller: &str, server: &str| {
        let text = format!("[server]\n{server}\n[callers.app]\n{caller}\n{REST}");
        let loaded = parse(&text, "t.toml", Path::new("/base"), Vec::new());
        let loaded = loaded.unwrap_or_else(|problems| panic!("{problems}"));
        let mut warnings = loaded.warnings.into_iter();
        warnings.any(|warning| warning.key == "callers.app.type")
    };
    assert!(warned("type = 'trusted_header'", ""));
    assert!(!warned(
        "type = 'trusted_header'",
        "trusted_proxies = ['10.0.0.0/8']"
    ));
    assert!(!warned("type = 'api_key'", ""));
}
