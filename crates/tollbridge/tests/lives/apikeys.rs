//! API keys by the command line, beside a running server.

use serde_json::{Value, json};
use tollbridge_testkit::{Behaviour, Upstream, post_json};

use crate::house::{House, route, until};

async fn mint(house: &House, key: &str, route: &str) -> u16 {
    let bearer = format!("Bearer {key}");
    let headers = [("authorization", bearer.as_str())];
    let body = json!({"route": route});
    post_json(house.server.public(), "/v1/tokens", &headers, &body)
        .await
        .status
}

#[tokio::test]
async fn a_key_works_from_its_making_to_its_revocation() {
    let upstream = Upstream::behaving(Behaviour::Echo).await;
    let house = House::with(&[route("echo", &upstream, ""), route("other", &upstream, "")]).await;
    let create = [
        "apikey", "create", "--name", "ci", "--scope", "mint", "--route", "echo",
    ];
    let said = house.cli(&create).await;
    let key = said.strip_suffix('\n').unwrap();
    assert!(
        key.starts_with("tbk_") && !key.contains('\n'),
        "the key alone"
    );
    until(async || (mint(&house, key, "echo").await == 201).then_some(())).await;
    assert_eq!(mint(&house, key, "other").await, 403, "only its own routes");

    let listed = house.cli(&["apikey", "list", "--json"]).await;
    assert!(!listed.contains(key), "shown once");
    let listed: Value = serde_json::from_str(&listed).unwrap();
    let row = &listed["apikeys"][0];
    assert_eq!(
        (&row["name"], &row["scope"]),
        (&json!("ci"), &json!("mint"))
    );
    assert_eq!(
        (&row["caller"], &row["routes"]),
        (&json!("backend"), &json!(["echo"]))
    );
    assert!(!house.cli(&["apikey", "list"]).await.contains(key));

    let twice = house.server.cli(&create).await;
    assert_eq!(twice.status.code(), Some(1), "a name is one living key's");
    house.cli(&["apikey", "revoke", "ci"]).await;
    until(async || (mint(&house, key, "echo").await == 401).then_some(())).await;
    for event in ["apikey.created", "apikey.revoked"] {
        let audited = house.audited(event).await;
        assert_eq!(
            (audited.len(), &audited[0]["who"]),
            (1, &json!("cli:grace"))
        );
    }
}

#[tokio::test]
async fn a_key_ends_when_it_was_said_to() {
    let upstream = Upstream::behaving(Behaviour::Echo).await;
    let house = House::with(&[route("echo", &upstream, "")]).await;
    let create = [
        "apikey",
        "create",
        "--name",
        "short",
        "--scope",
        "mint",
        "--expires-in",
        "4s",
    ];
    let said = house.cli(&create).await;
    let key = said.trim_end();
    until(async || (mint(&house, key, "echo").await == 201).then_some(())).await;
    until(async || (mint(&house, key, "echo").await == 401).then_some(())).await;
}

#[tokio::test]
async fn a_key_that_makes_no_sense_is_not_made() {
    let upstream = Upstream::behaving(Behaviour::Echo).await;
    let house = House::with(&[route("echo", &upstream, "")]).await;
    for wrong in [
        &["--name", "n", "--scope", "root"][..],
        &["--name", "n", "--scope", "mint", "--route", "nowhere"],
        &["--name", "n", "--scope", "mint", "--caller", "nobody"],
        &["--name", "n", "--scope", "admin", "--caller", "backend"],
        &["--name", "", "--scope", "mint"],
        &["--name", "n"],
        &["--name", "n", "--scope", "mint", "--expires-in", "soon"],
    ] {
        let output = house
            .server
            .cli(&[&["apikey", "create"], wrong].concat())
            .await;
        assert_eq!(output.status.code(), Some(2), "{wrong:?}: {output:?}");
        assert!(output.stdout.is_empty());
    }
    let listed: Value =
        serde_json::from_str(&house.cli(&["apikey", "list", "--json"]).await).unwrap();
    assert_eq!(listed["apikeys"], json!([]));
    let nobody = house.server.cli(&["apikey", "revoke", "nobody"]).await;
    assert_eq!(nobody.status.code(), Some(1));
}
