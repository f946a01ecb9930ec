//! The bridge's door in front of somebody else's relay: a proxy asks, the real binary answers.

use serde_json::json;
use tollbridge_testkit::{Response, Upstream, get, http_unjudged};

use crate::house::{CREDENTIAL, House, ORIGIN, builder, config, route};

const HERE: &str = "/v1/forward-auth";

/// What a yes says of the bearer.
const SAID: &[&str] = &[
    "x-tollbridge-client-id",
    "x-tollbridge-jti",
    "x-tollbridge-route",
    "x-tollbridge-subject",
];

async fn house(server: &str, more: &str) -> (Upstream, House) {
    let upstream = Upstream::echo("x-api-key", CREDENTIAL).await;
    let routes = [
        route("echo", &upstream, more),
        route("other", &upstream, ""),
        route(
            "sdk",
            &upstream,
            "token_prefix = \"ek_\"\n\
             carriers.query = [\"api-key\"]\n\
             carriers.subprotocol = [\"openai-insecure-api-key.{token}\"]\n",
        ),
    ];
    let text = config(&routes).replace("[server]\n", &format!("[server]\n{server}\n"));
    let house = House::of(builder(&[]).config(text)).await;
    (upstream, house)
}

async fn trusting() -> (Upstream, House) {
    house(TRUSTING, "").await
}

const TRUSTING: &str = "trusted_proxies = [\"127.0.0.1\"]";

/// Asks at this address with these headers.
async fn ask(house: &House, at: &str, headers: &[(&str, &str)]) -> Response {
    ask_by("GET", house, at, headers).await
}

async fn ask_by(method: &str, house: &House, at: &str, headers: &[(&str, &str)]) -> Response {
    let lines: String = headers
        .iter()
        .map(|(name, value)| format!("{name}: {value}\r\n"))
        .collect();
    let request =
        format!("{method} {at} HTTP/1.1\r\nHost: relay\r\nConnection: close\r\n{lines}\r\n");
    let answer = http_unjudged(house.server.public(), request).await;
    assert_eq!(
        answer.header("cache-control"),
        Some("no-store"),
        "{answer:?}"
    );
    answer.judged(SAID)
}

/// Status and slug; a yes has none.
fn told(answer: &Response) -> (u16, String) {
    let slug = match answer.status {
        204 => String::new(),
        _ => answer.code(),
    };
    (answer.status, slug)
}

fn uri(token: &str) -> String {
    format!("/chat?room=1&token={token}")
}

#[tokio::test]
async fn a_token_enters_once_and_the_relay_learns_whose_it_is() {
    let (upstream, house) = trusting().await;
    let ask_for = json!({ "route": "echo", "subject": "Ümit 100%" });
    let prefixed = house.token("sdk").await;
    for (name, token, place) in [
        ("nginx", house.token_for(&ask_for).await, "X-Original-URI"),
        (
            "Traefik",
            house.token_for(&ask_for).await,
            "X-Forwarded-Uri",
        ),
    ] {
        let address = uri(&token);
        let passed = ask(&house, HERE, &[(place, &address)]).await;
        assert_eq!(passed.status, 204, "{name}: {passed:?}");
        let said: Vec<_> = SAID
            .iter()
            .map(|name| passed.header(name).unwrap())
            .collect();
        assert!(said[0].starts_with("backend:ak_"), "{said:?}");
        assert_eq!(said[2..], ["echo", "%C3%9Cmit%20100%25"]);
        // Neither here nor at the bridge a second time.
        let again = ask(&house, HERE, &[(place, &address)]).await;
        assert_eq!(told(&again), (401, "token_used".to_owned()));
        let refused = house.redeem("echo", &token).await.unwrap_err();
        assert_eq!(refused.code(), "token_used");
    }
    let envoy = house.token("echo").await;
    let at = format!("{HERE}{}", uri(&envoy));
    assert_eq!(ask(&house, &at, &[]).await.status, 200);
    let bearer = format!("Bearer {}", house.token("echo").await);
    let by_header = [("X-Forwarded-Uri", "/chat"), ("Authorization", &bearer)];
    assert_eq!(ask(&house, HERE, &by_header).await.status, 204);
    let offer = format!("realtime, openai-insecure-api-key.{prefixed}");
    let by_protocol = [("X-Forwarded-Uri", "/"), ("Sec-WebSocket-Protocol", &offer)];
    assert_eq!(ask(&house, HERE, &by_protocol).await.status, 204);
    let sdk = format!("/?api-key={}", house.token("sdk").await);
    let upgrading = [("X-Original-URI", sdk.as_str()), ("Upgrade", "websocket")];
    let passed = ask_by("HEAD", &house, HERE, &upgrading).await;
    assert_eq!(passed.status, 204);
    let audited = crate::house::until(async || {
        let audited = house.audited("forward_auth.passed").await;
        (audited.len() == 6).then_some(audited)
    })
    .await;
    assert!(audited.iter().all(|entry| entry["from"] == "127.0.0.1"));
    let metrics = get(house.server.admin(), "/metrics", &[]).await;
    for line in [
        "tollbridge_forward_auth_passed_total{route=\"echo\"} 4",
        "tollbridge_forward_auth_passed_total{route=\"sdk\"} 2",
        "tollbridge_upgrade_denied_total{reason=\"token_used\",route=\"echo\"} 4",
    ] {
        assert!(metrics.text().contains(line), "{line}\n{}", metrics.text());
    }
    assert!(upstream.dials().is_empty());
    assert!(
        !house.server.logs().contains("eyJ"),
        "a token is in the log"
    );
}

