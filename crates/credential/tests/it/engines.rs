//! What each engine asks, checked as its vendor would.

use std::time::Duration;

use tollbridge_credential::{
    AzureManagedIdentity, ClientAuth, FetchError, GcpMetadata, Http, Kind, Method, OAuth2, Source,
    TokenUrl, Yields,
};

use crate::{
    SECRET, credential,
    endpoint::{Endpoint, json, map},
    oauth2, reader, signed_url, text,
};

#[actix_rt::test]
async fn client_credentials_go_into_the_form() {
    let endpoint = Endpoint::issuing(3_600);
    let (credential, _) = credential(Source::OAuth2(OAuth2 {
        scope: Some("https://ai.azure.com/.default".to_owned()),
        audience: Some("https://api.test/?a&b".to_owned()),
        ..oauth2(&endpoint)
    }));
    let fetched = credential.get(&Http::new()).await.unwrap();
    assert_eq!(text(&fetched), "token-1");
    assert_eq!(fetched.kind(), Kind::Token);
    let asked = endpoint.asked_once();
    assert_eq!((&*asked.method, asked.path()), ("POST", "/token"));
    assert_eq!(
        asked.form(),
        map(&[
            ("grant_type", "client_credentials"),
            ("client_id", "id"),
            ("client_secret", SECRET),
            ("scope", "https://ai.azure.com/.default"),
            ("audience", "https://api.test/?a&b"),
        ])
    );
    assert_eq!(asked.query(), map(&[]));
    assert!(asked.header("authorization").is_empty());
    assert_eq!(asked.header("accept"), ["application/json"]);
    let host = endpoint.url("").authority().to_owned();
    assert_eq!(asked.header("host"), [host]);
}

/// RFC 6749, 2.3.1: both are form-encoded, then joined. The value is that of Python's
/// `b64encode(quote_plus(id) + ":" + quote_plus(secret))`.
#[actix_rt::test]
async fn client_credentials_can_go_into_a_header() {
    let endpoint = Endpoint::issuing(3_600);
    let (credential, _) = credential(Source::OAuth2(OAuth2 {
        client_id: "a:b c".to_owned(),
        client_secret: reader("x y&"),
        auth: ClientAuth::Basic,
        ..oauth2(&endpoint)
    }));
    credential.get(&Http::new()).await.unwrap();
    let asked = endpoint.asked_once();
    assert_eq!(
        asked.header("authorization"),
        ["Basic YSUzQWIrYzp4K3klMjY="]
    );
    assert_eq!(asked.form(), map(&[("grant_type", "client_credentials")]));
}

#[actix_rt::test]
async fn azure_is_asked_for_a_resource() {
    let endpoint = Endpoint::answering(|_| {
        json(
            200,
            r#"{"access_token":"az","client_id":"c","expires_in":"60","expires_on":"1800000060",
                "ext_expires_in":"60","not_before":"1799999700","resource":"r","token_type":"Bearer"}"#,
        )
    });
    let engine = AzureManagedIdentity {
        endpoint: Some(endpoint.url("/metadata/identity/oauth2/token")),
        resource: "https://ai.azure.com".to_owned(),
        client_id: Some("c-1".to_owned()),
    };
    let (credential, clock) = credential(Source::AzureManagedIdentity(engine));
    let http = Http::new();
    assert_eq!(text(&credential.get(&http).await.unwrap()), "az");
    let asked = endpoint.asked_once();
    assert_eq!(asked.method, "GET");
    assert_eq!(asked.path(), "/metadata/identity/oauth2/token");
    assert_eq!(
        asked.query(),
        map(&[
            ("api-version", "2018-02-01"),
            ("resource", "https://ai.azure.com"),
            ("client_id", "c-1"),
        ])
    );
    assert_eq!(asked.header("metadata"), ["true"]);
    clock.advance(60);
    credential.get(&http).await.unwrap();
    assert_eq!(endpoint.asked().len(), 2, "its numbers are strings");
}

const GOOGLE: &str = r#"{"access_token":"gcp","expires_in":3599,"token_type":"Bearer"}"#;

