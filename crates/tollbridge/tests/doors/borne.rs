//! Tokens as the vendors' SDKs bear them: other names, schemes, subprotocols, prefixes, hosts.

use serde_json::json;
use tollbridge_testkit::{Handshake, Upstream, post_json};

use crate::{
    forge::encode,
    plan::{CANARY, PAGE, Plan, quoted},
    stage::{Stage, echoing},
};

async fn bearing(keys: &[(&str, &str)]) -> (Stage, Upstream) {
    let upstream = echoing().await;
    let mut plan = Plan::new().route("voice", &upstream.url());
    for (key, value) in keys {
        plan = plan.set(&format!("routes.voice.{key}"), value);
    }
    (plan.start().await, upstream)
}

const PATH: &str = "/v1/bridge/voice";

#[tokio::test]
async fn a_token_is_found_under_every_name_and_scheme_of_its_route() {
    let (stage, upstream) = bearing(&[
        (
            "carriers.query",
            r#"["api-key", "authorization=Bearer {token}", "api_access_key=Jwt; {token}", "access_token", "access_token=auth_tokens/{token}"]"#,
        ),
        ("carriers.header", r#"["api-key", "authorization=Token {token}"]"#),
    ])
    .await;
    let token = || stage.forge.token("voice");
    for handshake in [
        Handshake::to(&format!("{PATH}?api-key={}", token())),
        Handshake::to(&format!("{PATH}?authorization=Bearer+{}", token())),
        Handshake::to(&format!("{PATH}?authorization=bearer%20{}", token())),
        Handshake::to(&format!("{PATH}?api_access_key=Jwt;%20{}", token())),
        Handshake::to(&format!("{PATH}?access_token={}", token())),
        Handshake::to(&format!("{PATH}?access_token=auth_tokens/{}", token())),
        Handshake::to(PATH).header("Api-Key", &token()),
        Handshake::to(PATH).header("Authorization", &format!("Token {}", token())),
        Handshake::to(PATH).header("Authorization", &format!("Bearer {}", token())),
    ] {
        stage.open(handshake).await.close(1000).await;
    }
    for dial in upstream.dials() {
        assert!(dial.query.is_empty(), "{:?}", dial.query);
        assert!(!dial.head.contains("eyJ"), "a token went upstream");
    }
    let (one, other) = (token(), token());
    for (what, query) in [
        ("no scheme", format!("authorization={one}")),
        ("another scheme", format!("authorization=Basic+{one}")),
        ("not its name", format!("token={one}")),
        ("two names", format!("api-key={one}&access_token={other}")),
    ] {
        let refused = stage
            .refused(Handshake::to(&format!("{PATH}?{query}")))
            .await;
        assert!([400, 401].contains(&refused.status), "{what}: {refused:?}");
    }
    stage.end().await;
}

/// The entry with the token goes nowhere, and a browser is answered with another one.
#[tokio::test]
async fn a_token_in_a_subprotocol_stays_here_and_is_not_echoed() {
    let (stage, upstream) = bearing(&[
        (
            "carriers.subprotocol",
            r#"["openai-insecure-api-key.{token}", "base64url.bearer.authorization.k8s.io.{base64url}"]"#,
        ),
        ("carriers.subprotocol_pair", r#"["bearer", "token"]"#),
    ])
    .await;
    let token = || stage.forge.token("voice");
    let in_openai = format!("openai-insecure-api-key.{}", token());
    let in_kubernetes = format!(
        "base64url.bearer.authorization.k8s.io.{}",
        encode(token().as_bytes())
    );
    let (paired, alone) = (token(), format!("openai-insecure-api-key.{}", token()));
    for (offered, echoed, upstream_saw) in [
        (vec!["realtime", &in_openai], "realtime", "realtime"),
        (
            vec![&*in_kubernetes, "v5.channel.k8s.io"],
            "v5.channel.k8s.io",
            "v5.channel.k8s.io",
        ),
        (
            vec!["bearer", &*paired, "x-deepgram-session-id", "u"],
            "bearer",
            "x-deepgram-session-id, u",
        ),
        // Nothing else was offered: a browser insists.
        (vec![&*alone], &alone, ""),
    ] {
        let ws = stage
            .open(Handshake::to(PATH).origin(PAGE).protocols(&offered))
            .await;
        assert_eq!(ws.protocol(), Some(echoed));
        ws.close(1000).await;
        let dials = upstream.dials();
        let seen = dials
            .last()
            .unwrap()
            .header_values("sec-websocket-protocol");
        assert_eq!(seen.concat(), upstream_saw);
    }
    let (one, other) = (token(), token());
    for offered in [
        vec![
            format!("openai-insecure-api-key.{one}"),
            "bearer".to_owned(),
            other.clone(),
        ],
        vec![
            format!("openai-insecure-api-key.{one}"),
            format!("openai-insecure-api-key.{other}"),
        ],
    ] {
        let offered: Vec<&str> = offered.iter().map(String::as_str).collect();
        let (status, code) = stage
            .verdict(Handshake::to(PATH).origin(PAGE).protocols(&offered))
            .await;
        assert_eq!((status, code.as_str()), (400, "bad_request"));
    }
    // A refusal by close code is an answer to the page as well.
    let used = format!("openai-insecure-api-key.{paired}");
    let mut ws = stage
        .open(
            Handshake::to(PATH)
                .origin(PAGE)
                .protocols(&["realtime", &used]),
        )
        .await;
    assert_eq!(ws.protocol(), Some("realtime"));
    assert_eq!(ws.close_code().await, Some(4409));
    stage.end().await;
}

/// A route may let `Authorization` pass, but never with the token in it.
#[tokio::test]
async fn a_header_that_may_pass_stays_here_where_it_bears_the_token() {
    let (stage, upstream) = bearing(&[
        ("header_allow", r#"["authorization"]"#),
        ("carriers.query", r#"["authorization=Bearer {token}"]"#),
    ])
    .await;
    let token = || stage.forge.token("voice");
    let basic = Handshake::to(&format!("{PATH}?authorization=Bearer+{}", token()));
    for (handshake, seen) in [
        (basic.header("Authorization", "Basic dTpw"), "Basic dTpw"),
        (
            Handshake::to(PATH).header("Authorization", &format!("bearer {}", token())),
            "",
        ),
    ] {
        stage.open(handshake).await.close(1000).await;
        let dials = upstream.dials();
        assert_eq!(
            dials
                .last()
                .unwrap()
                .header_values("authorization")
                .concat(),
            seen
        );
    }
    // The mint's own address is one that the route can read.
    let minted = stage.ask(&json!({"route": "voice"})).await.json();
    let url = minted["url"].as_str().unwrap();
    let (_, path) = url.split_once(PATH).unwrap();
    assert!(path.starts_with("?authorization=Bearer%20eyJ"), "{path}");
    stage
        .open(Handshake::to(&format!("{PATH}{path}")))
        .await
        .close(1000)
        .await;
    stage.end().await;
}

/// Some SDKs take only what begins as their vendor's keys do.
#[tokio::test]
async fn a_prefix_stands_before_minted_tokens_and_is_taken_off_again() {
    let (stage, upstream) = bearing(&[("token_prefix", "'ek_'")]).await;
    let minted = stage.ask(&json!({"route": "voice"})).await.json();
    let token = minted["token"].as_str().unwrap();
    assert!(token.starts_with("ek_eyJ"));
    assert!(minted["url"].as_str().unwrap().ends_with(token));
    stage.redeem("voice", token).await;
    // What another tool minted has none.
    stage.redeem("voice", &stage.forge.token("voice")).await;
    let (status, _) = stage
        .verdict(Handshake::to(&format!(
            "{PATH}?token=ek_ek_{}",
            stage.forge.token("voice")
        )))
        .await;
    assert_eq!(status, 401);
    assert_eq!(upstream.dials().len(), 2);
    stage.end().await;
}

/// Two vendors' SDKs that insist on one path.
#[tokio::test]
async fn routes_share_a_path_by_host() {
    let (first, second) = (echoing().await, echoing().await);
    let plan = Plan::new()
        .route("one", &first.url())
        .route("two", &second.url())
        .set("routes.one.paths", r#"["/v1/realtime"]"#)
        .set("routes.two.paths", r#"["/v1/realtime"]"#)
        .set("routes.two.hosts", r#"["Two.example.com"]"#);
    let stage = plan.start().await;
    for (host, route, path) in [
        ("two.example.com", "two", "/v1/realtime"),
        ("TWO.example.com:8443", "two", "//v1//realtime"),
        ("elsewhere.example.com", "one", "/v1/realtime"),
    ] {
        let token = stage.forge.token(route);
        let handshake = Handshake::to(&format!("{path}?token={token}")).instead("Host", host);
        stage.open(handshake).await.close(1000).await;
        // The other route's token is no use there.
        let foreign = stage
            .forge
            .token(if route == "one" { "two" } else { "one" });
        let handshake = Handshake::to(&format!("{path}?token={foreign}")).instead("Host", host);
        assert_eq!(stage.verdict(handshake).await.0, 403, "{host}");
    }
    assert_eq!((first.dials().len(), second.dials().len()), (1, 2));
    stage.end().await;
}

/// What the token pins, the client's own query cannot say, however it is spelt.
#[tokio::test]
async fn a_pinned_parameter_is_out_of_the_clients_reach() {
    let upstream = echoing().await;
    let plan = Plan::new()
        .route(
            "voice",
            &format!("{}/r?api-version=1&model={{model}}", upstream.url()),
        )
        .set("routes.voice.params.model.allow", r#"["small", "large"]"#)
        .set("routes.voice.params.model.default", "'small'")
        .set(
            "routes.voice.query_allow",
            r#"["voice", "client-request-id"]"#,
        );
    let stage = plan.start().await;
    for spelling in [
        "model=large",
        "MODEL=large",
        "%6dodel=large",
        "%6D%6F%64%65%6C=large",
        "model=large&model=huge",
        "voice=a%26model%3Dlarge",
        "voice=a;model=large",
        "voice=a%3Bmodel=large",
        "client-request-id=x%23&api-version=2",
        "Api-Version=2&api+version=2",
        "model%00=large",
        "model[]=large",
        "+model=large",
    ] {
        let token = stage
            .forge
            .token_with("voice", json!({"params": {"model": "small"}}));
        let path = format!("{PATH}?token={token}&{spelling}");
        stage.open(Handshake::to(&path)).await.close(1000).await;
        let dials = upstream.dials();
        let dial = dials.last().unwrap();
        assert_eq!(dial.query_values("model"), ["small"], "{spelling}");
        assert_eq!(dial.query_values("api-version"), ["1"], "{spelling}");
        let names: Vec<_> = dial
            .query
            .iter()
            .map(|(name, _)| name.to_lowercase())
            .collect();
        let pinned = names.iter().filter(|name| name.contains("model")).count();
        assert_eq!(pinned, 1, "{spelling}: {names:?}");
    }
    stage.end().await;
}

/// Code that makes OpenAI's ephemeral keys makes tokens.
#[tokio::test]
async fn a_client_secret_is_a_token_in_openais_shape() {
    let upstream = echoing().await;
    let plan = Plan::new()
        .route(
            "openai",
            &format!("{}/v1/realtime?model={{model}}", upstream.url()),
        )
        .set("routes.openai.paths", r#"["/v1/realtime"]"#)
        .set("routes.openai.token_prefix", "'ek_'")
        .set("routes.openai.max_uses", "3")
        .set("routes.openai.params.model.pattern", "'gpt-[a-z0-9-]+'")
        .set("routes.openai.params.model.default", "'gpt-realtime'")
        .route("other", &upstream.url());
    let stage = plan.start().await;
    let bearer = format!("Bearer {}", stage.api_key);
    let ask = |body: serde_json::Value| {
        let headers = [("authorization", bearer.clone())];
        let to = stage.server.public();
        async move {
            let headers: Vec<_> = headers.iter().map(|(k, v)| (*k, v.as_str())).collect();
            post_json(to, "/v1/realtime/client_secrets", &headers, &body).await
        }
    };
    let made = ask(json!({
        "expires_after": {"anchor": "created_at", "seconds": 120},
        "session": {"type": "realtime", "model": "gpt-realtime-mini", "audio": {"output": {"voice": "marin"}}},
    }))
    .await;
    assert_eq!(made.status, 200);
    let secret = made.json();
    let value = secret["value"].as_str().unwrap();
    assert!(value.starts_with("ek_"));
    assert_eq!(secret["session"]["audio"]["output"]["voice"], "marin");
    let left = secret["expires_at"].as_i64().unwrap() - crate::forge::now();
    assert!((100..=121).contains(&left), "{left}");
    for _ in 0..3 {
        stage
            .open(Handshake::to(&format!("/v1/realtime?token={value}")))
            .await
            .close(1000)
            .await;
    }
    let dials = upstream.dials();
    assert!(
        dials
            .iter()
            .all(|dial| dial.query_values("model") == ["gpt-realtime-mini"])
    );
    assert_eq!(ask(json!({})).await.status, 200);
    for (body, pointer) in [
        (
            json!({"expires_after": {"seconds": 7200}}),
            "/expires_after/seconds",
        ),
        (
            json!({"expires_after": {"anchor": "now"}}),
            "/expires_after",
        ),
        (json!({"session": 1}), "/session"),
        (json!({"session": {"model": "x"}}), "/session/model"),
        (json!({"model": "gpt-realtime"}), "/model"),
    ] {
        let refused = ask(body).await;
        assert_eq!(refused.status, 422);
        assert_eq!(refused.json()["errors"][0]["pointer"], pointer);
    }
    let unknown = post_json(
        stage.server.public(),
        "/v1/realtime/client_secrets",
        &[],
        &json!({}),
    )
    .await;
    assert_eq!(unknown.status, 401);
    stage.end().await;
}

/// What the vendor says of a refusal reaches the log, its id the client, and no credential either.
#[tokio::test]
async fn a_vendors_refusal_is_told_to_those_who_debug_it() {
    let body = json!({"error": {"message": format!("invalid key {CANARY}"), "code": "denied"}});
    let upstream = Upstream::behaving(tollbridge_testkit::Behaviour::Refuse {
        status: 403,
        headers: vec![
            ("X-Tt-Logid".to_owned(), "log-4711".to_owned()),
            ("X-Request-Id".to_owned(), "req-4712".to_owned()),
        ],
        body: body.to_string(),
    })
    .await;
    let plan = Plan::new()
        .route("voice", &upstream.url())
        .set("routes.voice.keep_response_headers", r#"["X-Tt-Logid"]"#);
    let stage = plan.start().await;
    let token = || stage.forge.token("voice");
    let program = Handshake::to(&format!("{PATH}?token={}", token())).keeps("X-Tt-Logid");
    let refused = stage.refused(program).await;
    assert_eq!(
        (refused.status, refused.code().as_str()),
        (502, "upstream_refused")
    );
    assert_eq!(refused.header("x-tt-logid"), Some("log-4711"));
    assert_eq!(
        refused
            .header("x-request-id")
            .filter(|id| *id == "req-4712"),
        None
    );

    let page = Handshake::to(&format!("{PATH}?token={}", token())).origin(PAGE);
    let page = page.keeps("X-Tt-Logid");
    let mut ws = stage.open(page).await;
    assert_eq!(ws.header_values("x-tt-logid"), ["log-4711"]);
    let (code, reason) = ws.close_parts().await.unwrap();
    assert_eq!(code, 1014);
    let session = reason
        .strip_prefix("tb:upstream_refused;id=")
        .unwrap()
        .to_owned();
    stage
        .server
        .wait_for_log(
            |line| {
                line.contains("upstream.failed")
                    && line.contains(&session)
                    && line.contains("x-tt-logid=log-4711 x-request-id=req-4712")
                    && line.contains("invalid key [redacted]")
                    && line.contains("denied")
            },
            crate::stage::PATIENCE,
        )
        .await;
    stage.end().await;
}

/// A route that says nothing but its preset and its address is one.
#[tokio::test]
async fn a_preset_makes_a_route() {
    let upstream = echoing().await;
    let plan = Plan::new()
        .route(
            "openai",
            &format!("{}/v1/realtime?model={{model}}", upstream.url()),
        )
        .set("routes.openai.preset", &quoted("openai-realtime"))
        .set("routes.openai.credentials.headers.Authorization", "''");
    let stage = plan.start().await;
    let token = stage.mint(&json!({"route": "openai"})).await;
    let key = format!("openai-insecure-api-key.{token}");
    let handshake = Handshake::to("/v1/realtime?model=other").protocols(&["realtime", &key]);
    stage.open(handshake.origin(PAGE)).await.close(1000).await;
    assert_eq!(upstream.dials()[0].query_values("model"), ["gpt-realtime"]);
    stage.end().await;
}
