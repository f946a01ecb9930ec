//! Pages of other origins that mint: what a browser asks first, and what it may read afterwards.

use serde_json::json;
use tollbridge_testkit::{Response, Upstream, http_unjudged};

use crate::house::{CREDENTIAL, House, ORIGIN, builder, config, route};

const FOREIGN: &str = "https://evil.example";

/// Only `echo` is for visitors: `keyed` is for a backend, and `open` names no page.
async fn house(upstream: &Upstream) -> House {
    let for_visitors =
        |name: &str| route(name, upstream, "").replace("[\"backend\"]", "[\"backend\", \"proxy\"]");
    let keyed = route("keyed", upstream, "").replace(ORIGIN, "https://backend.example");
    let open = for_visitors("open").replace(&format!("[\"{ORIGIN}\"]"), "[\"*\"]");
    let proxy = "[callers.proxy]\ntype = \"trusted_header\"\n".to_owned();
    let text = config(&[proxy, for_visitors("echo"), keyed, open]);
    let trusting = "[server]\ntrusted_proxies = [\"127.0.0.1\"]\n";
    House::of(builder(&[]).config(text.replace("[server]\n", trusting))).await
}

async fn send(house: &House, method: &str, headers: &str, body: &str) -> Response {
    let length = body.len();
    let request = format!(
        "{method} /v1/tokens HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n{headers}\
         Content-Length: {length}\r\n\r\n{body}"
    );
    http_unjudged(house.server.public(), request).await
}

async fn preflight(house: &House, origin: &str, method: &str, headers: &str) -> Response {
    let asked = format!(
        "Origin: {origin}\r\nAccess-Control-Request-Method: {method}\r\n\
         Access-Control-Request-Headers: {headers}\r\n"
    );
    send(house, "OPTIONS", &asked, "").await
}

async fn mint(house: &House, origin: &str, who: &str) -> Response {
    let headers = format!("Origin: {origin}\r\nContent-Type: application/json\r\n{who}");
    send(
        house,
        "POST",
        &headers,
        &json!({ "route": "echo" }).to_string(),
    )
    .await
}

const ALLOW_ORIGIN: &str = "access-control-allow-origin";
const ADA: &str = "X-Auth-Request-User: ada\r\n";

#[tokio::test]
async fn a_page_of_the_routes_may_ask_and_read_the_answer() {
    let upstream = Upstream::echo("x-api-key", CREDENTIAL).await;
    let house = house(&upstream).await;
    let asked = preflight(&house, ORIGIN, "POST", "content-type").await;
    assert!(matches!(asked.status, 200 | 204), "{asked:?}");
    assert_eq!(asked.header(ALLOW_ORIGIN), Some(ORIGIN));
    assert_eq!(
        asked.header("access-control-allow-credentials"),
        Some("true")
    );
    assert_eq!(asked.header("access-control-allow-methods"), Some("POST"));
    let minted = mint(&house, ORIGIN, ADA).await;
    assert_eq!(minted.status, 201, "{minted:?}");
    assert_eq!(minted.header(ALLOW_ORIGIN), Some(ORIGIN));
    assert_eq!(
        minted.header("access-control-allow-credentials"),
        Some("true")
    );
    assert!(
        minted
            .header("vary")
            .unwrap()
            .to_ascii_lowercase()
            .contains("origin")
    );
    // A page must be able to read why not.
    let refused = mint(&house, ORIGIN, "").await;
    assert_eq!(
        (refused.status, refused.header(ALLOW_ORIGIN)),
        (401, Some(ORIGIN))
    );
}

#[tokio::test]
async fn no_other_page_may() {
    let upstream = Upstream::echo("x-api-key", CREDENTIAL).await;
    let house = house(&upstream).await;
    for origin in [
        FOREIGN,
        "null",
        "*",
        "https://backend.example",
        &format!("{ORIGIN}.evil.example"),
        &format!("{ORIGIN}:8443"),
        &ORIGIN.replace("https", "http"),
        &ORIGIN.to_ascii_uppercase(),
    ] {
        let asked = preflight(&house, origin, "POST", "content-type").await;
        assert_eq!(asked.status, 403, "{origin}: {asked:?}");
        assert_eq!(asked.code(), "forbidden");
        assert_eq!(asked.header(ALLOW_ORIGIN), None, "{origin}");
        let minted = mint(&house, origin, ADA).await;
        assert_eq!(minted.status, 403, "{origin}: {minted:?}");
        assert_eq!(minted.header(ALLOW_ORIGIN), None, "{origin}");
    }
    for (method, headers) in [("DELETE", "content-type"), ("POST", "x-api-key")] {
        let asked = preflight(&house, ORIGIN, method, headers).await;
        assert_eq!(asked.status, 403, "{method} {headers}: {asked:?}");
    }
    // What a page may send without asking first mints nothing.
    for kind in [
        "text/plain",
        "application/x-www-form-urlencoded",
        "multipart/form-data",
    ] {
        let headers = format!("Origin: {ORIGIN}\r\nContent-Type: {kind}\r\n{ADA}");
        let told = send(&house, "POST", &headers, "{\"route\":\"echo\"}").await;
        assert_eq!(told.status, 415, "{kind}: {told:?}");
    }
}