/// What the proxy says twice it says alike, and what it does not say is not guessed.
#[tokio::test]
async fn a_question_that_can_be_read_in_two_ways_is_a_400_and_costs_no_use() {
    let (_upstream, house) = trusting().await;
    let (one, other) = (house.token("echo").await, house.token("echo").await);
    let foreign = house.token("other").await;
    let (first, second) = (uri(&one), uri(&other));
    let bearer = format!("Bearer {other}");
    let (forwarded, original) = ("X-Forwarded-Uri", "X-Original-URI");
    let fragment = format!("/chat#token={one}");
    let behind = format!("/chat?x=1#&token={one}");
    let twice = format!("/chat?token={one}&token={one}");
    let escaped = format!("/chat?token={one}&%74oken={one}");
    let both = format!("/chat?token={one}&access_token={other}");
    let apart = format!("/chat?token={one}&api-key={}", house.token("sdk").await);
    let two_routes = format!("/chat?token={one}&access_token={foreign}");
    let appended = format!("{HERE}?token={one}");
    let chosen = format!("{HERE}?route=echo&token={one}");
    let suffixed = format!("{HERE}{first}");
    for (what, at, headers) in [
        ("no address", HERE, vec![]),
        (
            "no address, a query of its own",
            appended.as_str(),
            vec![(forwarded, "/")],
        ),
        (
            "the client's query beside the pin",
            chosen.as_str(),
            vec![(forwarded, "/")],
        ),
        (
            "two addresses",
            HERE,
            vec![(forwarded, first.as_str()), (original, second.as_str())],
        ),
        (
            "two addresses, one without a token",
            HERE,
            vec![(forwarded, "/"), (original, &first)],
        ),
        (
            "one header twice",
            HERE,
            vec![(forwarded, &first), (forwarded, &first)],
        ),
        (
            "two addresses, one behind ours",
            &suffixed,
            vec![(original, &second)],
        ),
        ("a token in a fragment", HERE, vec![(original, &fragment)]),
        ("a token behind a fragment", HERE, vec![(original, &behind)]),
        ("one parameter twice", HERE, vec![(forwarded, &twice)]),
        (
            "one parameter twice, once escaped",
            HERE,
            vec![(forwarded, &escaped)],
        ),
        ("two parameters", HERE, vec![(forwarded, &both)]),
        ("tokens of two routes", HERE, vec![(forwarded, &two_routes)]),
        (
            "tokens of two routes, each in its place",
            HERE,
            vec![(forwarded, &apart)],
        ),
        (
            "one in the query, one in a header",
            HERE,
            vec![(forwarded, &first), ("Authorization", &bearer)],
        ),
        (
            "two pins",
            "/v1/forward-auth?route=echo&route=echo",
            vec![(forwarded, &first)],
        ),
        (
            "two pins that differ",
            "/v1/forward-auth?route=echo",
            vec![(forwarded, &first), ("X-Tollbridge-Route", "other")],
        ),
        (
            "subprotocols that are none",
            HERE,
            vec![(forwarded, &first), ("Sec-WebSocket-Protocol", "a b")],
        ),
        ("a broken escape", HERE, vec![(forwarded, "/?token=%zz")]),
    ] {
        let refused = ask(&house, at, &headers).await;
        assert_eq!(told(&refused), (400, "bad_request".to_owned()), "{what}");
    }
    // Both say the same: that is one address.
    let agreed = [(forwarded, first.as_str()), (original, first.as_str())];
    assert_eq!(ask(&house, HERE, &agreed).await.status, 204);
    assert_eq!(ask(&house, HERE, &[(forwarded, &second)]).await.status, 204);
}

