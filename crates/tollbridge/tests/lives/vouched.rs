//! Callers that somebody else vouches for: the real binary, its providers and applications.

use std::{
    io::{BufRead as _, BufReader, Read as _, Write as _},
    net::{Shutdown, SocketAddr, TcpListener, TcpStream},
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    thread,
};

use base64::{Engine as _, engine::general_purpose::URL_SAFE_NO_PAD};
use ring::{
    rand::SystemRandom,
    signature::{Ed25519KeyPair, KeyPair as _},
};
use serde_json::{Value, json};
use tollbridge_domain::{Clock as _, SystemClock};
use tollbridge_testkit::{Frame, Response, Upstream, get, http_unjudged};

use crate::house::{CREDENTIAL, House, ORIGIN, builder, route};

mod private;

/// An identity provider and an application in one, that can be broken.
pub(crate) struct Backend {
    address: SocketAddr,
    pub(crate) broken: Arc<AtomicBool>,
    key: Ed25519KeyPair,
}

impl Backend {
    pub(crate) fn start() -> Self {
        let pkcs8 = Ed25519KeyPair::generate_pkcs8(&SystemRandom::new()).unwrap();
        let key = Ed25519KeyPair::from_pkcs8(pkcs8.as_ref()).unwrap();
        let x = URL_SAFE_NO_PAD.encode(key.public_key());
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let address = listener.local_addr().unwrap();
        let broken = Arc::new(AtomicBool::new(false));
        let is_broken = Arc::clone(&broken);
        thread::spawn(move || {
            while let Ok((mut stream, _)) = listener.accept() {
                let mut reader = BufReader::new(stream.try_clone().unwrap());
                let head = head(&mut reader);
                let told = match is_broken.load(Ordering::SeqCst) {
                    true => "HTTP/1.1 500 Broken\r\nContent-Length: 0\r\n\r\n".to_owned(),
                    false => answer(&head, address, &x),
                };
                let _sent = stream.write_all(told.as_bytes());
                let _closed = stream.shutdown(Shutdown::Write);
                let _rest = reader.read_to_end(&mut Vec::new());
            }
        });
        Self {
            address,
            broken,
            key,
        }
    }

    pub(crate) fn token(&self, changes: &Value) -> String {
        let now = SystemClock.now().seconds();
        let mut claims = json!({
            "iss": format!("http://{}", self.address), "aud": "voice", "sub": "ada",
            "exp": now + 300,
        });
        for (name, value) in changes.as_object().unwrap() {
            claims[name] = value.clone();
        }
        let header = json!({ "alg": "EdDSA", "kid": "a" });
        let part = |value: &Value| URL_SAFE_NO_PAD.encode(value.to_string());
        let message = format!("{}.{}", part(&header), part(&claims));
        let signature = self.key.sign(message.as_bytes());
        format!("{message}.{}", URL_SAFE_NO_PAD.encode(signature))
    }

    /// All four types, and the backend's own address in them.
    pub(crate) fn callers(&self) -> String {
        format!(
            "[callers.sso]\ntype = \"jwt\"\nissuer = \"http://{at}\"\naudience = \"voice\"\n\
             [callers.app]\ntype = \"subrequest\"\nurl = \"http://{at}/whoami\"\n\
             [callers.proxy]\ntype = \"trusted_header\"\n\
             [callers.opaque]\ntype = \"introspection\"\nurl = \"http://{at}/introspect\"\n\
             client_id = \"bridge\"\nclient_secret = \"env:CLIENT_SECRET\"\n\n",
            at = self.address
        )
    }
}

/// The lines of a request, whose body is read too.
fn head(reader: &mut BufReader<TcpStream>) -> Vec<String> {
    let lines = reader.by_ref().lines().map_while(Result::ok);
    let head: Vec<String> = lines.take_while(|line| !line.is_empty()).collect();
    let length = head
        .iter()
        .find_map(|line| line.strip_prefix("content-length: "));
    let length = length.map_or(0, |length| length.parse().unwrap());
    let _body = reader.read_exact(&mut vec![0; length]);
    head
}

fn answer(head: &[String], address: SocketAddr, x: &str) -> String {
    let target = head.first().map_or("", String::as_str);
    let target = target.split(' ').nth(1).unwrap_or_default();
    let key = json!({ "kty": "OKP", "crv": "Ed25519", "kid": "a", "x": x });
    let body = match target {
        "/.well-known/openid-configuration" => json!({
            "issuer": format!("http://{address}"), "jwks_uri": format!("http://{address}/jwks"),
        }),
        "/jwks" => json!({ "keys": [key] }),
        "/introspect" => json!({ "active": true, "sub": "ada", "aud": "bridge" }),
        _ if head.iter().any(|line| line == "cookie: sid=1") => {
            return "HTTP/1.1 204 Known\r\nX-User-Id: ada\r\nSet-Cookie: sid=2; HttpOnly\r\n\r\n"
                .to_owned();
        }
        _ => {
            return "HTTP/1.1 302 Found\r\nLocation: /login\r\nContent-Length: 0\r\n\r\n"
                .to_owned();
        }
    };
    let body = body.to_string();
    format!(
        "HTTP/1.1 200 OK\r\nContent-Length: {}\r\n\r\n{body}",
        body.len()
    )
}

