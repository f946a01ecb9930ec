//! The example in `examples/embed`, as its README has it: log in, mint, connect, go.

#![expect(
    clippy::unwrap_used,
    reason = "in a test, a broken assumption is best reported by a panic where it broke"
)]

#[path = "../examples/embed/main.rs"]
mod example;

use std::{
    fs,
    net::{SocketAddr, TcpListener},
    time::Duration,
};

use serde_json::{Value, json};
use tollbridge_node::Embedded;
use tollbridge_testkit::{Event, Frame, Handshake, RawWs, Response, Upstream, http_unjudged};

const CONFIG: &str = include_str!("../examples/embed/tollbridge.toml");
const PAGE: &str = "http://127.0.0.1:8080";

struct Site {
    address: SocketAddr,
    tollbridge: Embedded,
    _folder: tempfile::TempDir,
}

impl Site {
    async fn open(upstream: &Upstream) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("tollbridge.toml");
        let own = "preset = \"openai-realtime\"";
        let authorization = "Authorization = \"Bearer {env:OPENAI_API_KEY}\"";
        assert!(CONFIG.contains(own) && CONFIG.contains(authorization));
        let here = CONFIG
            .replace(own, &format!("upstream = \"{}\"", upstream.url()))
            .replace(authorization, "x-key = { plain = \"the upstream's key\" }");
        fs::write(&file, here).unwrap();
        let tollbridge = Embedded::from_file(&file).await.unwrap();
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let address = listener.local_addr().unwrap();
        actix_web::rt::spawn(example::serve(listener, &tollbridge).unwrap());
        Self {
            address,
            tollbridge,
            _folder: folder,
        }
    }

    async fn post(&self, path: &str, headers: &[(&str, &str)], body: Value) -> Response {
        let body = body.to_string();
        let lines: String = headers
            .iter()
            .map(|(name, value)| format!("{name}: {value}\r\n"))
            .collect();
        let length = body.len();
        let request = format!(
            "POST {path} HTTP/1.1\r\nHost: site.test\r\nConnection: close\r\n{lines}\
             Content-Type: application/json\r\nContent-Length: {length}\r\n\r\n{body}"
        );
        // The application's own answers are not for our judge.
        http_unjudged(self.address, request).await
    }

    /// The cookie of somebody who has logged in.
    async fn login(&self, user: &str) -> String {
        let body = json!({ "user": user, "password": "correct horse battery staple" });
        let answer = self.post("/api/login", &[], body).await;
        assert_eq!(answer.status, 204);
        let cookie = answer.header("set-cookie").unwrap();
        cookie.split(';').next().unwrap().to_owned()
    }

    async fn mint(&self, headers: &[(&str, &str)], body: Value) -> Response {
        self.post("/api/v1/tokens", headers, body).await
    }

    async fn connect(&self, token: &str) -> Result<RawWs, Response> {
        let path = format!("/v1/bridge/voice?token={token}");
        RawWs::connect(self.address, Handshake::to(&path).origin(PAGE)).await
    }
}

#[actix_web::test]
async fn the_example_is_short() {
    let lines = include_str!("../examples/embed/main.rs").lines().count();
    assert!(lines < 120, "{lines} lines");
}

#[actix_web::test]
async fn whoever_is_logged_in_mints_connects_and_echoes() {
    let upstream = Upstream::echo("x-key", "the upstream's key").await;
    let site = Site::open(&upstream).await;
    let cookie = site.login("ada").await;
    let with = [("cookie", cookie.as_str()), ("origin", PAGE)];
    let minted = site.mint(&with, json!({ "route": "voice" })).await;
    assert_eq!(minted.status, 201, "{}", minted.text());
    let minted = minted.json();
    assert_eq!(minted["subject"], "ada");
    let mut ws = site
        .connect(minted["token"].as_str().unwrap())
        .await
        .unwrap();
    ws.send(Frame::text("hello")).await;
    match ws.recv_data().await {
        Event::Frame(frame) => assert_eq!(frame.payload, b"hello"),
        other => panic!("no echo: {other:?}"),
    }
    let draining = site.tollbridge.close(Duration::from_secs(5));
    let ((), cut) = tokio::join!(
        async { assert_eq!(ws.close_code().await, Some(1012)) },
        draining
    );
    assert_eq!(cut, 0);
    let refused = site.mint(&with, json!({ "route": "voice" })).await;
    assert_eq!(refused.status, 503);
}

#[actix_web::test]
async fn nobody_else_does() {
    let upstream = Upstream::echo("x-key", "the upstream's key").await;
    let site = Site::open(&upstream).await;
    let cookie = site.login("ada").await;
    let ask = || json!({ "route": "voice" });
    for (headers, body, status) in [
        (vec![], ask(), 401),
        (vec![("cookie", "id=forged")], ask(), 401),
        (vec![("x-user-id", "ada")], ask(), 401),
        (vec![("authorization", "Bearer ada")], ask(), 401),
        (
            vec![("cookie", &*cookie), ("origin", "https://evil.test")],
            ask(),
            403,
        ),
        (vec![("cookie", &*cookie), ("origin", "null")], ask(), 403),
        (
            vec![("cookie", &*cookie)],
            json!({ "route": "voice", "subject": "eve" }),
            422,
        ),
        (vec![("cookie", &*cookie)], json!({ "route": "other" }), 403),
    ] {
        let told = site.mint(&headers, body).await;
        assert_eq!(told.status, status, "{headers:?}: {}", told.text());
    }
    let at_the_root = site.post("/v1/tokens", &[("cookie", &cookie)], ask()).await;
    assert_eq!(at_the_root.status, 404);
    let wrong = json!({ "user": "ada", "password": "guess" });
    assert_eq!(site.post("/api/login", &[], wrong).await.status, 401);
    assert_eq!(site.connect("made-up").await.unwrap_err().status, 401);
    assert!(upstream.dials().is_empty());
}
