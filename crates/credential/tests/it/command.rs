//! Programs that print tokens.

use std::{fs, path::Path, time::Duration};

use tokio::time::{sleep, timeout};
use tollbridge_credential::{CommandError, FetchError, Http, Source, TokenCommand};

use crate::{IMPATIENT, PATIENT, credential, text};

/// Runs a script. The engine itself knows no shell.
fn sh(script: &str) -> TokenCommand {
    TokenCommand {
        program: "/bin/sh".into(),
        arguments: vec!["-c".to_owned(), script.to_owned()],
        timeout: PATIENT,
        cache_for: Duration::from_secs(60),
    }
}

async fn printed(command: TokenCommand) -> Result<String, FetchError> {
    let (credential, _) = credential(Source::TokenCommand(command));
    let fetched = credential.get(&Http::new()).await?;
    Ok(text(&fetched).to_owned())
}

fn failure(error: CommandError) -> Result<String, FetchError> {
    Err(FetchError::Command(error))
}

#[actix_rt::test]
async fn what_it_prints_is_the_token_without_the_space_around_it() {
    let command = sh("printf ' \\n tok-1 \\n\\n'; echo noise >&2");
    assert_eq!(printed(command).await.unwrap(), "tok-1");
    let arguments = TokenCommand {
        program: "printf".into(),
        arguments: vec!["%s.".to_owned(), "$HOME;a".to_owned(), "b".to_owned()],
        ..sh("")
    };
    assert_eq!(printed(arguments).await.unwrap(), "$HOME;a.b.");
}

#[actix_rt::test]
async fn it_is_kept_as_long_as_configured() {
    let directory = tempfile::tempdir().unwrap();
    let file = directory.path().join("runs");
    let script = format!("echo x >> {0}; wc -l < {0}", file.display());
    let (credential, clock) = credential(Source::TokenCommand(sh(&script)));
    let http = Http::new();
    for (after, token) in [(0, "1"), (40, "1"), (20, "2")] {
        clock.advance(after);
        assert_eq!(text(&credential.get(&http).await.unwrap()), token);
    }
}

/// Cargo gives the test `CARGO_MANIFEST_DIR`, which stands for all that is none of its business.
#[actix_rt::test]
async fn of_the_environment_it_gets_the_path_and_the_home() {
    let seen = "${CARGO_MANIFEST_DIR-gone}.${PATH:+path}.${HOME-none}";
    let script = format!("cat; printf %s \"{seen}\"");
    let home = std::env::var("HOME").unwrap_or_else(|_| "none".to_owned());
    assert!(std::env::var_os("CARGO_MANIFEST_DIR").is_some());
    assert_eq!(
        printed(sh(&script)).await.unwrap(),
        format!("gone.path.{home}")
    );
}

#[actix_rt::test]
async fn what_is_no_token_is_refused_and_not_repeated() {
    for (script, error) in [
        ("echo s3cr3t >&2; exit 3", CommandError::Failed(Some(3))),
        ("echo s3cr3t; exit 1", CommandError::Failed(Some(1))),
        ("kill -9 $$", CommandError::Failed(None)),
        ("true", CommandError::Output("an empty token")),
        (
            "echo a; echo b",
            CommandError::Output("a token with characters that no header may hold"),
        ),
        (
            "printf '\\377s3cr3t'",
            CommandError::Output("something that is no text"),
        ),
        ("exec yes s3cr3t", CommandError::Output("more than 16 KiB")),
    ] {
        assert_eq!(printed(sh(script)).await, failure(error), "{script}");
    }
    let nowhere = TokenCommand {
        program: "/nowhere/s3cr3t".into(),
        ..sh("")
    };
    let error = printed(nowhere).await.unwrap_err();
    assert_eq!(
        error.to_string(),
        "the token command cannot be started: entity not found"
    );
}

#[actix_rt::test]
async fn one_that_takes_too_long_is_given_up() {
    for script in ["exec sleep 600", "sleep 600 & echo token"] {
        let command = TokenCommand {
            timeout: IMPATIENT,
            ..sh(script)
        };
        assert_eq!(printed(command).await, Err(FetchError::Timeout(IMPATIENT)));
    }
}

/// A wrapper script must not leave behind what it has started.
#[actix_rt::test]
async fn all_that_it_started_ends_with_it() {
    let directory = tempfile::tempdir().unwrap();
    let file = directory.path().join("pid");
    let script = format!(
        "sleep 600 & echo $! > {0}.new; mv {0}.new {0}; wait",
        file.display()
    );
    let command = TokenCommand {
        cache_for: Duration::ZERO,
        ..sh(&script)
    };
    let (credential, _) = credential(Source::TokenCommand(command));
    let http = Http::new();
    let child = tokio::select! {
        outcome = credential.get(&http) => panic!("it has ended: {outcome:?}"),
        child = until(|| fs::read_to_string(&file).ok()) => child,
    };
    let child = Path::new("/proc").join(child.trim()).join("stat");
    until(|| is_gone(&child).then_some(())).await;
}

/// Nobody may have collected its status.
fn is_gone(stat: &Path) -> bool {
    fs::read_to_string(stat).map_or(true, |stat| stat.contains(") Z "))
}

/// There is no signal for what another process does.
async fn until<T>(what: impl Fn() -> Option<T>) -> T {
    let found = async {
        loop {
            if let Some(found) = what() {
                return found;
            }
            sleep(Duration::from_millis(5)).await;
        }
    };
    timeout(PATIENT, found).await.expect("it comes in time")
}
