//! What an endpoint must prove before it hears a secret.

use std::sync::Arc;

use tollbridge_credential::{
    Credential, FetchError, Fetched, Http, OAuth2, Source, Tls, TokenUrl, Yields,
};
use tollbridge_testkit::{Authority, Behaviour, Identity, ManualClock, Upstream};

use crate::{NOW, PATIENT, endpoint::Endpoint, endpoint::token, oauth2, signed_url, text};

async fn serving(identity: Identity, answer: String) -> Upstream {
    let behaviour = Behaviour::Answer(answer.into_bytes());
    let upstream = Upstream::builder().behaviour(behaviour);
    upstream.tls(identity).start().await
}

async fn fetch(upstream: &Upstream, ca: Option<&str>) -> Result<Fetched, FetchError> {
    let nowhere = Endpoint::issuing(60);
    let source = Source::OAuth2(OAuth2 {
        token_url: upstream.url().replace("wss", "https").parse().unwrap(),
        ..oauth2(&nowhere)
    });
    let tls = Tls::new(ca.map(str::as_bytes)).unwrap();
    let clock = Arc::new(ManualClock::at(NOW));
    let credential = Credential::new(source, clock, PATIENT, tls);
    credential.get(&Http::new()).await
}

#[actix_rt::test]
async fn a_configured_authority_is_trusted() {
    let authority = Authority::new();
    let upstream = serving(authority.identity("localhost"), token(1, 60)).await;
    let fetched = fetch(&upstream, Some(&authority.pem())).await.unwrap();
    assert_eq!(text(&fetched), "token-1");
    let host = format!("localhost:{}", upstream.addr().port());
    assert_eq!(upstream.dials()[0].header_values("host"), [host]);
}

#[actix_rt::test]
async fn nobody_else_hears_the_secret() {
    let authority = Authority::new();
    for identity in [
        authority.identity("other.test"),
        authority.expired("localhost"),
        Authority::new().identity("localhost"),
        Identity::self_signed("localhost"),
    ] {
        let upstream = serving(identity, token(1, 60)).await;
        let error = fetch(&upstream, Some(&authority.pem())).await.unwrap_err();
        assert!(matches!(error, FetchError::Unreachable(_)), "{error}");
        assert!(upstream.dials().is_empty());
    }
    let upstream = serving(authority.identity("localhost"), token(1, 60)).await;
    assert!(fetch(&upstream, None).await.is_err());
}

/// A secure endpoint that hands out an address in the clear is wrong, or not itself.
#[actix_rt::test]
async fn a_secure_endpoint_cannot_send_the_dial_into_the_clear() {
    let authority = Authority::new();
    for (scheme, is_fine) in [("wss", true), ("ws", false)] {
        let body = format!(r#"{{"signed_url":"{scheme}://a.test/"}}"#);
        let answer = crate::endpoint::json(200, &body);
        let upstream = serving(authority.identity("localhost"), answer).await;
        let source = Source::TokenUrl(TokenUrl {
            url: upstream.url().replace("wss", "https").parse().unwrap(),
            yields: Yields::Url("/signed_url".to_owned()),
            ..signed_url(&Endpoint::issuing(60))
        });
        let tls = Tls::new(Some(authority.pem().as_bytes())).unwrap();
        let clock = Arc::new(ManualClock::at(NOW));
        let credential = Credential::new(source, clock, PATIENT, tls);
        assert_eq!(credential.get(&Http::new()).await.is_ok(), is_fine);
    }
}