/// A house whose one route lists all of them.
pub(crate) async fn house(upstream: &Upstream, backend: &Backend, server: &str) -> House {
    let listed = route("echo", upstream, "").replace(
        "[\"backend\"]",
        "[\"backend\", \"sso\", \"app\", \"proxy\", \"opaque\"]",
    );
    let text = crate::house::config(&[backend.callers(), listed]);
    let text = text.replace("[server]\n", &format!("[server]\n{server}\n"));
    let builder = builder(&[]).config(text).env("CLIENT_SECRET", "s3cr3t");
    House::of(builder).await
}

pub(crate) const TRUSTING: &str = "trusted_proxies = [\"127.0.0.1\"]";

/// Mints with these headers.
pub(crate) async fn mint(house: &House, headers: &[(&str, &str)], ask: &Value) -> Response {
    let body = ask.to_string();
    let lines: String = headers
        .iter()
        .map(|(name, value)| format!("{name}: {value}\r\n"))
        .collect();
    let request = format!(
        "POST /v1/tokens HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n{lines}\
         Content-Type: application/json\r\nContent-Length: {}\r\n\r\n{body}",
        body.len()
    );
    let answer = http_unjudged(house.server.public(), request).await;
    answer.judged(&["set-cookie"])
}

fn echo() -> Value {
    json!({ "route": "echo" })
}

#[tokio::test]
async fn each_type_lets_its_caller_mint_and_connect() {
    let upstream = Upstream::echo("x-api-key", CREDENTIAL).await;
    let backend = Backend::start();
    let house = house(&upstream, &backend, TRUSTING).await;
    let token = format!("Bearer {}", backend.token(&json!({})));
    for (caller, header) in [
        ("sso", ("Authorization", token.as_str())),
        ("app", ("Cookie", "sid=1")),
        ("proxy", ("X-Auth-Request-User", "ada")),
        ("opaque", ("Authorization", "Bearer opaque-token")),
    ] {
        let minted = mint(&house, &[header], &echo()).await;
        assert_eq!(minted.status, 201, "{caller}: {minted:?}");
        let body = minted.json();
        assert_eq!(body["subject"], "ada", "{caller}");
        let cookies: Vec<&str> = minted
            .headers
            .iter()
            .filter(|(name, _)| name.eq_ignore_ascii_case("set-cookie"))
            .map(|(_, value)| value.as_str())
            .collect();
        let expected: &[&str] = match caller {
            "app" => &["sid=2; HttpOnly"],
            _ => &[],
        };
        assert_eq!(cookies, expected, "{caller}");
        let mut ws = house
            .redeem("echo", body["token"].as_str().unwrap())
            .await
            .unwrap();
        ws.send(Frame::text(caller)).await;
        let heard = ws.recv_data().await;
        assert!(format!("{heard:?}").len() > caller.len());
        // Who one is, is not for oneself to say.
        let other = json!({ "route": "echo", "subject": "root" });
        let refused = mint(&house, &[header], &other).await;
        assert!(matches!(refused.status, 403 | 422), "{caller}: {refused:?}");
    }
    let metrics = get(house.server.admin(), "/metrics", &[]).await;
    for caller in ["sso", "app", "proxy", "opaque"] {
        let line =
            format!("tollbridge_caller_checks_total{{caller=\"{caller}\",outcome=\"accepted\"}} 2");
        assert!(metrics.text().contains(&line), "{line}");
    }
}

#[tokio::test]
async fn who_is_not_vouched_for_is_a_stranger() {
    let upstream = Upstream::echo("x-api-key", CREDENTIAL).await;
    let backend = Backend::start();
    let house = house(&upstream, &backend, "").await;
    let foreign = format!("Bearer {}", backend.token(&json!({ "aud": "billing" })));
    let forged = format!("{}x", backend.token(&json!({})));
    for headers in [
        &[][..],
        &[("Cookie", "sid=0")][..],
        &[("X-Auth-Request-User", "ada")][..],
        &[
            ("X-Auth-Request-User", "ada"),
            ("X-Forwarded-For", "127.0.0.1"),
        ][..],
        &[("X-Auth-Request-User", "ada"), ("Cookie", "sid=1")][..],
        &[("Authorization", "Bearer tbk_nobody")][..],
        &[("Authorization", "Bearer tbk_nobody"), ("Cookie", "sid=1")][..],
        &[("Authorization", forged.as_str())][..],
    ] {
        let refused = mint(&house, headers, &echo()).await;
        assert_eq!(refused.status, 401, "{headers:?}: {refused:?}");
        assert_eq!(refused.code(), "unauthorized");
    }
    // What the keys' owner signs for somebody else may still be known to its issuer.
    let minted = mint(&house, &[("Authorization", &foreign)], &echo()).await;
    assert_eq!(minted.status, 201, "{minted:?}");
    assert!(upstream.dials().is_empty());
}

