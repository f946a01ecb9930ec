//! S05: a disk that is full, a disk that may not be written. Both need a small file system of
//! their own, and so the right to mount one; where that is missing, these tests say so and pass.

use std::{fs, io::Write as _, path::Path, process::Command};

use serde_json::json;
use sqlx::{Connection as _, SqliteConnection};
use tempfile::TempDir;
use tollbridge_testkit::{Behaviour, Upstream};

use crate::house::{House, builder, route, stderr, until};

/// Four megabytes in memory; gone when dropped.
struct Disk(TempDir);

impl Disk {
    #[expect(clippy::print_stdout, reason = "a test that skips says so")]
    fn mounted() -> Option<Self> {
        let folder = TempDir::with_prefix("tollbridge-disk-").unwrap();
        let mounted = mount(
            &["-t", "tmpfs", "-o", "size=4m,mode=700", "none"],
            folder.path(),
        );
        if !mounted {
            println!("skipped: this user may not mount a file system");
        }
        mounted.then_some(Self(folder))
    }

    fn path(&self) -> &Path {
        self.0.path()
    }

    fn url(&self) -> String {
        format!("sqlite:{}/tollbridge.db", self.path().display())
    }

    /// Fills it to the last byte.
    fn fill(&self) {
        let mut file = fs::File::create(self.path().join("filler")).unwrap();
        for size in [64 * 1024, 4096, 1] {
            while file.write_all(&vec![0; size]).is_ok() {}
        }
    }
}

impl Drop for Disk {
    fn drop(&mut self) {
        // Lazily: a server may be about to close its files.
        let unmounted = Command::new("umount").arg("-l").arg(self.path()).status();
        assert!(unmounted.is_ok_and(|status| status.success()));
    }
}

fn mount(arguments: &[&str], at: &Path) -> bool {
    let output = Command::new("mount").args(arguments).arg(at).output();
    output.is_ok_and(|output| output.status.success())
}

async fn on(disk: &Disk) -> (Upstream, House) {
    let upstream = Upstream::behaving(Behaviour::Echo).await;
    let builder =
        builder(&[route("echo", &upstream, "")]).env("TOLLBRIDGE__STORE__URL", &disk.url());
    let house = House::of(builder).await.keeping_its_store_in(disk.path());
    (upstream, house)
}

/// What cannot be stored is refused, what is open goes on, and nothing is lost when there is room
/// again.
#[tokio::test]
async fn a_full_disk_refuses_new_work_and_heals() {
    let Some(disk) = Disk::mounted() else { return };
    let (_upstream, house) = on(&disk).await;
    let mut ws = house.session("echo").await;
    house.audited("session.opened").await;
    let ban = json!({"subject": "eve", "reason": "x".repeat(200)});
    house.told("POST", "revocations", &ban).await;
    disk.fill();
    // The log of the store may have some room of its own.
    let mut banned = 1;
    let refused = loop {
        let answer = house.ask("POST", "revocations", &ban).await;
        if answer.status != 201 {
            break answer;
        }
        banned += 1;
        assert!(banned < 2000, "the disk does not fill");
    };
    assert_eq!(refused.status, 500, "{refused:?}");
    until(async || (house.mint(&json!({"route": "echo"})).await.status == 503).then_some(())).await;
    ws.echo("open sessions go on").await;
    let output = house
        .server
        .cli(&["apikey", "create", "--name", "n", "--scope", "admin"])
        .await;
    assert_eq!(output.status.code(), Some(1), "{output:?}");
    assert!(output.stdout.is_empty());

    fs::remove_file(disk.path().join("filler")).unwrap();
    until(async || (house.mint(&json!({"route": "echo"})).await.status == 201).then_some(())).await;
    ws.echo("and on").await;
    let kept = house.audited("revocation.added").await;
    assert_eq!(
        kept.len(),
        banned,
        "every act that was acknowledged, and no other"
    );
    let mut store = SqliteConnection::connect(&disk.url()).await.unwrap();
    let check = sqlx::query_scalar::<_, String>("PRAGMA integrity_check");
    assert_eq!(check.fetch_one(&mut store).await.unwrap(), "ok");
}

#[tokio::test]
async fn a_store_that_may_not_be_written_is_not_served() {
    let Some(disk) = Disk::mounted() else { return };
    let (_upstream, mut house) = on(&disk).await;
    house.server.sigterm();
    assert_eq!(house.server.ended().await.code(), Some(0));
    assert!(mount(&["-o", "remount,ro"], disk.path()));
    let output = house.server.cli(&["serve"]).await;
    assert_eq!(output.status.code(), Some(1), "{output:?}");
    let said = stderr(&output);
    assert!(said.contains(&disk.path().display().to_string()), "{said}");
    let output = house.server.cli(&["keys", "rotate"]).await;
    assert_eq!(output.status.code(), Some(1), "{output:?}");
    assert!(mount(&["-o", "remount,rw"], disk.path()));
    house.server.restart().await;
}
