//! `[server.tls]`: what `check` says about a certificate and its key.

#![expect(
    clippy::unwrap_used,
    reason = "a folder that cannot be written, a key that cannot be made, fails the test"
)]

use std::{fs, os::unix::fs::PermissionsExt as _, path::Path};

use rcgen::{CertificateParams, KeyPair, date_time_ymd};
use tempfile::TempDir;
use tollbridge_config::{Problem, Problems, Severity, load, parse};

const CONFIG: &str = "\
[server]
public_url = 'https://voice.example.com'
tls = { cert = 'file:cert.pem', key = 'file:key.pem' }
";

/// Where `cert` and `key` are in it, and `client_ca` where there is one.
const CERT: (Option<usize>, Option<usize>) = (Some(3), Some(16));
const KEY: (Option<usize>, Option<usize>) = (Some(3), Some(39));
const CLIENT_CA: (Option<usize>, Option<usize>) = (Some(3), Some(67));

/// A folder with the two files, as text, the key for nobody else.
fn folder(cert: &str, key: &str) -> TempDir {
    let folder = tempfile::tempdir().unwrap();
    fs::write(folder.path().join("tollbridge.toml"), CONFIG).unwrap();
    fs::write(folder.path().join("cert.pem"), cert).unwrap();
    fs::write(folder.path().join("key.pem"), key).unwrap();
    open_key_for(&folder, 0o600);
    folder
}

fn open_key_for(folder: &TempDir, mode: u32) {
    let key = folder.path().join("key.pem");
    fs::set_permissions(key, fs::Permissions::from_mode(mode)).unwrap();
}

/// A certificate that is valid in these years, and its key.
fn pair(from: i32, until: i32) -> (String, String) {
    let mut params = CertificateParams::new(vec!["voice.example.com".to_owned()]).unwrap();
    params.not_before = date_time_ymd(from, 1, 1);
    params.not_after = date_time_ymd(until, 1, 1);
    let key = KeyPair::generate().unwrap();
    let certificate = params.self_signed(&key).unwrap();
    (certificate.pem(), key.serialize_pem())
}

fn good_pair() -> (String, String) {
    pair(2020, 4000)
}

/// Everything said about TLS.
fn said(folder: &TempDir) -> Vec<Problem> {
    let problems = match load(&folder.path().join("tollbridge.toml"), &Vec::new) {
        Ok(loaded) => loaded.warnings,
        Err(Problems(problems)) => problems,
    };
    let of_tls = |problem: &Problem| problem.key.starts_with("server.tls");
    problems.into_iter().filter(of_tls).collect()
}

/// The one thing said: how bad, where, and in which words.
fn one(folder: &TempDir, at: (Option<usize>, Option<usize>)) -> (Severity, String) {
    let said = said(folder);
    let [problem] = said.as_slice() else {
        panic!("{said:#?}");
    };
    assert_eq!((problem.line, problem.column), at, "{problem}");
    (problem.severity, problem.message.clone())
}

#[test]
fn a_pair_that_belongs_together_is_taken_and_watched() {
    let (cert, key) = good_pair();
    let folder = folder(&cert, &key);
    assert_eq!(said(&folder), []);
    let loaded = load(&folder.path().join("tollbridge.toml"), &Vec::new).unwrap();
    for file in ["cert.pem", "key.pem"] {
        assert!(loaded.files.contains(&folder.path().join(file)), "{file}");
    }
    let certificate = loaded.settings.server.tls.unwrap().read();
    let certificate = certificate.unwrap_or_else(|errors| panic!("{errors:?}"));
    assert_eq!(certificate.not_after.to_string(), "4000-01-01T00:00:00Z");
}

