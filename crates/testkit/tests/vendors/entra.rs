//! The token endpoint.

use std::{net::SocketAddr, sync::Arc};

use tollbridge_testkit::{EntraMood, EntraStandIn, Lie, Response, http_unjudged};

const GOOD: &str =
    "grant_type=client_credentials&client_id=id&client_secret=s%26t&scope=a%2F.default";

async fn entra() -> EntraStandIn {
    EntraStandIn::start("id", "s&t", &["a/.default"]).await
}

async fn ask(to: SocketAddr, form: &str) -> Response {
    let request = format!(
        "POST /contoso/oauth2/v2.0/token HTTP/1.1\r\nHost: {to}\r\n\
         Content-Type: application/x-www-form-urlencoded\r\nContent-Length: {}\r\n\r\n{form}",
        form.len()
    );
    http_unjudged(to, request).await
}

#[tokio::test]
async fn a_client_gets_a_token_until_it_is_revoked() {
    let entra = entra().await;
    entra.expires_in(120);
    let answer = ask(entra.addr(), GOOD).await.json();
    assert_eq!(
        (&answer["token_type"], &answer["expires_in"]),
        (&"Bearer".into(), &120.into())
    );
    let token = answer["access_token"].as_str().unwrap();
    assert!(entra.tokens().include(token));
    entra.revoke();
    assert!(!entra.tokens().include(token));
    assert_eq!(
        (entra.requests(), entra.in_flight(), entra.most_in_flight()),
        (1, 0, 1)
    );
}

#[tokio::test]
async fn whatever_is_wrong_has_its_code() {
    let entra = entra().await;
    for (from, to, status, code) in [
        ("client_credentials", "password", 400, 70_003),
        ("client_id=id", "client_id=other", 400, 700_016),
        ("client_secret=s%26t", "client_secret=s", 401, 7_000_215),
        ("client_secret=s%26t&", "", 400, 900_144),
        ("scope=a", "scope=b", 400, 70_011),
        ("client_id=id", "client_id=id&client_id=id", 400, 900_144),
    ] {
        let refused = ask(entra.addr(), &GOOD.replace(from, to)).await;
        assert_eq!(refused.status, status, "{to}");
        assert_eq!(refused.json()["error_codes"][0], code, "{to}");
    }
    assert_eq!(entra.tokens().issued(), 0);
}

#[tokio::test]
async fn it_can_be_told_to_misbehave() {
    let entra = entra().await;
    for (mood, status) in [
        (EntraMood::Down, 503),
        (EntraMood::Throttling(7), 429),
        (EntraMood::SecretExpired, 401),
        (EntraMood::Lying(Lie::NotJson), 200),
    ] {
        entra.behave(mood);
        assert_eq!(ask(entra.addr(), GOOD).await.status, status);
    }
    entra.behave(EntraMood::Lying(Lie::NoToken));
    assert!(ask(entra.addr(), GOOD).await.json()["access_token"].is_null());
}

#[tokio::test]
async fn what_is_held_is_answered_later() {
    let entra = Arc::new(entra().await);
    entra.behave(EntraMood::Held);
    let to = entra.addr();
    let asking = [(); 3].map(|()| tokio::spawn(async move { ask(to, GOOD).await.status }));
    entra.until_requests(3).await;
    assert_eq!(entra.in_flight(), 3);
    entra.behave(EntraMood::Honest);
    for answer in asking {
        assert_eq!(answer.await.unwrap(), 200);
    }
    assert_eq!(entra.most_in_flight(), 3);
}
