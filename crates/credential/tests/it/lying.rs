//! Answers that are none, and answers that say too much.

use tollbridge_credential::{FetchError, Fetched, Http, OAuth2, Source, TokenUrl, Yields};

use crate::{
    SECRET, credential,
    endpoint::{Asked, Endpoint, json},
    oauth2, reader, signed_url, text,
};

fn answer(head: &str, body: &str) -> String {
    format!("HTTP/1.1 200 OK\r\n{head}\r\n\r\n{body}")
}

async fn answered(
    answer: impl Fn(&Asked) -> String + Send + Sync + 'static,
) -> Result<Fetched, FetchError> {
    let endpoint = Endpoint::answering(answer);
    let (credential, _) = credential(Source::OAuth2(oauth2(&endpoint)));
    let outcome = credential.get(&Http::new()).await;
    assert_eq!(endpoint.asked().len(), 1, "one request, whatever comes");
    let words = format!("{credential:?} {outcome:?}");
    assert!(
        !words.contains("s3cr3t") && !words.contains("t0k3n"),
        "{words}"
    );
    outcome
}

#[actix_rt::test]
async fn what_is_no_answer_is_refused_and_not_repeated() {
    let long = format!(r#"{{"access_token":"{}"}}"#, "t0k3n".repeat(16_000));
    let too_long = format!(r#"{{"access_token":"{}"}}"#, "t0k3n".repeat(4_000));
    let endless = format!(
        "Content-Length: 9999999999999\r\n\r\n{}",
        "t0k3n".repeat(20_000)
    );
    for lie in [
        json(200, "<html>s3cr3t</html>"),
        json(200, ""),
        json(200, "null"),
        json(200, r#"{"token":"t0k3n"}"#),
        json(200, r#"{"access_token":["t0k3n"]}"#),
        json(200, r#"{"access_token":""}"#),
        json(200, r#"{"access_token":"t0k3n\r\nX-Evil: 1"}"#),
        json(200, r#"{"access_token":"t0k3né"}"#),
        json(200, r#"{"access_token":"t0k3n","token_type":"mac"}"#),
        json(200, &long),
        json(200, &too_long),
        format!("HTTP/1.1 200 OK\r\n{endless}"),
        answer("Content-Length: 100", r#"{"access_token":"t0k3n"}"#),
        // awc reads to the connection's end in HTTP/1.0 only. No vendor answers like this.
        answer("Connection: close", r#"{"access_token":"t0k3n"}"#),
        answer("Transfer-Encoding: chunked", "zz\r\n"),
        answer(
            "Content-Encoding: gzip\r\nContent-Length: 3",
            "\u{1f}x\u{8}",
        ),
        "SSH-2.0-OpenSSH_9.2\r\n\r\n".to_owned(),
        format!("HTTP/1.1 200 OK\r\nX: {}", "y".repeat(300_000)),
        String::new(),
    ] {
        let told = lie.chars().take(60).collect::<String>();
        let error = answered(move |_| lie.clone()).await.expect_err(&told);
        let is_fine = matches!(error, FetchError::Answer(_) | FetchError::Unreachable(_));
        assert!(is_fine, "{told}: {error}");
        assert!(!error.to_string().contains("s3cr3t"), "{error}");
    }
}

#[actix_rt::test]
async fn an_answer_is_judged_by_what_it_says_and_not_by_its_type() {
    let good = r#"{"access_token":"t0k3n","token_type":"BEARER","expires_in":"soon"}"#;
    for fine in [
        answer(
            &format!("Content-Type: text/html\r\nContent-Length: {}", good.len()),
            good,
        ),
        answer(
            "Transfer-Encoding: chunked",
            &format!("{:x}\r\n{good}\r\n0\r\n\r\n", good.len()),
        ),
    ] {
        assert_eq!(
            text(&answered(move |_| fine.clone()).await.unwrap()),
            "t0k3n"
        );
    }
}

/// A redirect would carry the secret to another host.
#[actix_rt::test]
async fn a_redirect_is_a_refusal() {
    let elsewhere = Endpoint::issuing(60);
    for status in [301, 302, 303, 307, 308] {
        let to = elsewhere.url("/");
        let lie = format!("HTTP/1.1 {status} Go\r\nLocation: {to}\r\nContent-Length: 0\r\n\r\n");
        let error = answered(move |_| lie.clone()).await.unwrap_err();
        assert_eq!(error, FetchError::Refused { status, why: None });
    }
    assert!(elsewhere.asked().is_empty());
}

#[actix_rt::test]
async fn a_refusals_reason_is_told_unless_it_tells_a_secret() {
    let reason = r#"{"error":"invalid_client","error_description":"AADSTS7000215\n: no"}"#;
    let error = answered(move |_| json(401, reason)).await.unwrap_err();
    assert_eq!(
        error.to_string(),
        "the token endpoint answered with status 401 (invalid_client: AADSTS7000215 : no)"
    );
    for echo in [
        |asked: &Asked| asked.form()["client_secret"].clone(),
        |asked: &Asked| asked.body.clone(),
    ] {
        let error = answered(move |asked| {
            let body = serde_json::json!({"error": "e", "error_description": echo(asked)});
            json(400, &body.to_string())
        })
        .await
        .unwrap_err();
        let status = 400;
        assert_eq!(error, FetchError::Refused { status, why: None });
    }
}

#[actix_rt::test]
async fn a_basic_credential_or_a_key_is_not_told_either() {
    let basic = |asked: &Asked| asked.header("authorization").concat();
    let endpoint = Endpoint::answering(move |asked| {
        let said = basic(asked).replace("Basic ", "") + &asked.header("xi-api-key").concat();
        json(403, &serde_json::json!({ "error": said }).to_string())
    });
    for source in [
        Source::OAuth2(OAuth2 {
            auth: tollbridge_credential::ClientAuth::Basic,
            ..oauth2(&endpoint)
        }),
        Source::TokenUrl(signed_url(&endpoint)),
    ] {
        let (credential, _) = credential(source);
        let error = credential.get(&Http::new()).await.unwrap_err();
        assert_eq!(
            error,
            FetchError::Refused {
                status: 403,
                why: None
            }
        );
    }
}

#[actix_rt::test]
async fn a_url_that_cannot_be_dialled_is_refused() {
    for lie in [
        r#"{"signed_url":"https://a.test/t0k3n"}"#,
        r#"{"signed_url":"wss://user:t0k3n@a.test/"}"#,
        r#"{"signed_url":"t0k3n"}"#,
        r#"{"signed_url":{"t0k3n":1}}"#,
        r#"{"other":"wss://a.test/t0k3n"}"#,
        "t0k3n",
    ] {
        let endpoint = Endpoint::answering(move |_| json(200, lie));
        let (credential, _) = credential(Source::TokenUrl(signed_url(&endpoint)));
        let error = credential.get(&Http::new()).await.unwrap_err();
        assert!(matches!(error, FetchError::Answer(_)), "{lie}: {error}");
        assert!(!format!("{error} {error:?}").contains("t0k3n"));
    }
}

/// Whatever is configured, and whatever came, nothing of it shows.
#[actix_rt::test]
async fn nothing_secret_shows() {
    let endpoint = Endpoint::answering(|_| json(200, r#"{"token":"t0k3n"}"#));
    let engine = TokenUrl {
        url: endpoint.url("/?key=s3cr3t"),
        body: Some(r#"{"key":"s3cr3t"}"#.to_owned()),
        headers: vec![("x-key".to_owned(), reader(SECRET.trim_end_matches('é')))],
        yields: Yields::Token("/token".to_owned()),
        ..signed_url(&endpoint)
    };
    let source = Source::TokenUrl(engine.clone());
    let mut words = format!("{source:?} {:?}", engine.headers);
    let (credential, _) = credential(source);
    let fetched = credential.get(&Http::new()).await.unwrap();
    assert_eq!(text(&fetched), "t0k3n");
    words += &format!("{credential:?} {fetched:?} {:?}", fetched.value());
    assert!(
        !words.contains("s3cr3t") && !words.contains("t0k3n"),
        "{words}"
    );
}