#[test]
fn what_cannot_be_served_is_named_at_the_half_that_is_wrong() {
    let (cert, key) = good_pair();
    let (_, other) = good_pair();
    let torn = cert.replace("-----END CERTIFICATE-----", "");
    let noise = "-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n";
    let no_kind = "-----BEGIN PRIVATE KEY-----\nAAAA\n-----END PRIVATE KEY-----\n";
    let sealed = "-----BEGIN ENCRYPTED PRIVATE KEY-----\nAAAA\n-----END ENCRYPTED PRIVATE KEY-----";
    let sealed_of_old = "-----BEGIN EC PRIVATE KEY-----\nProc-Type: 4,ENCRYPTED\nDEK-Info: AES-128-CBC,00\n\nAAAA\n-----END EC PRIVATE KEY-----";
    for (cert, key, at, words) in [
        ("hello", &*key, CERT, "cert.pem is not PEM"),
        (&torn, &key, CERT, "cert.pem is not PEM"),
        (&key, &key, CERT, "cert.pem holds no certificate"),
        (noise, &key, CERT, "cert.pem is broken"),
        (&cert, "hello", KEY, "key.pem is not PEM"),
        (&cert, &cert, KEY, "key.pem holds no private key"),
        (&cert, no_kind, KEY, "of no kind that can be used"),
        (&cert, sealed, KEY, "is encrypted"),
        (&cert, sealed_of_old, KEY, "is encrypted"),
        (&cert, &other, KEY, "does not belong to the certificate"),
    ] {
        let (severity, message) = one(&folder(cert, key), at);
        assert!(message.contains(words), "{words}: {message}");
        assert_eq!(severity, Severity::Error, "{message}");
    }
}

/// As [`folder`], with authorities of clients and a caller that is known by them.
fn folder_for_clients(authorities: &str) -> TempDir {
    let (cert, key) = good_pair();
    let folder = folder(&cert, &key);
    let text = CONFIG.replace(" }\n", ", client_ca = 'file:clients.pem' }\n");
    let text = format!("{text}[callers.devices]\ntype = 'mtls'\nsubject = 'san:dns'\n");
    fs::write(folder.path().join("tollbridge.toml"), text).unwrap();
    fs::write(folder.path().join("clients.pem"), authorities).unwrap();
    folder
}

#[test]
fn authorities_of_clients_are_read_one_or_several() {
    let (first, second) = (good_pair().0, good_pair().0);
    for (text, count) in [(first.clone(), 1), (format!("{first}{second}"), 2)] {
        let folder = folder_for_clients(&text);
        assert_eq!(said(&folder), []);
        let loaded = load(&folder.path().join("tollbridge.toml"), &Vec::new).unwrap();
        assert!(loaded.files.contains(&folder.path().join("clients.pem")));
        let shown = loaded.settings.show();
        assert!(shown.contains("clients.pem\""), "{shown}");
        let read = loaded.settings.server.tls.unwrap().read();
        let authorities = read.ok().and_then(|read| read.authorities).unwrap();
        assert_eq!(authorities.roots.len(), count);
    }
}

#[test]
fn authorities_that_cannot_be_read_are_errors_at_their_place() {
    let (cert, key) = good_pair();
    let torn = cert.replace("-----END CERTIFICATE-----", "");
    let noise = "-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n";
    for (text, words) in [
        ("", "clients.pem is empty"),
        ("hello", "clients.pem is not PEM"),
        (&torn, "clients.pem is not PEM"),
        (&key, "clients.pem holds no certificate"),
        (noise, "a certificate of"),
        (&format!("{cert}{noise}"), "is broken"),
    ] {
        let (severity, message) = one(&folder_for_clients(text), CLIENT_CA);
        assert!(message.contains(words), "{words}: {message}");
        assert_eq!(severity, Severity::Error, "{message}");
    }
    let folder = folder_for_clients(&cert);
    fs::remove_file(folder.path().join("clients.pem")).unwrap();
    assert!(one(&folder, CLIENT_CA).1.contains("cannot be read"));
}

