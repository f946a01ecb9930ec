//! The admin API: who may do what, and what is written about it.

use serde_json::json;
use tollbridge_testkit::{Behaviour, Response, Upstream, http};

use crate::house::{House, route, told_to_go, until};

/// What a viewer may read.
const READS: [&str; 9] = [
    "overview",
    "routes",
    "sessions",
    "keys",
    "apikeys",
    "revocations",
    "denials",
    "audit",
    "config",
];

/// What only an operator may do.
const ACTS: [(&str, &str); 8] = [
    ("POST", "drain"),
    ("POST", "reload"),
    ("DELETE", "sessions/0123456789abcdef"),
    ("POST", "keys/rotate"),
    (
        "POST",
        "keys/AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA/revoke",
    ),
    ("POST", "apikeys"),
    ("DELETE", "apikeys/minting"),
    ("POST", "revocations"),
];

fn everything() -> Vec<(&'static str, &'static str)> {
    let reads = READS.iter().map(|path| ("GET", *path));
    reads.chain(ACTS).collect()
}

/// A request to a listener, with these headers and an empty body.
async fn call(
    to: std::net::SocketAddr,
    (method, path): (&str, &str),
    headers: &[(&str, &str)],
) -> Response {
    let mut request = format!(
        "{method} /admin/v1/{path} HTTP/1.1\r\nHost: {to}\r\nConnection: close\r\n\
         Content-Length: 0\r\n"
    );
    for (name, value) in headers {
        request.push_str(&format!("{name}: {value}\r\n"));
    }
    http(to, format!("{request}\r\n")).await
}

async fn house() -> (Upstream, House) {
    let upstream = Upstream::behaving(Behaviour::Echo).await;
    let house = House::with(&[route("echo", &upstream, "")]).await;
    (upstream, house)
}

/// A01: nothing of it is on the public listener, whoever asks.
#[tokio::test]
async fn the_admin_api_is_not_on_the_public_listener() {
    let (_upstream, house) = house().await;
    let key = house.api_key("operator", "admin").await;
    let bearer = format!("Bearer {key}");
    for request in everything() {
        let answer = call(
            house.server.public(),
            request,
            &[("Authorization", &bearer)],
        )
        .await;
        assert_eq!(answer.status, 404, "{request:?}: {answer:?}");
    }
    for path in ["/metrics", "/startupz", "/console"] {
        let answer = tollbridge_testkit::get(house.server.public(), path, &[]).await;
        assert_eq!(answer.status, 404, "{path}");
    }
}

/// A01: what a page of another site can make a browser send has no key with it, and no cookie
/// that would stand for one.
#[tokio::test]
async fn a_form_of_another_site_does_nothing() {
    let (_upstream, house) = house().await;
    let headers = [
        ("Origin", "https://evil.example"),
        ("Cookie", "session=operator"),
        ("Content-Type", "application/x-www-form-urlencoded"),
    ];
    for request in ACTS {
        let answer = call(house.server.admin(), request, &headers).await;
        assert_eq!(answer.status, 401, "{request:?}");
        assert_eq!(answer.header("access-control-allow-origin"), None);
    }
}

/// A02: at every path and method; what was tried is in the audit.
#[tokio::test]
async fn only_admin_and_viewer_keys_open_the_admin_api() {
    let (_upstream, house) = house().await;
    let mint = format!("Bearer {}", house.api_key("backend", "mint").await);
    let token = format!("Bearer {}", house.token("echo").await);
    let forged = format!(
        "Bearer tbk_{}_{}_{}",
        "a".repeat(12),
        "b".repeat(43),
        "c".repeat(6)
    );
    let bare = mint.trim_start_matches("Bearer ").to_owned();
    let attempts: [(&str, &str, u16); 6] = [
        ("Authorization", &mint, 403),
        ("X-API-Key", &bare, 403),
        ("Authorization", &token, 401),
        ("Authorization", &forged, 401),
        ("Authorization", "Basic b3BlcmF0b3I6", 401),
        ("X-Nothing", "at all", 401),
    ];
    for (name, value, status) in attempts {
        for request in everything() {
            let answer = call(house.server.admin(), request, &[(name, value)]).await;
            assert_eq!(answer.status, status, "{name} at {request:?}");
        }
    }
    let tried = attempts.len() * everything().len();
    let denied = until(async || {
        let denied = house.audited("admin.denied").await;
        (denied.iter().map(times).sum::<usize>() >= tried).then_some(denied)
    })
    .await;
    assert_eq!(denied.iter().map(times).sum::<usize>(), tried);
    for (_, path) in everything() {
        let target = format!("/admin/v1/{path}");
        let of_path = denied
            .iter()
            .filter(|entry| entry["target"] == target.as_str());
        assert!(
            of_path.map(times).sum::<usize>() >= attempts.len(),
            "{target}"
        );
    }
    assert!(denied.iter().all(|entry| entry["from"] == "127.0.0.1"));
    let results = denied.iter().filter(|entry| entry["result"] == "forbidden");
    assert_eq!(results.map(times).sum::<usize>(), 2 * everything().len());
}

