//! Secrets that change while the bridge runs.

use std::sync::{Arc, Mutex};

use tollbridge_credential::{FetchError, Http, OAuth2, Reader, Source};
use tollbridge_domain::Secret;

use crate::{credential, endpoint::Endpoint, oauth2, text};

#[actix_rt::test]
async fn a_secret_is_read_anew_for_each_fetch() {
    let endpoint = Endpoint::issuing(60);
    let secret = Arc::new(Mutex::new(Ok("first".to_owned())));
    let kept = Arc::clone(&secret);
    let (credential, clock) = credential(Source::OAuth2(OAuth2 {
        client_secret: Reader::new(move || kept.lock().unwrap().clone().map(Secret::new)),
        ..oauth2(&endpoint)
    }));
    let http = Http::new();
    let sent = |fetch: usize| endpoint.asked()[fetch].form()["client_secret"].clone();

    credential.get(&http).await.unwrap();
    assert_eq!(sent(0), "first");
    *secret.lock().unwrap() = Ok("second".to_owned());
    clock.advance(60);
    assert_eq!(text(&credential.get(&http).await.unwrap()), "token-2");
    assert_eq!(sent(1), "second");

    *secret.lock().unwrap() = Err("file:secret is gone".to_owned());
    clock.advance(60);
    let error = credential.get(&http).await.unwrap_err();
    assert_eq!(error, FetchError::Secret("file:secret is gone".to_owned()));
    assert_eq!(endpoint.asked().len(), 2);
}