#[test]
fn authorities_and_callers_that_they_vouch_for_need_each_other() {
    let (cert, _) = good_pair();
    let folder = folder_for_clients(&cert);
    let file = folder.path().join("tollbridge.toml");
    let text = fs::read_to_string(&file).unwrap();
    fs::write(
        &file,
        text.replace("mtls", "api_key").replace("subject", "#"),
    )
    .unwrap();
    let (severity, message) = one(&folder, CLIENT_CA);
    assert!(message.contains("no caller of type `mtls`"), "{message}");
    assert_eq!(severity, Severity::Warning);
    for tls in ["", "[server.tls]\ncert = 'file:c'\nkey = 'file:k'\n"] {
        let text = format!("{tls}[callers.devices]\ntype = 'mtls'\nsubject = 'cn'\n");
        let Problems(problems) = parse(&text, "t.toml", Path::new("/"), Vec::new()).unwrap_err();
        let found = problems.iter().find(|one| one.severity == Severity::Error);
        let found = found.unwrap();
        assert!(found.message.contains("server.tls.client_ca"), "{found}");
        assert_eq!(found.key, "callers.devices.type");
        assert!(found.line.is_some());
    }
}

#[test]
fn both_halves_are_looked_at_in_one_run() {
    let folder = folder("hello", "hello");
    fs::remove_file(folder.path().join("cert.pem")).unwrap();
    let said = said(&folder);
    assert_eq!(said.len(), 2, "{said:#?}");
    assert!(said[0].message.contains("cert.pem cannot be read"));
    assert!(said[1].message.contains("key.pem is not PEM"));
}

/// It may be a clock that is wrong, or a renewal that is late: both are better served than not.
#[test]
fn a_certificate_out_of_its_time_is_warned_about() {
    for (from, until, words) in [
        (2019, 2020, "expired at 2020-01-01T00:00:00Z"),
        (3000, 3001, "is not valid before 3000-01-01T00:00:00Z"),
    ] {
        let (cert, key) = pair(from, until);
        let (severity, message) = one(&folder(&cert, &key), CERT);
        assert!(message.contains(words), "{message}");
        assert_eq!(severity, Severity::Warning);
    }
}

#[test]
fn a_key_that_everybody_can_read_is_warned_about() {
    let (cert, key) = good_pair();
    let folder = folder(&cert, &key);
    open_key_for(&folder, 0o640);
    assert_eq!(said(&folder), [], "a group of its own may read it");
    open_key_for(&folder, 0o644);
    let (severity, message) = one(&folder, KEY);
    assert!(message.contains("open to everybody"), "{message}");
    assert_eq!(severity, Severity::Warning);
}

#[test]
fn half_a_pair_is_none() {
    let bad = |text: &str| parse(text, "t.toml", Path::new("/base"), Vec::new()).unwrap_err();
    let said = bad("server.tls.cert = 'file:c'\n").to_string();
    assert!(said.contains("`key` is missing"), "{said}");
    let said = bad("server.tls.key = 'file:k'\n").to_string();
    assert!(said.contains("`cert` is missing"), "{said}");
    let said = bad("server.tls = true\n").to_string();
    assert!(said.contains("server.tls"), "{said}");
}

/// Nothing of a key is in what is said about it, nor in what is shown.
#[test]
fn a_key_is_never_shown() {
    let (cert, key) = good_pair();
    let secret = key.lines().nth(1).unwrap().to_owned();
    let broken = key.replacen("-----END", "*", 1);
    for key in [&key, &broken] {
        let said = format!("{:?}", said(&folder(&cert, key)));
        assert!(!said.contains(&secret), "{said}");
    }
    let quoted = |text: &str| text.replace('\n', "\\n");
    let text = format!(
        "allow_inline_secrets = true\nserver.tls = {{ cert = \"{}\", key = \"{}\" }}\n",
        quoted(&cert),
        quoted(&key)
    );
    let loaded = parse(&text, "t.toml", Path::new("/"), Vec::new()).unwrap();
    let tls = loaded.settings.server.tls.clone().unwrap();
    assert!(tls.read().is_ok());
    for shown in [loaded.settings.show(), format!("{:?}", loaded)] {
        assert!(!shown.contains(&secret), "{shown}");
    }
    assert!(loaded.settings.show().contains("key = \"[redacted]\""));
}

#[test]
fn minted_addresses_say_whether_there_is_tls() {
    let text = CONFIG.replace("https:", "http:");
    let loaded = parse(&text, "t.toml", Path::new("/"), Vec::new()).unwrap();
    let warned = |problem: &Problem| problem.key == "server.public_url";
    assert!(loaded.warnings.iter().any(warned), "{:?}", loaded.warnings);
}
