//! Rules of who may mint for a route, and how much: the real binary, and callers of every kind.

use serde_json::{Value, json};
use tollbridge_testkit::{Frame, Response, Upstream, get, post_json};

use crate::{
    house::{CREDENTIAL, House, at, builder, config, route, until},
    vouched::{Backend, mint},
};

const RULES: &str = "\
[[routes.voice.allow]]
caller = \"sso\"
claim.role = \"doctor\"
claim.\"realm_access.roles\" = [\"voice\", \"admin\"]
max_session = \"10m\"
uses = 3
params.model = [\"gpt-4o\"]

[[routes.voice.allow]]
caller = \"proxy\"
claim.groups = \"staff\"
max_session = \"2s\"

[[routes.voice.allow]]
caller = \"backend\"
uses = 2
";

/// `voice` has rules and is where OpenAI's SDKs connect, `echo` has none.
async fn house(upstream: &Upstream, backend: &Backend) -> House {
    let callers = "[\"backend\", \"sso\", \"app\", \"proxy\", \"opaque\"]";
    let listed = |name: &str, more: &str| {
        let route = route(name, upstream, more);
        route.replace("[\"backend\"]", callers)
    };
    let voice = "max_uses = 5\n\
                 paths = [\"/v1/realtime\"]\n\
                 params.model = { default = \"mini\", allow = [\"mini\", \"gpt-4o\"] }";
    let voice = listed("voice", voice).replace("/up\"", "/up?model={model}\"");
    let proxy = "type = \"trusted_header\"\ngroups = \"header:x-auth-request-groups\"";
    let vouching = backend
        .callers()
        .replace("type = \"trusted_header\"", proxy);
    let text = config(&[
        vouching,
        voice,
        RULES.to_owned(),
        "\n".to_owned(),
        listed("echo", ""),
    ]);
    let text = text.replace(
        "[server]\n",
        "[server]\ntrusted_proxies = [\"127.0.0.1\"]\n",
    );
    let builder = builder(&[]).config(text).env("CLIENT_SECRET", "s3cr3t");
    House::of(builder).await
}

fn bearer(backend: &Backend, claims: &Value) -> String {
    format!("Bearer {}", backend.token(claims))
}

fn doctor() -> Value {
    json!({ "role": "doctor", "realm_access": { "roles": ["user", "admin"] } })
}

/// The pointers of a 422.
fn pointers(refused: &Response) -> Vec<String> {
    assert_eq!(
        (refused.status, refused.code()),
        (422, "invalid_request".to_owned())
    );
    let body = refused.json();
    let errors = body["errors"].as_array().unwrap().iter();
    errors
        .map(|error| error["pointer"].as_str().unwrap().to_owned())
        .collect()
}

#[tokio::test]
async fn who_fits_no_rule_is_answered_as_if_there_were_no_route() {
    let upstream = Upstream::echo("x-api-key", CREDENTIAL).await;
    let backend = Backend::start();
    let house = house(&upstream, &backend).await;
    let roles = |roles: Value| json!({ "role": "doctor", "realm_access": { "roles": roles } });
    let tokens: Vec<String> = [
        json!({}),
        json!({ "role": "doctor" }),
        json!({ "realm_access": { "roles": ["voice"] } }),
        roles(json!("voice admin")),
        roles(json!(["Voice"])),
        roles(json!([])),
        roles(json!({ "voice": true })),
        json!({ "role": "doctors", "realm_access": { "roles": ["voice"] } }),
        json!({ "role": ["nurse"], "realm_access": { "roles": ["voice"] } }),
    ]
    .iter()
    .map(|claims| bearer(&backend, claims))
    .collect();
    let mut attempts: Vec<Vec<(&str, &str)>> = tokens
        .iter()
        .map(|token| vec![("Authorization", token.as_str())])
        .collect();
    attempts.extend([
        vec![("Authorization", "Bearer opaque-token")],
        vec![("Cookie", "sid=1")],
        vec![("X-Auth-Request-User", "ada")],
        vec![
            ("X-Auth-Request-User", "ada"),
            ("X-Auth-Request-Groups", "staffs,st aff"),
        ],
    ]);
    let unknown = mint(
        &house,
        &[("Cookie", "sid=1")],
        &json!({ "route": "nowhere" }),
    )
    .await;
    for headers in &attempts {
        let refused = mint(&house, headers, &json!({ "route": "voice" })).await;
        assert_eq!(refused.status, 403, "{headers:?}: {refused:?}");
        let told = |answer: &Response| {
            let mut body = answer.json();
            body["instance"] = Value::Null;
            body
        };
        assert_eq!(told(&refused), told(&unknown), "{headers:?}");
        // A route without rules is open to all of its callers.
        let minted = mint(&house, headers, &json!({ "route": "echo" })).await;
        assert_eq!(minted.status, 201, "{headers:?}: {minted:?}");
    }
    let nowhere = |event: &Value| event["reason"] == "there is no route nowhere";
    assert_eq!(house.logged("token.denied", nowhere).await["route"], "");
    let why = |event: &Value| event["reason"] == "no rule of the route fits";
    assert_eq!(house.logged("token.denied", why).await["route"], "voice");
    until(async || {
        let denied = house.audited("token.denied").await;
        let mut whys = denied.iter().map(|entry| &entry["why"]);
        whys.any(|why| why == "no rule of the route fits")
            .then_some(())
    })
    .await;
    let metrics = get(house.server.admin(), "/metrics", &[]).await;
    let metrics = metrics.text();
    let line = format!(
        "tollbridge_mint_denied_total{{reason=\"forbidden\",route=\"voice\"}} {}",
        attempts.len()
    );
    assert!(metrics.contains(&line), "{metrics}");
}

#[tokio::test]
async fn a_rules_ceilings_are_kept_and_nothing_is_put_in_place_of_what_they_exclude() {
    let upstream = Upstream::echo("x-api-key", CREDENTIAL).await;
    let backend = Backend::start();
    let house = house(&upstream, &backend).await;
    let token = bearer(&backend, &doctor());
    let headers = [("Authorization", token.as_str())];
    let ask = |more: Value| {
        let mut ask = json!({ "route": "voice", "params": { "model": "gpt-4o" } });
        for (name, value) in more.as_object().unwrap() {
            ask[name] = value.clone();
        }
        ask
    };
    let minted = mint(&house, &headers, &ask(json!({}))).await;
    assert_eq!(minted.status, 201, "{minted:?}");
    let body = minted.json();
    assert_eq!(
        (&body["max_session"], &body["uses"]),
        (&json!(600), &json!(1))
    );
    for allowed in [
        json!({ "max_session": 600, "uses": 3 }),
        json!({ "max_session": 1 }),
    ] {
        let minted = mint(&house, &headers, &ask(allowed.clone())).await;
        assert_eq!(minted.status, 201, "{allowed}: {minted:?}");
    }
    for (asked, pointer) in [
        (json!({ "max_session": 601 }), "/max_session"),
        (json!({ "uses": 4 }), "/uses"),
        (json!({ "params": { "model": "mini" } }), "/params/model"),
        (json!({ "params": {} }), "/params/model"),
    ] {
        let refused = mint(&house, &headers, &ask(asked.clone())).await;
        assert_eq!(pointers(&refused), [pointer], "{asked}: {refused:?}");
    }
    let refused = mint(&house, &headers, &json!({ "route": "voice" })).await;
    let error = &refused.json()["errors"][0];
    assert_eq!(
        (error["pointer"].as_str(), error["detail"].as_str()),
        (Some("/params/model"), Some("is required"))
    );
    // The next rule's ceilings are others: an API key's caller has no claims and needs none.
    let key = house.mint(&json!({ "route": "voice", "uses": 2 })).await;
    assert_eq!(key.json()["max_session"], 3600, "{key:?}");
    assert_eq!(
        pointers(&house.mint(&json!({ "route": "voice", "uses": 3 })).await),
        ["/uses"]
    );
}

/// What the rule says is signed, and holds at the session.
#[tokio::test]
async fn a_session_ends_when_its_rule_says() {
    let upstream = Upstream::echo("x-api-key", CREDENTIAL).await;
    let backend = Backend::start();
    let house = house(&upstream, &backend).await;
    let staff = [
        ("X-Auth-Request-User", "ada"),
        ("X-Auth-Request-Groups", "x, staff"),
    ];
    let minted = mint(&house, &staff, &json!({ "route": "voice" })).await;
    assert_eq!(minted.json()["max_session"], 2, "{minted:?}");
    let token = minted.json()["token"].as_str().unwrap().to_owned();
    let mut ws = house.redeem("voice", &token).await.unwrap();
    ws.send(Frame::text("hello")).await;
    let _echo = ws.recv_data().await;
    let reason = crate::house::told_to_go(&mut ws, 4408, "max_session").await;
    assert!(reason.contains("max_session"));
}

#[tokio::test]
async fn the_mint_in_openais_shape_goes_by_the_same_rules() {
    let upstream = Upstream::echo("x-api-key", CREDENTIAL).await;
    let backend = Backend::start();
    let house = house(&upstream, &backend).await;
    let ask = async |token: &str, model: Option<&str>| {
        let mut session = json!({ "type": "realtime" });
        if let Some(model) = model {
            session["model"] = model.into();
        }
        let headers = [("authorization", token)];
        let path = "/v1/realtime/client_secrets";
        post_json(
            house.server.public(),
            path,
            &headers,
            &json!({ "session": session }),
        )
        .await
    };
    let doctor = bearer(&backend, &doctor());
    let porter = bearer(&backend, &json!({ "role": "porter" }));
    assert_eq!(ask(&porter, Some("gpt-4o")).await.status, 403);
    for model in [None, Some("mini")] {
        assert_eq!(pointers(&ask(&doctor, model).await), ["/session/model"]);
    }
    let minted = ask(&doctor, Some("gpt-4o")).await;
    assert_eq!(minted.status, 200, "{minted:?}");
    // Its tokens are for as many sessions as may be: three, by the rule.
    let token = minted.json()["value"].as_str().unwrap().to_owned();
    let mut sessions = Vec::new();
    for _ in 0..3 {
        sessions.push(house.redeem("voice", &token).await.unwrap());
    }
    let refused = house.redeem("voice", &token).await.unwrap_err();
    assert_eq!(refused.code(), "token_used");
}

#[tokio::test]
async fn the_operator_at_the_command_line_is_not_bound() {
    let upstream = Upstream::echo("x-api-key", CREDENTIAL).await;
    let backend = Backend::start();
    let house = house(&upstream, &backend).await;
    let args = [
        "token",
        "mint",
        "--route",
        "voice",
        "--uses",
        "5",
        "--subject",
        "grace",
    ];
    let token = house.cli(&args).await;
    until(async || house.redeem("voice", token.trim()).await.ok()).await;
    let _handshake = at("voice", token.trim());
}

#[tokio::test]
async fn a_reload_puts_other_rules_in_force_and_check_names_what_is_wrong() {
    let upstream = Upstream::echo("x-api-key", CREDENTIAL).await;
    let backend = Backend::start();
    let house = house(&upstream, &backend).await;
    let porter = bearer(&backend, &json!({ "role": "porter" }));
    let headers = [("Authorization", porter.as_str())];
    let file = house.server.dir().join("tollbridge.toml");
    let text = std::fs::read_to_string(&file).unwrap();
    let wrong = text.replace("uses = 3\n", "uses = 6\n");
    std::fs::write(&file, wrong).unwrap();
    let checked = house.server.cli(&["check"]).await;
    assert_eq!(checked.status.code(), Some(3));
    let said = format!(
        "{}{}",
        crate::house::stdout(&checked),
        crate::house::stderr(&checked)
    );
    assert!(said.contains("(routes.voice.allow[0].uses)"), "{said}");
    std::fs::write(
        &file,
        text.replace("\"doctor\"", "[\"doctor\", \"porter\"]")
            .replace("claim.\"realm", "# "),
    )
    .unwrap();
    until(async || {
        let ask = json!({ "route": "voice", "params": { "model": "gpt-4o" } });
        let minted = mint(&house, &headers, &ask).await;
        (minted.status == 201).then_some(())
    })
    .await;
    let shown = house.cli(&["config", "show"]).await;
    assert!(shown.contains("[[routes.voice.allow]]"), "{shown}");
}
