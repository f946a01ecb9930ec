//! A service account's assertion, verified as Google would.

use base64::{Engine as _, engine::general_purpose::URL_SAFE_NO_PAD};
use ring::signature::{KeyPair as _, RSA_PKCS1_2048_8192_SHA256, RsaKeyPair, UnparsedPublicKey};
use rustls_pki_types::{PrivatePkcs8KeyDer, pem::PemObject as _};
use serde_json::{Value, json};
use tollbridge_credential::{FetchError, GcpServiceAccount, Http, Source};

use crate::{NOW, credential, endpoint::Endpoint, reader, text};

/// Made for this test: it opens nothing.
const KEY: &str = include_str!("throwaway.pem");

fn key_file(token_uri: &str) -> Value {
    json!({
        "type": "service_account",
        "project_id": "p",
        "private_key_id": "k1",
        "private_key": KEY,
        "client_email": "bridge@p.iam.gserviceaccount.com",
        "token_uri": token_uri,
    })
}

fn part(text: &str) -> Value {
    serde_json::from_slice(&URL_SAFE_NO_PAD.decode(text).unwrap()).unwrap()
}

#[actix_rt::test]
async fn it_proves_itself_by_a_signed_assertion() {
    let endpoint = Endpoint::issuing(3_600);
    let token_uri = endpoint.url("/token").to_string();
    let (credential, _) = credential(Source::GcpServiceAccount(GcpServiceAccount {
        key: reader(&key_file(&token_uri).to_string()),
        token_uri: None,
        scope: "https://www.googleapis.com/auth/cloud-platform".to_owned(),
    }));
    let fetched = credential.get(&Http::new()).await.unwrap();
    assert_eq!(text(&fetched), "token-1");
    let mut form = endpoint.asked_once().form();
    let assertion = form.remove("assertion").unwrap();
    assert_eq!(form.len(), 1);
    assert_eq!(
        form["grant_type"],
        "urn:ietf:params:oauth:grant-type:jwt-bearer"
    );

    let (message, signature) = assertion.rsplit_once('.').unwrap();
    let (header, claims) = message.split_once('.').unwrap();
    assert_eq!(
        part(header),
        json!({"alg": "RS256", "typ": "JWT", "kid": "k1"})
    );
    assert_eq!(
        part(claims),
        json!({
            "iss": "bridge@p.iam.gserviceaccount.com",
            "scope": "https://www.googleapis.com/auth/cloud-platform",
            "aud": token_uri,
            "iat": NOW.seconds() - 10,
            "exp": NOW.seconds() - 10 + 3_600,
        })
    );
    let pkcs8 = PrivatePkcs8KeyDer::from_pem_slice(KEY.as_bytes()).unwrap();
    let pair = RsaKeyPair::from_pkcs8(pkcs8.secret_pkcs8_der()).unwrap();
    let signature = URL_SAFE_NO_PAD.decode(signature).unwrap();
    UnparsedPublicKey::new(&RSA_PKCS1_2048_8192_SHA256, pair.public_key().as_ref())
        .verify(message.as_bytes(), &signature)
        .unwrap();
}

#[actix_rt::test]
async fn the_token_uri_can_be_another() {
    let endpoint = Endpoint::issuing(3_600);
    let (credential, _) = credential(Source::GcpServiceAccount(GcpServiceAccount {
        key: reader(&key_file("https://oauth2.invalid/token").to_string()),
        token_uri: Some(endpoint.url("/other")),
        scope: "s".to_owned(),
    }));
    credential.get(&Http::new()).await.unwrap();
    let assertion = &endpoint.asked_once().form()["assertion"];
    let claims = assertion.split('.').nth(1).unwrap();
    assert_eq!(part(claims)["aud"], endpoint.url("/other").as_str());
}

#[actix_rt::test]
async fn a_broken_key_file_is_not_quoted() {
    let mut no_key = key_file("https://a.test/");
    no_key["private_key"] = "s3cr3t".into();
    let mut no_rsa = key_file("https://a.test/");
    no_rsa["private_key"] =
        "-----BEGIN PRIVATE KEY-----\nczNjcjN0\n-----END PRIVATE KEY-----\n".into();
    for file in [
        "s3cr3t".to_owned(),
        r#"{"client_email":"s3cr3t"}"#.to_owned(),
        r#"{"client_email":["s3cr3t"]}"#.to_owned(),
        no_key.to_string(),
        no_rsa.to_string(),
        key_file("s3cr3t").to_string(),
    ] {
        let (credential, _) = credential(Source::GcpServiceAccount(GcpServiceAccount {
            key: reader(&file),
            token_uri: None,
            scope: "s".to_owned(),
        }));
        let error = credential.get(&Http::new()).await.unwrap_err();
        assert!(matches!(error, FetchError::Secret(_)), "{error}");
        let words = format!("{error} {error:?} {credential:?}");
        assert!(!words.contains("s3cr3t"), "{words}");
        assert!(!words.contains("czNj"), "{words}");
    }
}