#[tokio::test]
async fn who_may_not_enter_is_kept_out_in_a_way_that_proxies_understand() {
    let (_upstream, house) = house(TRUSTING, "require_origin = true").await;
    let page = ("Origin", ORIGIN);
    let fresh = async || house.token("echo").await;
    let revoked = fresh().await;
    let claims = revoked.split('.').nth(1).unwrap();
    let claims = base64::Engine::decode(&base64::engine::general_purpose::URL_SAFE_NO_PAD, claims);
    let claims: serde_json::Value = serde_json::from_slice(&claims.unwrap()).unwrap();
    let jti = claims["jti"].as_str().unwrap();
    house
        .told("POST", "revocations", &json!({ "jti": jti }))
        .await;
    let late = house
        .token_for(&json!({ "route": "echo", "redeem_within": 1 }))
        .await;
    let prefixed = house.token("sdk").await;
    let bare = prefixed.trim_start_matches("ek_").to_owned();
    let key = house.api_key("stolen", "mint").await;
    let whole = fresh().await;
    let (head, _) = whole.rsplit_once('.').unwrap();
    let bound = house
        .token_for(&json!({ "route": "other", "origin": ORIGIN }))
        .await;
    let query = |name: &str, token: &str| format!("/?{name}={token}");
    for (what, at, address, headers, expected) in [
        (
            "no token",
            HERE,
            "/".to_owned(),
            vec![page],
            (401, "token_missing"),
        ),
        (
            "an empty one",
            HERE,
            query("token", ""),
            vec![page],
            (401, "token_invalid"),
        ),
        (
            "an API key",
            HERE,
            query("token", &key),
            vec![page],
            (401, "token_invalid"),
        ),
        (
            "no signature",
            HERE,
            query("token", &format!("{head}.")),
            vec![page],
            (401, "token_invalid"),
        ),
        (
            "a revoked one",
            HERE,
            uri(&revoked),
            vec![page],
            (403, "revoked"),
        ),
        (
            "a foreign page",
            HERE,
            uri(&fresh().await),
            vec![("Origin", "https://evil.example")],
            (403, "origin_not_allowed"),
        ),
        (
            "two pages",
            HERE,
            uri(&fresh().await),
            vec![page, page],
            (403, "origin_not_allowed"),
        ),
        (
            "no page",
            HERE,
            uri(&fresh().await),
            vec![],
            (403, "origin_not_allowed"),
        ),
        (
            "bound to a page",
            HERE,
            uri(&bound),
            vec![],
            (403, "origin_not_allowed"),
        ),
        (
            "another route than the pin",
            "/v1/forward-auth?route=other",
            uri(&fresh().await),
            vec![page],
            (403, "route_not_allowed"),
        ),
        (
            "another route than the header's",
            HERE,
            uri(&fresh().await),
            vec![page, ("X-Tollbridge-Route", "other")],
            (403, "route_not_allowed"),
        ),
        (
            "a pin that is no route",
            "/v1/forward-auth?route=nowhere",
            uri(&fresh().await),
            vec![page],
            (403, "unknown_route"),
        ),
        (
            "a parameter of another route",
            HERE,
            query("token", &bare),
            vec![page],
            (403, "route_not_allowed"),
        ),
        (
            "a prefix of another route",
            HERE,
            query("api-key", &format!("ek_{}", fresh().await)),
            vec![page],
            (403, "route_not_allowed"),
        ),
        (
            "a parameter that is none",
            HERE,
            query("jwt", &fresh().await),
            vec![page],
            (401, "token_missing"),
        ),
    ] {
        let headers = [headers, vec![("X-Forwarded-Uri", address.as_str())]].concat();
        let refused = ask(&house, at, &headers).await;
        let (status, slug) = expected;
        assert_eq!(told(&refused), (status, slug.to_owned()), "{what}");
    }
    let address = uri(&late);
    crate::house::until(async || {
        let headers = [
            page,
            ("X-Forwarded-Uri", &address),
            ("X-Tollbridge-Route", "other"),
        ];
        let refused = ask(&house, HERE, &headers).await;
        let (status, slug) = told(&refused);
        assert!(matches!(status, 401 | 403), "{slug}");
        (slug == "token_expired").then_some(())
    })
    .await;
    let audited = house.audited("upgrade.denied").await;
    assert!(audited.iter().any(|entry| entry["result"] == "revoked"));
}

