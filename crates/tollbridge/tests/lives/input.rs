//! Bad input over HTTP: a clear error, the right code, nothing lost.

use serde_json::{Value, json};
use tollbridge_testkit::{Behaviour, Response, Upstream, get, http};

use crate::house::{House, route};

struct Door {
    house: House,
    mint: String,
    admin: String,
    _upstream: Upstream,
}

impl Door {
    async fn open() -> Self {
        let upstream = Upstream::behaving(Behaviour::Echo).await;
        let house = House::with(&[route("echo", &upstream, "")]).await;
        Self {
            mint: house.api_key("caller", "mint").await,
            admin: house.api_key("operator", "admin").await,
            house,
            _upstream: upstream,
        }
    }

    /// To the mint, or with `/admin/…` to the admin API.
    async fn post(&self, path: &str, body: &[u8]) -> Response {
        let (to, key) = if path.starts_with("/admin") {
            (self.house.server.admin(), &self.admin)
        } else {
            (self.house.server.public(), &self.mint)
        };
        let head = format!(
            "POST {path} HTTP/1.1\r\nHost: {to}\r\nConnection: close\r\n\
             Authorization: Bearer {key}\r\nContent-Type: application/json\r\n\
             Content-Length: {}\r\n\r\n",
            body.len()
        );
        http(to, [head.as_bytes(), body].concat()).await
    }
}

const MINT: &str = "/v1/tokens";
const BAN: &str = "/admin/v1/revocations";

#[tokio::test]
async fn a_body_that_is_no_json_is_400_everywhere() {
    let door = Door::open().await;
    let deep = "[".repeat(10_000);
    for path in [MINT, BAN, "/admin/v1/apikeys", "/admin/v1/keys/rotate"] {
        for body in [
            &b"{"[..],
            b"{\"route\": \"echo\",}",
            b"\xff\xfe{}",
            b"{\"reason\": \"\xff\"}",
            b"null x",
            deep.as_bytes(),
        ] {
            let answer = door.post(path, body).await;
            let said = (answer.status, answer.code());
            assert_eq!(said, (400, "invalid_request".to_owned()), "{path} {body:?}");
        }
    }
}

#[tokio::test]
async fn a_field_that_is_unknown_or_of_a_wrong_type_is_422_and_named() {
    let door = Door::open().await;
    for (path, body, field) in [
        (MINT, json!({"route": "echo", "ttl": 30}), "ttl"),
        (
            MINT,
            json!({"route": "echo", "redeem_within": "30"}),
            "redeem_within",
        ),
        (BAN, json!({"subject": "ada", "ends": true}), "ends"),
        (
            BAN,
            json!({"subject": "ada", "sessions": "yes"}),
            "sessions",
        ),
        (BAN, json!({"subject": "ada", "jti": "x"}), "subject"),
        (BAN, json!({}), "subject"),
        (
            "/admin/v1/apikeys",
            json!({"name": "n", "scope": "root"}),
            "root",
        ),
        (
            "/admin/v1/apikeys",
            json!({"name": "n", "scope": "mint", "routes": ["nowhere"]}),
            "nowhere",
        ),
        ("/admin/v1/keys/rotate", json!({"now": 1}), "now"),
    ] {
        let answer = door.post(path, body.to_string().as_bytes()).await;
        assert_eq!(
            (answer.status, answer.code()),
            (422, "invalid_request".to_owned()),
            "{body}"
        );
        let named = answer.text().contains(field) || answer.text().contains("boolean");
        assert!(named, "{path} {body}: {}", answer.text());
    }
    let left = door.house.told("GET", "revocations", &json!({})).await;
    assert_eq!(left["revocations"], json!([]));
    let admin = door.house.server.admin();
    let bearer = format!("Bearer {}", door.admin);
    for query in [
        "audit?limit=many",
        "audit?limit=-1",
        "audit?who=ada",
        "sessions?colour=red",
    ] {
        let path = format!("/admin/v1/{query}");
        let answer = get(admin, &path, &[("authorization", &bearer)]).await;
        assert_eq!(answer.status, 422, "{query}");
    }
}

#[tokio::test]
async fn a_huge_body_is_413_everywhere() {
    let door = Door::open().await;
    let body = json!({"reason": "x".repeat(1024 * 1024)}).to_string();
    for path in [MINT, BAN, "/admin/v1/keys/rotate"] {
        let answer = door.post(path, body.as_bytes()).await;
        assert_eq!(
            (answer.status, answer.code()),
            (413, "payload_too_large".to_owned()),
            "{path}"
        );
    }
}

#[tokio::test]
async fn a_huge_or_garbled_token_is_refused_and_not_repeated() {
    let door = Door::open().await;
    let public = door.house.server.public();
    for (token, allowed) in [
        ("x".repeat(5_000), &[401][..]),
        ("x".repeat(100_000), &[400, 401, 414, 431]),
        ("%ff%fe".repeat(10), &[400, 401]),
        ("%00".to_owned(), &[400, 401]),
        ("a%20b".to_owned(), &[400, 401]),
    ] {
        let answer = door.house.redeem("echo", &token).await.unwrap_err();
        assert!(allowed.contains(&answer.status), "{answer:?}");
        assert!(
            !String::from_utf8_lossy(&answer.body).contains("xxxx"),
            "repeated"
        );
    }
    for path in ["/v1/bridge/%ff", "/v1/bridge/echo%00", "/v1/bridge/"] {
        assert_eq!(get(public, path, &[]).await.status, 404, "{path}");
    }
    let raw = http(
        public,
        b"GET /v1/bridge/\xff\xfe HTTP/1.1\r\nHost: x\r\n\r\n",
    )
    .await;
    assert!(matches!(raw.status, 400 | 404), "{raw:?}");
    door.house.session("echo").await.echo("unharmed").await;
}

/// Whatever an operator writes as a reason, an entry is one entry.
#[tokio::test]
async fn a_reason_cannot_forge_a_second_entry_or_a_second_log_line() {
    let door = Door::open().await;
    let reason = "x\r\n{\"event\":\"key.revoked\",\"level\":\"INFO\"}\u{1b}[31m\u{0}";
    let ban = json!({"subject": "eve", "reason": reason});
    let answer = door.post(BAN, ban.to_string().as_bytes()).await;
    assert_eq!(answer.status, 201, "{answer:?}");
    let entries = door.house.audited("revocation.added").await;
    let why = entries[0]["why"].as_str().unwrap();
    assert!(!why.chars().any(char::is_control), "{why:?}");
    for line in door.house.server.logs().lines() {
        let event: Value = serde_json::from_str(line).expect("every line is one event");
        assert_ne!(event["event"], "key.revoked");
    }
}