/// CSRF: the browser sends a visitor's cookie whichever page asks.
#[tokio::test]
async fn a_foreign_page_does_not_mint_in_its_visitors_name() {
    let upstream = Upstream::echo("x-api-key", CREDENTIAL).await;
    let backend = Backend::start();
    let house = house(&upstream, &backend, TRUSTING).await;
    for (who, value) in [("Cookie", "sid=1"), ("X-Auth-Request-User", "ada")] {
        for (origin, status) in [
            (ORIGIN, 201),
            ("https://evil.example", 403),
            ("null", 403),
            ("é", 403),
        ] {
            let told = mint(&house, &[(who, value), ("Origin", origin)], &echo()).await;
            assert_eq!(told.status, status, "{who} from {origin}: {told:?}");
        }
        let twice = [(who, value), ("Origin", ORIGIN), ("Origin", ORIGIN)];
        assert_eq!(mint(&house, &twice, &echo()).await.status, 403);
    }
}

#[tokio::test]
async fn an_outage_is_a_503_that_says_when_to_come_back_and_touches_no_session() {
    let upstream = Upstream::echo("x-api-key", CREDENTIAL).await;
    let backend = Backend::start();
    let house = house(&upstream, &backend, TRUSTING).await;
    let cookie = [("Cookie", "sid=1")];
    let minted = mint(&house, &cookie, &echo()).await.json();
    let token = minted["token"].as_str().unwrap();
    let mut ws = house.redeem("echo", token).await.unwrap();
    backend.broken.store(true, Ordering::SeqCst);
    let token = format!("Bearer {}", backend.token(&json!({})));
    let bearer = [("Authorization", token.as_str())];
    let opaque = [("Authorization", "Bearer opaque-token")];
    for headers in [&cookie, &bearer, &opaque] {
        for _ in 0..10 {
            let refused = mint(&house, headers, &echo()).await;
            assert_eq!(
                (refused.status, refused.code()),
                (503, "overloaded".to_owned())
            );
            let after: u32 = refused.header("retry-after").unwrap().parse().unwrap();
            assert!((1..=5).contains(&after), "{after}");
        }
    }
    ws.send(Frame::text("still here")).await;
    let _echo = ws.recv_data().await;
    backend.broken.store(false, Ordering::SeqCst);
    for headers in [&cookie, &bearer, &opaque] {
        crate::house::until(async || {
            let minted = mint(&house, headers, &echo()).await;
            (minted.status == 201).then_some(())
        })
        .await;
    }
}

/// A reload during an outage must not make the outage ours.
#[tokio::test]
async fn a_reload_keeps_the_keys_that_were_fetched() {
    let upstream = Upstream::echo("x-api-key", CREDENTIAL).await;
    let backend = Backend::start();
    let house = house(&upstream, &backend, TRUSTING).await;
    let token = format!("Bearer {}", backend.token(&json!({})));
    let bearer = [("Authorization", token.as_str())];
    assert_eq!(mint(&house, &bearer, &echo()).await.status, 201);
    backend.broken.store(true, Ordering::SeqCst);
    let report = house.told("POST", "reload", &json!({})).await;
    assert_eq!(report["generation"], 2, "{report}");
    let minted = mint(&house, &bearer, &echo()).await;
    assert_eq!(minted.status, 201, "{minted:?}");
}

#[tokio::test]
async fn check_says_that_nobody_may_write_a_trusted_header() {
    let upstream = Upstream::echo("x-api-key", CREDENTIAL).await;
    let backend = Backend::start();
    let house = house(&upstream, &backend, "").await;
    let checked = house.server.cli(&["check"]).await;
    let said = String::from_utf8_lossy(&checked.stdout);
    assert!(said.contains("matches nobody"), "{checked:?}");
    assert_eq!(checked.status.code(), Some(0));
    let shown = house.server.cli(&["config", "show"]).await;
    let text = String::from_utf8(shown.stdout).unwrap();
    assert!(
        text.contains("client_secret = \"env:CLIENT_SECRET\""),
        "{text}"
    );
    assert!(text.contains(ORIGIN));
}
