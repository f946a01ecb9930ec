//! Keys under many hands, and under attack.

use std::{
    fs,
    process::{Child, Command, Stdio},
    time::Duration,
};

use base64::{Engine as _, engine::general_purpose::URL_SAFE_NO_PAD};
use serde_json::{Value, json};
use tokio::{task::spawn_blocking, time::sleep};
use tollbridge_testkit::{Behaviour, Upstream, get, sha256_hex};

use crate::house::{CREDENTIAL, House, builder, config, route, until};

async fn house(keys: &str) -> (Upstream, House) {
    let upstream = Upstream::behaving(Behaviour::Echo).await;
    let config = config(&[route("echo", &upstream, "")]);
    let builder = builder(&[]).config(format!("{config}[keys]\n{keys}\n"));
    (upstream, House::of(builder).await)
}

/// A command of the server's own binary that runs beside the test.
fn beside(house: &House, arguments: &[&str]) -> Child {
    let binary = fs::read_link(format!("/proc/{}/exe", house.server.pid())).unwrap();
    Command::new(binary)
        .args(arguments)
        .arg("--config")
        .arg(house.server.dir().join("tollbridge.toml"))
        .env("VENDOR_KEY", CREDENTIAL)
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .spawn()
        .unwrap()
}

async fn keys(house: &House) -> Vec<Value> {
    let listed = house.told("GET", "keys", &json!({})).await;
    listed["keys"].as_array().unwrap().clone()
}

fn in_stage<'a>(keys: &'a [Value], stage: &str) -> Vec<&'a Value> {
    keys.iter().filter(|key| key["stage"] == stage).collect()
}

/// K05, 20 rounds: two rotate at once, a third is killed at a moment of nobody's choosing. After
/// each there is one active key and at most one next.
#[tokio::test]
async fn however_many_rotate_at_once_one_key_is_active() {
    let (_upstream, house) = house("publish_before_use = \"1s\"").await;
    for round in 0..20_u32 {
        let mut killed = beside(&house, &["keys", "rotate"]);
        let both = [
            beside(&house, &["keys", "rotate"]),
            beside(&house, &["keys", "rotate"]),
        ];
        // Not a wait for anything: the moment of the blow, another one each round.
        sleep(Duration::from_millis(u64::from(round) * 4)).await;
        killed.kill().unwrap();
        killed.wait().unwrap();
        for child in both {
            let mut child = child;
            let status = spawn_blocking(move || child.wait()).await.unwrap().unwrap();
            assert!(status.success(), "round {round}");
        }
        // The server follows, and activates what was staged.
        until(async || {
            let keys = keys(&house).await;
            assert_eq!(
                in_stage(&keys, "active").len(),
                1,
                "round {round}: {keys:?}"
            );
            assert!(
                in_stage(&keys, "staged").len() <= 1,
                "round {round}: {keys:?}"
            );
            let grown = keys.len() > usize::try_from(round).unwrap() + 1;
            (grown && in_stage(&keys, "staged").is_empty()).then_some(())
        })
        .await;
    }
    let made = keys(&house).await;
    assert!(made.len() >= 21, "{} keys after 20 rounds", made.len());
    let active = in_stage(&made, "active")[0]["kid"].clone();
    house.session("echo").await.close(1000).await;
    let minted = house
        .logged("token.minted", |event| event["kid"] == active)
        .await;
    assert_eq!(minted["route"], "echo");
    let activated = house.audited("key.activated").await;
    assert_eq!(activated.len(), made.len(), "each became active once");
}

/// As often as the store's workers were woken.
fn wakes(house: &House) -> u64 {
    let tasks = fs::read_dir(format!("/proc/{}/task", house.server.pid())).unwrap();
    let mut wakes = 0;
    for task in tasks {
        let task = task.unwrap().path();
        let name = fs::read_to_string(task.join("comm")).unwrap_or_default();
        let status = fs::read_to_string(task.join("status")).unwrap_or_default();
        if name.starts_with("sqlx") {
            let line = status.lines().find(|line| line.starts_with("voluntary"));
            let count = line.and_then(|line| line.split_whitespace().nth(1));
            wakes += count.unwrap().parse::<u64>().unwrap();
        }
    }
    wakes
}

/// K06: a thousand tokens of keys that nobody has cost the store next to nothing. Each reading of
/// the store wakes one of its workers, so the wakes are counted; that this counts readings is
/// seen first, at an address that reads the store every time.
#[tokio::test]
async fn unknown_keys_do_not_load_the_store() {
    let (_upstream, house) = house("").await;
    let genuine = house.token("echo").await;
    let before = wakes(&house);
    for _ in 0..100 {
        house.told("GET", "audit", &json!({})).await;
    }
    let readings = wakes(&house) - before;
    assert!(readings >= 100, "100 readings are {readings} wakes");

    let claims = genuine.split('.').nth(1).unwrap();
    let signature = URL_SAFE_NO_PAD.encode([7; 64]);
    let before = wakes(&house);
    for at in 0..1000_u32 {
        let kid = URL_SAFE_NO_PAD.encode(&sha256_hex(&at.to_be_bytes()).as_bytes()[..32]);
        let header = json!({"alg": "EdDSA", "typ": "tollbridge+jwt", "kid": kid}).to_string();
        let token = format!("{}.{claims}.{signature}", URL_SAFE_NO_PAD.encode(header));
        let refused = house.redeem("echo", &token).await.unwrap_err();
        assert_eq!(
            (refused.status, refused.code()),
            (401, "token_invalid".to_owned())
        );
    }
    let woken = wakes(&house) - before;
    assert!(
        woken < 500,
        "1000 unknown keys woke the store {woken} times"
    );
    house
        .redeem("echo", &genuine)
        .await
        .unwrap()
        .close(1000)
        .await;
    assert_eq!(get(house.server.public(), "/readyz", &[]).await.status, 200);
}
