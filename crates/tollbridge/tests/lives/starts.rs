//! Starts that must not succeed, and what lies on disk after those that do.

use std::{
    fs,
    net::TcpListener,
    os::unix::fs::{FileTypeExt as _, PermissionsExt as _},
    path::Path,
};

use tollbridge_testkit::{Behaviour, ServerBuilder, Stopped, Upstream};

use crate::house::{House, builder, config, route, route_to, stderr};

fn alone() -> ServerBuilder {
    builder(&[route_to("echo", "ws://127.0.0.1:9", "")])
}

async fn refused(builder: ServerBuilder) -> Stopped {
    let started = builder.try_start().await;
    started.err().expect("it must not start")
}

async fn house() -> (Upstream, House) {
    let upstream = Upstream::behaving(Behaviour::Echo).await;
    let house = House::with(&[route("echo", &upstream, "")]).await;
    (upstream, house)
}

/// What `serve` says and how it ends, beside or after another server of the same folder.
async fn serve(house: &House) -> (Option<i32>, String) {
    let output = house.server.cli(&["serve"]).await;
    assert!(output.stdout.is_empty(), "it listened: {output:?}");
    (output.status.code(), stderr(&output))
}

#[tokio::test]
async fn a_secret_that_cannot_be_read_is_named_and_exit_3() {
    for (reference, value) in [
        ("env:NOT_SET", ""),
        ("file:not-there.key", ""),
        ("file:.", ""),
        ("cred:not-there", ""),
        ("file:bad.key", "no\u{0}text"),
    ] {
        let text = config(&[route_to("echo", "ws://127.0.0.1:9", "")]);
        let text = text.replace("env:VENDOR_KEY", reference);
        let builder = || alone().config(text.clone()).file("bad.key", value);
        if value.is_empty() {
            let stopped = refused(builder()).await;
            assert_eq!(stopped.status.code(), Some(3), "{reference}: {stopped:?}");
            assert!(
                stopped.stderr.contains("X-Api-Key"),
                "{reference}: {stopped:?}"
            );
            let checked = builder().cli(&["check"]).await;
            assert_eq!(checked.status.code(), Some(3), "{reference}");
        }
    }
}

#[tokio::test]
async fn a_configuration_that_cannot_be_read_is_exit_3() {
    for (what, text) in [
        ("not TOML", "server = [".to_owned()),
        ("empty route", config(&["[routes.echo]\n".to_owned()])),
        ("a literal secret", {
            let text = config(&[route_to("echo", "ws://127.0.0.1:9", "")]);
            text.replace("env:VENDOR_KEY", "literal-secret-value")
        }),
        (
            "not built yet",
            config(&["[coordination]\nurl = \"redis://h\"\n".to_owned()]),
        ),
    ] {
        let stopped = refused(alone().config(text)).await;
        assert_eq!(stopped.status.code(), Some(3), "{what}: {stopped:?}");
        assert!(
            stopped.stderr.contains("tollbridge.toml:"),
            "{what}: {stopped:?}"
        );
        assert!(
            !stopped.stderr.contains("literal-secret-value"),
            "{what}: {stopped:?}"
        );
    }
    let garbled = refused(alone().file("tollbridge.toml", [b'[', 0xff, 0xfe])).await;
    assert_eq!(garbled.status.code(), Some(3), "{garbled:?}");
    for elsewhere in ["/nonexistent/tollbridge.toml", "/"] {
        let builder = alone().env("TOLLBRIDGE_CONFIG", elsewhere);
        let output = builder.cli(&["check"]).await;
        // The harness names its own file; the variable is for those who do not.
        assert_eq!(output.status.code(), Some(0), "{output:?}");
    }
}

#[tokio::test]
async fn a_wrong_missing_or_garbled_master_key_is_exit_3() {
    let (_upstream, mut house) = house().await;
    house.server.kill9();
    let file = house.server.dir().join("master.key");
    let right = fs::read(&file).unwrap();
    let other = "AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8=\n";
    for wrong in [other, "c2hvcnQ=\n", "no base64 at all\n", ""] {
        fs::write(&file, wrong).unwrap();
        let (code, said) = serve(&house).await;
        assert_eq!(code, Some(3), "{wrong:?}: {said}");
        assert!(said.contains("keys.master_key"), "{wrong:?}: {said}");
        assert!(
            wrong.len() < 6 || !said.contains(wrong.trim()),
            "it is shown: {said}"
        );
    }
    fs::remove_file(&file).unwrap();
    let (code, said) = serve(&house).await;
    assert_eq!(code, Some(3), "{said}");
    assert!(
        !file.exists(),
        "none is made while keys are sealed under another"
    );
    fs::write(&file, right).unwrap();
    fs::set_permissions(&file, fs::Permissions::from_mode(0o600)).unwrap();
    house.server.restart().await;
    house.session("echo").await.echo("nothing is lost").await;
}