/// The peer is the other end of the socket, whatever it says of itself.
#[tokio::test]
async fn only_a_trusted_proxy_asks() {
    for server in ["", "trusted_proxies = [\"10.0.0.0/8\"]"] {
        let (_upstream, house) = house(server, "").await;
        let token = house.token("echo").await;
        let address = uri(&token);
        for headers in [
            vec![("X-Forwarded-Uri", address.as_str())],
            vec![
                ("X-Forwarded-Uri", &address),
                ("X-Forwarded-For", "10.0.0.1"),
            ],
            vec![("X-Original-URI", &address), ("Forwarded", "for=10.0.0.1")],
            vec![("X-Original-URI", &address), ("X-Real-IP", "10.0.0.1")],
            vec![],
        ] {
            let refused = ask(&house, HERE, &headers).await;
            assert_eq!(told(&refused), (403, "forbidden".to_owned()), "{headers:?}");
        }
        let denials = house.told("GET", "denials", &json!({})).await;
        assert_eq!(denials["denials"][0]["surface"], "forward_auth");
        // It has not been used by any of this.
        house.redeem("echo", &token).await.unwrap();
    }
}

#[tokio::test]
async fn nothing_but_a_question_is_answered() {
    let (_upstream, house) = trusting().await;
    let token = house.token("echo").await;
    let address = uri(&token);
    for method in ["POST", "PUT", "DELETE", "OPTIONS"] {
        let headers = [
            ("X-Forwarded-Uri", address.as_str()),
            ("Content-Length", "0"),
        ];
        let refused = ask_by(method, &house, HERE, &headers).await;
        assert_eq!(told(&refused), (405, "method_not_allowed".to_owned()));
        assert_eq!(refused.header("allow"), Some("GET, HEAD"));
    }
    assert_eq!(
        ask(&house, HERE, &[("X-Forwarded-Uri", &address)])
            .await
            .status,
        204
    );
}

/// The address that is counted is the one that the proxy vouches for, not what its client wrote.
#[tokio::test]
async fn the_connect_rate_is_the_forwarded_clients() {
    let (_upstream, house) = house(TRUSTING, "limits.connects_per_minute = 2").await;
    let from = async |client: &str, subject: &str| {
        let ask_for = json!({ "route": "echo", "subject": subject });
        let address = uri(&house.token_for(&ask_for).await);
        let headers = [
            ("X-Forwarded-Uri", address.as_str()),
            ("X-Forwarded-For", client),
        ];
        ask(&house, HERE, &headers).await
    };
    assert_eq!(from("203.0.113.9", "a").await.status, 204);
    assert_eq!(from("1.1.1.1, 203.0.113.9", "b").await.status, 204);
    let refused = from("2.2.2.2, 203.0.113.9", "c").await;
    assert_eq!(told(&refused), (403, "rate_limited".to_owned()));
    assert!(refused.header("retry-after").is_some());
    assert_eq!(from("203.0.113.10", "d").await.status, 204);
}

/// A use that is taken at the door of the relay is taken once, whoever asks at the same time.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn of_many_who_ask_at_once_one_enters() {
    let (_upstream, house) = trusting().await;
    for _ in 0..5 {
        let address = uri(&house.token("echo").await);
        let asked = (0..16).map(|_| {
            let (to, address) = (house.server.public(), address.clone());
            tokio::spawn(async move {
                let headers = [("x-forwarded-uri", address.as_str())];
                let request = format!(
                    "GET {HERE} HTTP/1.1\r\nHost: a\r\nConnection: close\r\n{}: {}\r\n\r\n",
                    headers[0].0, headers[0].1
                );
                http_unjudged(to, request).await.status
            })
        });
        let mut statuses = Vec::new();
        for one in asked.collect::<Vec<_>>() {
            statuses.push(one.await.unwrap());
        }
        assert_eq!(
            statuses.iter().filter(|it| **it == 204).count(),
            1,
            "{statuses:?}"
        );
        assert!(
            statuses.iter().all(|it| matches!(it, 204 | 401)),
            "{statuses:?}"
        );
    }
}

/// While the node drains it lets nobody in elsewhere either: 503, by which nginx goes to the next.
#[tokio::test]
async fn a_draining_node_lets_nobody_in() {
    let (_upstream, house) = trusting().await;
    let held = house.session("echo").await;
    let address = uri(&house.token("echo").await);
    house.told("POST", "drain", &json!({})).await;
    let refused = crate::house::until(async || {
        let headers = [("X-Forwarded-Uri", address.as_str())];
        Some(ask(&house, HERE, &headers).await)
    })
    .await;
    assert_eq!(told(&refused), (503, "draining".to_owned()));
    assert!(refused.header("retry-after").is_some());
    drop(held);
}
