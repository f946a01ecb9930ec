//! B19: where a token may be, once.

use tollbridge_testkit::Handshake;

use crate::stage::{echo, knock};

#[tokio::test]
async fn a_token_is_found_in_each_of_its_carriers() {
    let (stage, upstream) = echo().await;
    let token = || stage.forge.token("voice");
    let path = "/v1/bridge/voice";
    let both = token();
    for handshake in [
        Handshake::to(&format!("{path}?token={}", token())),
        Handshake::to(&format!("{path}?access_token={}", token())),
        Handshake::to(&format!("{path}?x=1&%74oken={}&y", token())),
        Handshake::to(path).header("Authorization", &format!("Bearer {}", token())),
        Handshake::to(path).header("authorization", &format!("bearer {}", token())),
        // The same text in two carriers is one token.
        Handshake::to(&format!("{path}?token={both}&access_token={both}")),
        // Another scheme is another's.
        knock("voice", &token()).header("Authorization", "Basic dXNlcjpwYXNz"),
    ] {
        stage.open(handshake).await.close(1000).await;
    }
    for dial in upstream.dials() {
        assert!(dial.query.is_empty(), "{:?}", dial.path);
        assert!(dial.header_values("authorization").is_empty());
    }
    stage.end().await;
}

/// Two tokens, or one carrier twice, are a 400, page or not: nobody guesses which one is meant.
#[tokio::test]
async fn two_tokens_are_one_too_many() {
    let (stage, upstream) = echo().await;
    let (one, other) = (stage.forge.token("voice"), stage.forge.token("voice"));
    let path = "/v1/bridge/voice";
    let bearer = |token: &str| format!("Bearer {token}");
    for handshake in [
        Handshake::to(&format!("{path}?token={one}&token={other}")),
        Handshake::to(&format!("{path}?token={one}&token={one}")),
        Handshake::to(&format!("{path}?token={one}&%74oken={one}")),
        Handshake::to(&format!("{path}?token={one}&token=")),
        Handshake::to(&format!("{path}?token={one}&access_token={other}")),
        knock("voice", &one).header("Authorization", &bearer(&other)),
        Handshake::to(path)
            .header("Authorization", &bearer(&one))
            .header("Authorization", &bearer(&one)),
    ] {
        for handshake in [
            handshake.clone(),
            handshake.origin("https://app.example.com"),
        ] {
            let (status, code) = stage.verdict(handshake).await;
            assert_eq!((status, code.as_str()), (400, "bad_request"));
        }
    }
    assert_eq!(upstream.connections(), 0);
    for token in [one, other] {
        stage.redeem("voice", &token).await;
    }
    stage.end().await;
}

#[tokio::test]
async fn a_token_elsewhere_is_not_found() {
    let (stage, upstream) = echo().await;
    let token = stage.forge.token("voice");
    let path = "/v1/bridge/voice";
    for handshake in [
        Handshake::to(path),
        Handshake::to(&format!("{path}?TOKEN={token}")),
        Handshake::to(&format!("{path}?Token={token}")),
        Handshake::to(&format!("{path}?token[]={token}")),
        Handshake::to(&format!("{path}?token%5B%5D={token}")),
        Handshake::to(&format!("{path}?api-key={token}")),
        Handshake::to(&format!("{path}?{token}")),
        Handshake::to(&format!("{path}?x;token={token}")),
        Handshake::to(path).header("Cookie", &format!("token={token}")),
        Handshake::to(path).header("X-Token", &token),
        Handshake::to(path).header("Authorization", &token),
        Handshake::to(path).header("Authorization", &format!("Token {token}")),
        Handshake::to(path).header("Referer", &format!("https://a/?token={token}")),
        Handshake::to(path).header("X-Original-URI", &format!("{path}?token={token}")),
        Handshake::to(path).protocols(&[&token]),
    ] {
        let (status, code) = stage.verdict(handshake).await;
        assert_eq!((status, code.as_str()), (401, "token_missing"));
    }
    let (status, code) = stage
        .verdict(Handshake::to(&format!("{path}/{token}")))
        .await;
    assert_eq!((status, code.as_str()), (404, "unknown_route"));
    stage.is_no_token("empty", "").await;
    stage.is_no_token("long", &"x".repeat(4097)).await;
    let (status, code) = stage
        .verdict(Handshake::to(&format!("{path}?token=%zz")))
        .await;
    assert_eq!((status, code.as_str()), (400, "bad_request"));
    assert_eq!(upstream.connections(), 0);
    stage.redeem("voice", &token).await;
    stage.end().await;
}