/// How often a refusal happened that is on record: equal ones in a row are one record.
fn times(entry: &serde_json::Value) -> usize {
    entry["facts"]["count"]
        .as_u64()
        .map_or(1, |count| usize::try_from(count).unwrap())
}

#[tokio::test]
async fn a_viewer_reads_everything_and_does_nothing() {
    let (_upstream, house) = house().await;
    let viewer = format!("Bearer {}", house.api_key("looking", "viewer").await);
    let headers = [("Authorization", viewer.as_str())];
    for path in READS {
        let answer = call(house.server.admin(), ("GET", path), &headers).await;
        assert_eq!(answer.status, 200, "{path}");
        assert_eq!(answer.header("cache-control"), Some("no-store"), "{path}");
    }
    for request in ACTS {
        let answer = call(house.server.admin(), request, &headers).await;
        assert_eq!(
            (answer.status, answer.code()),
            (403, "forbidden".to_owned()),
            "{request:?}"
        );
    }
    house.session("echo").await.echo("nothing happened").await;
    let denied = house.audited("admin.denied").await;
    assert!(
        denied[0]["who"].as_str().unwrap().starts_with("apikey:ak_"),
        "{denied:?}"
    );
}

/// A revoked operator is one no longer.
#[tokio::test]
async fn a_revoked_admin_key_opens_nothing() {
    let (_upstream, house) = house().await;
    let key = format!("Bearer {}", house.api_key("operator", "admin").await);
    let headers = [("Authorization", key.as_str())];
    assert_eq!(
        call(house.server.admin(), ("GET", "keys"), &headers)
            .await
            .status,
        200
    );
    assert_eq!(
        call(
            house.server.admin(),
            ("DELETE", "apikeys/operator"),
            &headers
        )
        .await
        .status,
        200
    );
    assert_eq!(
        call(house.server.admin(), ("GET", "keys"), &headers)
            .await
            .status,
        401
    );
}

/// A05: who, what, when, from where, why, result; one entry an act.
#[tokio::test]
async fn every_act_of_an_operator_is_in_the_audit_with_who_and_why() {
    let (_upstream, house) = house().await;
    let key = house.api_key("operator", "admin").await;
    let bearer = format!("Bearer {key}");
    let mut ws = house.session("echo").await;
    let id = house.only_session().await["id"]
        .as_str()
        .unwrap()
        .to_owned();
    let act = async |method: &str, path: &str, body: serde_json::Value| {
        let body = body.to_string();
        let to = house.server.admin();
        let request = format!(
            "{method} /admin/v1/{path} HTTP/1.1\r\nHost: {to}\r\nConnection: close\r\n\
             Authorization: {bearer}\r\nContent-Length: {}\r\n\r\n{body}",
            body.len()
        );
        let answer = http(to, request).await;
        assert!((200..300).contains(&answer.status), "{path}: {answer:?}");
        answer.json()
    };
    act(
        "DELETE",
        &format!("sessions/{id}"),
        json!({"reason": "why-kill"}),
    )
    .await;
    told_to_go(&mut ws, 4410, "killed").await;
    act("POST", "keys/rotate", json!({"reason": "why-rotate"})).await;
    let keys = act("GET", "keys", json!({})).await;
    let first = keys["keys"][0]["kid"].as_str().unwrap().to_owned();
    act(
        "POST",
        &format!("keys/{first}/revoke"),
        json!({"reason": "why-revoke"}),
    )
    .await;
    let made = act(
        "POST",
        "apikeys",
        json!({"name": "second", "scope": "viewer"}),
    )
    .await;
    act("DELETE", "apikeys/second", json!({})).await;
    act(
        "POST",
        "revocations",
        json!({"subject": "eve", "reason": "why-ban"}),
    )
    .await;
    act("POST", "reload", json!({})).await;
    for (event, target, why) in [
        ("session.killed", id.as_str(), "why-kill"),
        ("key.staged", "", "why-rotate"),
        ("key.revoked", &first, "why-revoke"),
        ("apikey.created", made["id"].as_str().unwrap(), "second"),
        ("apikey.revoked", "", ""),
        ("revocation.added", "subject:eve", "why-ban"),
        ("config.reloaded", "", ""),
    ] {
        let entries = house.audited(event).await;
        let entry = &entries[0];
        assert!(
            entry["who"].as_str().unwrap().starts_with("apikey:ak_"),
            "{entry}"
        );
        assert_eq!(entry["from"], "127.0.0.1", "{entry}");
        assert_eq!(entry["result"], "ok", "{entry}");
        assert!(entry["why"].as_str().unwrap().contains(why), "{entry}");
        if !target.is_empty() {
            assert_eq!(entry["target"], target, "{entry}");
        }
        assert!(
            entry["at"].is_string() || entry["at"].is_number(),
            "{entry}"
        );
    }
}