#[actix_rt::test]
async fn googles_metadata_server_is_asked_and_must_say_who_it_is() {
    for (flavor, is_googles) in [
        ("Metadata-Flavor: Google\r\n", true),
        ("Metadata-Flavor: Other\r\n", false),
        ("", false),
    ] {
        let head = format!(
            "HTTP/1.1 200 OK\r\n{flavor}Content-Length: {}\r\n\r\n",
            GOOGLE.len()
        );
        let endpoint = Endpoint::answering(move |_| format!("{head}{GOOGLE}"));
        let engine = GcpMetadata {
            endpoint: Some(endpoint.url("/token")),
            scopes: vec!["https://a/b".to_owned(), "c".to_owned()],
        };
        let (credential, _) = credential(Source::GcpMetadata(engine));
        match credential.get(&Http::new()).await {
            Ok(fetched) => assert_eq!((text(&fetched), is_googles), ("gcp", true)),
            Err(error) => assert!(!is_googles && matches!(error, FetchError::Answer(_))),
        }
        let asked = endpoint.asked_once();
        assert_eq!(asked.header("metadata-flavor"), ["Google"]);
        assert_eq!(asked.query(), map(&[("scopes", "https://a/b,c")]));
        assert_eq!(asked.method, "GET");
    }
}

#[actix_rt::test]
async fn a_signed_url_is_asked_for_by_each_dial() {
    let endpoint = Endpoint::answering(|_| json(200, r#"{"signed_url":"ws://a.test/?t=1"}"#));
    let (credential, _) = credential(Source::TokenUrl(signed_url(&endpoint)));
    for dial in 1..=3 {
        let fetched = credential.get(&Http::new()).await.unwrap();
        assert_eq!(fetched.kind(), Kind::Url);
        assert_eq!(text(&fetched), "ws://a.test/?t=1");
        assert_eq!(fetched.generation(), dial);
        assert_eq!(endpoint.asked().len() as u64, dial);
        credential.refused(&fetched);
    }
    let asked = &endpoint.asked()[0];
    assert_eq!(asked.header("xi-api-key"), ["s3cr3t"]);
    assert_eq!(asked.target, "/signed?agent_id=a");
    assert_eq!((&*asked.method, &*asked.body), ("GET", ""));
}

#[actix_rt::test]
async fn a_token_can_be_asked_for_with_json_and_kept() {
    let endpoint = Endpoint::answering(|_| json(201, r#"{"a":[{"t":"tok"}],"in":30}"#));
    let (credential, clock) = credential(Source::TokenUrl(TokenUrl {
        method: Method::Post,
        body: Some(r#"{"ttl_seconds":30}"#.to_owned()),
        yields: Yields::Token("/a/0/t".to_owned()),
        expires_in: Some("/in".to_owned()),
        cache_for: Duration::from_secs(600),
        ..signed_url(&endpoint)
    }));
    let http = Http::new();
    for after in [0, 20] {
        clock.advance(after);
        assert_eq!(text(&credential.get(&http).await.unwrap()), "tok");
    }
    let asked = endpoint.asked_once();
    assert_eq!(asked.method, "POST");
    assert_eq!(asked.header("content-type"), ["application/json"]);
    assert_eq!(asked.body, r#"{"ttl_seconds":30}"#);
    clock.advance(10);
    credential.get(&http).await.unwrap();
    assert_eq!(endpoint.asked().len(), 2);
}

/// Some servers answer 411 to a POST that does not say how long it is.
#[actix_rt::test]
async fn a_post_without_a_body_says_so() {
    let endpoint = Endpoint::answering(|_| json(200, r#"{"token":"tok"}"#));
    let (credential, _) = credential(Source::TokenUrl(TokenUrl {
        method: Method::Post,
        yields: Yields::Token("/token".to_owned()),
        ..signed_url(&endpoint)
    }));
    credential.get(&Http::new()).await.unwrap();
    let asked = endpoint.asked_once();
    assert_eq!(asked.header("content-length"), ["0"]);
    assert!(asked.header("content-type").is_empty());
}