#[tokio::test]
async fn a_port_that_is_taken_is_exit_1_and_named() {
    let taken = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = taken.local_addr().unwrap();
    let text = config(&[route_to("echo", "ws://127.0.0.1:9", "")]);
    for key in ["server", "admin"] {
        let section = format!("[{key}]\nlisten = \"127.0.0.1:0\"");
        assert!(text.contains(&section));
        let text = text.replace(&section, &format!("[{key}]\nlisten = \"{address}\""));
        let stopped = refused(alone().config(text)).await;
        assert_eq!(stopped.status.code(), Some(1), "{stopped:?}");
        assert!(stopped.stderr.contains(&address.to_string()), "{stopped:?}");
        assert!(
            stopped.stderr.contains(&format!("{key}.listen")),
            "{stopped:?}"
        );
    }
}

/// S05, second process.
#[tokio::test]
async fn a_second_server_on_one_store_is_exit_1_and_leaves_the_first_alone() {
    let (_upstream, mut house) = house().await;
    let mut ws = house.session("echo").await;
    let (code, said) = serve(&house).await;
    assert_eq!(code, Some(1), "{said}");
    assert!(
        said.contains(&house.server.pid().to_string()),
        "who holds it: {said}"
    );
    ws.echo("unharmed").await;
    house.cli(&["sessions", "list"]).await;
    // The lock goes with the process, however that goes.
    house.server.kill9();
    house.server.restart().await;
    house.session("echo").await.echo("again").await;
}

/// S05, file mode.
#[tokio::test]
async fn a_store_that_others_can_read_is_not_opened() {
    let (_upstream, mut house) = house().await;
    house.server.kill9();
    let file = house.server.dir().join("tollbridge.db");
    for mode in [0o644, 0o640, 0o602] {
        fs::set_permissions(&file, fs::Permissions::from_mode(mode)).unwrap();
        let (code, said) = serve(&house).await;
        assert_eq!(code, Some(1), "{said}");
        assert!(said.contains("chmod 600"), "{said}");
        let output = house.server.cli(&["keys", "list"]).await;
        assert_eq!(output.status.code(), Some(1), "{output:?}");
    }
    fs::set_permissions(&file, fs::Permissions::from_mode(0o600)).unwrap();
    house.server.restart().await;
}

#[tokio::test]
async fn a_store_that_is_none_is_not_opened() {
    let garbage = alone().file("tollbridge.db", vec![b'x'; 8192]);
    // The harness writes with the usual mode; mode comes before contents.
    let stopped = refused(garbage).await;
    assert_eq!(stopped.status.code(), Some(1), "{stopped:?}");
    let nowhere = alone().env("TOLLBRIDGE__STORE__URL", "sqlite:/nonexistent/folder/t.db");
    let stopped = refused(nowhere).await;
    assert_eq!(stopped.status.code(), Some(1), "{stopped:?}");
    assert!(
        stopped.stderr.contains("/nonexistent/folder"),
        "{stopped:?}"
    );
}

#[tokio::test]
async fn what_a_server_leaves_on_disk_is_its_owners_alone() {
    let (_upstream, house) = house().await;
    house.session("echo").await.close(1000).await;
    house.audited("session.closed").await;
    let mode = |path: &Path| fs::metadata(path).unwrap().permissions().mode() & 0o777;
    let socket = house.server.dir().join("tollbridge.db.sock");
    assert!(fs::metadata(&socket).unwrap().file_type().is_socket());
    for name in [
        "tollbridge.db",
        "tollbridge.db-wal",
        "tollbridge.db-shm",
        "tollbridge.db.lock",
        "tollbridge.db.sock",
        "master.key",
    ] {
        assert_eq!(mode(&house.server.dir().join(name)), 0o600, "{name}");
    }
}
