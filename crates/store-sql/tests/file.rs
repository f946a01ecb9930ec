//! The file itself: who may read it, who may serve from it, what is left after a crash.

#![expect(
    clippy::expect_used,
    reason = "a test that cannot be set up has failed"
)]

use std::{fs, os::unix::fs::PermissionsExt, path::Path};

use tempfile::TempDir;
use tollbridge_domain::Moment;
use tollbridge_store::{
    AuditLog, AuditQuery, EpochStore, KeyRecord, KeyStore, Revision, Revisions, RevocationStore,
    RevokedThing, Stage, StoreError,
    contract::{act, key, revocation},
};
use tollbridge_store_sql::{Mode, ServerLock, Sqlite};

const NOW: Moment = Moment::from_seconds(1_000);

fn folder() -> (TempDir, String) {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let url = format!("sqlite:{}/t.db", folder.path().display());
    (folder, url)
}

fn mode(path: &Path) -> u32 {
    let found = fs::metadata(path).expect("the file is there");
    found.permissions().mode() & 0o777
}

fn why<T: std::fmt::Debug>(refused: Result<T, StoreError>) -> String {
    match refused {
        Err(StoreError::Unusable { why }) => why,
        other => panic!("expected Unusable, found {other:?}"),
    }
}

/// S3: sealed keys and hashes are for the owner alone, in every file that SQLite makes.
#[tokio::test]
async fn every_file_of_a_store_is_readable_by_its_owner_alone() {
    let (folder, url) = folder();
    let store = Sqlite::open(&url, Mode::Create).await.unwrap();
    store.advance_epoch(NOW).await.unwrap();
    let _lock = ServerLock::hold(&url).unwrap();
    for name in ["t.db", "t.db-wal", "t.db-shm", "t.db.lock"] {
        assert_eq!(mode(&folder.path().join(name)), 0o600, "{name}");
    }
}

/// S05: file 0644.
#[tokio::test]
async fn a_file_that_others_can_read_is_refused_with_the_cure() {
    let (folder, url) = folder();
    Sqlite::open(&url, Mode::Create)
        .await
        .unwrap()
        .close()
        .await;
    let path = folder.path().join("t.db");
    for open in [0o644, 0o640, 0o602] {
        fs::set_permissions(&path, fs::Permissions::from_mode(open)).unwrap();
        let why = why(Sqlite::open(&url, Mode::Create).await);
        assert!(why.contains("chmod 600"), "{why}");
    }
    fs::set_permissions(&path, fs::Permissions::from_mode(0o600)).unwrap();
    Sqlite::open(&url, Mode::Existing).await.unwrap();
}

#[tokio::test]
async fn what_is_missing_is_named() {
    let (folder, url) = folder();
    let missing = why(Sqlite::open(&url, Mode::Existing).await);
    assert!(missing.contains("no file"), "{missing}");
    assert!(!folder.path().join("t.db").exists(), "and not made");
    let nowhere = format!("sqlite:{}/no/t.db", folder.path().display());
    let missing = why(Sqlite::open(&nowhere, Mode::Create).await);
    assert!(missing.contains("folder"), "{missing}");
    let itself = format!("sqlite:{}", folder.path().display());
    fs::set_permissions(folder.path(), fs::Permissions::from_mode(0o700)).unwrap();
    let found = why(Sqlite::open(&itself, Mode::Existing).await);
    assert!(found.contains("not a file"), "{found}");
}

#[tokio::test]
async fn a_file_that_is_no_database_is_refused() {
    let (folder, url) = folder();
    let path = folder.path().join("t.db");
    fs::write(
        &path,
        "certainly not a database, but long enough to be taken for one",
    )
    .unwrap();
    fs::set_permissions(&path, fs::Permissions::from_mode(0o600)).unwrap();
    let why = why(Sqlite::open(&url, Mode::Create).await);
    assert!(why.contains("not a SQLite database"), "{why}");
}

/// S05: second process.
#[test]
fn a_second_server_is_told_who_holds_the_store() {
    let (_folder, url) = folder();
    let first = ServerLock::hold(&url).unwrap();
    let refused = ServerLock::hold(&url).unwrap_err();
    let StoreError::Held { holder } = &refused else {
        panic!("expected Held, found {refused:?}");
    };
    let pid = format!("pid {}, since 2", std::process::id());
    assert!(holder.starts_with(&pid), "{holder}");
    drop(first);
    ServerLock::hold(&url).unwrap();
}

#[tokio::test]
async fn a_command_line_can_use_the_store_of_a_running_server() {
    let (_folder, url) = folder();
    let _lock = ServerLock::hold(&url).unwrap();
    let server = Sqlite::open(&url, Mode::Create).await.unwrap();
    let before = server.watermark().await.unwrap();

    let command = Sqlite::open(&url, Mode::Existing).await.unwrap();
    let revoked = revocation(RevokedThing::Subject, "ada", 1_000, 2_000);
    let act = act("revocation.added", "ada");
    command.add_revocation(&revoked, &act).await.unwrap();

    let after = server.watermark().await.unwrap();
    assert!(after.revocations > before.revocations, "within one read");
    assert_eq!(server.revocations(NOW).await.unwrap(), [revoked]);
}

/// Contract 8: retired means erased, from the file and from its log.
#[tokio::test]
async fn retired_key_material_is_in_no_file_any_more() {
    let (folder, url) = folder();
    let store = Sqlite::open(&url, Mode::Create).await.unwrap();
    let sealed = b"sealed-under-the-master-key-0123456789".to_vec();
    let active = KeyRecord {
        sealed: Some(sealed.clone()),
        ..key("kid-a", Stage::Active, 1)
    };
    let revision = change(&store, Revision::default(), active.clone()).await;
    assert!(holds(folder.path(), &sealed));

    let retired = KeyRecord {
        stage: Stage::Retired,
        sealed: None,
        ..active
    };
    change(&store, revision, retired).await;
    assert!(!holds(folder.path(), &sealed));
}

async fn change(store: &Sqlite, expected: Revision, record: KeyRecord) -> Revision {
    let changed = store.change_keys(expected, &[record], &[], NOW).await;
    changed.expect("nobody else changes keys")
}

fn holds(folder: &Path, needle: &[u8]) -> bool {
    let mut files = fs::read_dir(folder).expect("the folder is there");
    files.any(|file| {
        let text = fs::read(file.expect("an entry").path()).expect("a file");
        text.windows(needle.len()).any(|window| window == needle)
    })
}

/// A crash is a copy of the files at some moment, log included: what was acknowledged is in it,
/// what was not is not.
#[tokio::test]
async fn what_was_acknowledged_survives_a_crash() {
    let (folder, url) = folder();
    let store = Sqlite::open(&url, Mode::Create).await.unwrap();
    for n in 0..20 {
        let act = act("config.reloaded", &format!("reload-{n}"));
        store.record_act(&act, NOW).await.unwrap();
    }
    let crashed = tempfile::tempdir().unwrap();
    for name in ["t.db", "t.db-wal"] {
        fs::copy(folder.path().join(name), crashed.path().join(name)).unwrap();
    }
    let url = format!("sqlite:{}/t.db", crashed.path().display());
    let reopened = Sqlite::open(&url, Mode::Existing).await.unwrap();
    reopened.integrity().await.unwrap();
    let log = reopened.audit(&AuditQuery::default()).await.unwrap();
    assert_eq!(log.len(), 20);
    assert_eq!(log[0].target, "reload-19");
}
