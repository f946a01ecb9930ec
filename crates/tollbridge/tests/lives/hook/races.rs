//! Many at once, failures in a row, and what happens while a hook thinks.

use tokio::task::JoinSet;

use super::*;

/// As many redemptions at once, each of a token of its own.
fn redemptions(house: &House, tokens: &[String]) -> JoinSet<Result<RawWs, Response>> {
    let public = house.server.public();
    let connects = tokens
        .iter()
        .map(|token| RawWs::connect(public, at("echo", token)));
    connects.collect()
}

async fn joined<T: 'static>(mut tasks: JoinSet<T>) -> Vec<T> {
    let mut all = Vec::new();
    while let Some(one) = tasks.join_next().await {
        all.push(one.unwrap());
    }
    all
}

#[tokio::test]
async fn sixty_four_questions_are_open_at_once_and_one_more_is_not_asked() {
    let upstream = Upstream::echo("x-api-key", CREDENTIAL).await;
    let hook = Hook::start().await;
    let house = house(&upstream, &hook, "").await;
    let mut tokens = Vec::new();
    for _ in 0..65 {
        tokens.push(house.token("echo").await);
    }
    let last = tokens.pop().unwrap();
    hook.is(Mood::Thinks);
    let tasks = redemptions(&house, &tokens);
    hook.heard(64).await;
    let refused = house.redeem("echo", &last).await.unwrap_err();
    assert_overloaded(&refused, "the sixty-fifth");
    assert_eq!(hook.times(), 64);
    hook.says(204, "");
    for admitted in joined(tasks).await {
        admitted.unwrap().echo("in").await;
    }
    // Who was one too many has lost nothing.
    house.redeem("echo", &last).await.unwrap().echo("in").await;
    assert_eq!(hook.times(), 65);
}

#[tokio::test]
async fn who_fails_again_and_again_is_left_alone_and_heals_by_itself() {
    let upstream = Upstream::echo("x-api-key", CREDENTIAL).await;
    let hook = Hook::start().await;
    let house = house(&upstream, &hook, "").await;
    let mut live = house.session("echo").await;
    let token = house.token("echo").await;
    hook.says(500, "");
    for _ in 0..40 {
        let refused = house.redeem("echo", &token).await.unwrap_err();
        assert_overloaded(&refused, "broken");
    }
    // Five failures, and one trial a second at the most.
    assert!(hook.times() < 30, "{}", hook.times());
    live.echo("still here").await;
    hook.says(204, "");
    let mut healed = until(async || house.redeem("echo", &token).await.ok()).await;
    healed.echo("again").await;
    live.echo("still here").await;
    let metrics = get(house.server.admin(), "/metrics", &[]).await;
    let line = "tollbridge_hook_answers_total{outcome=\"unavailable\",route=\"echo\"}";
    assert!(metrics.text().contains(line));
}

/// A bearer who can make the hook say what is not so must not take it from everybody else.
#[tokio::test]
async fn an_answer_beyond_a_tokens_limits_is_no_outage_for_others() {
    let upstream = Upstream::echo("x-api-key", CREDENTIAL).await;
    let hook = Hook::start().await;
    let house = house(&upstream, &hook, "").await;
    let short = json!({ "route": "echo", "max_session": 60 });
    let short = house.token_for(&short).await;
    hook.says(200, "{\"allow\": true, \"max_session\": 600}");
    for _ in 0..20 {
        let refused = house.redeem("echo", &short).await.unwrap_err();
        assert_overloaded(&refused, "above the token's own");
    }
    assert_eq!(hook.times(), 20);
    house.session("echo").await.echo("others get in").await;
    let beyond = |event: &Value| {
        event["reason"]
            .as_str()
            .is_some_and(|it| it.contains("`max_session`"))
    };
    house.logged("hook.unavailable", beyond).await;
}

/// One token cannot take the turns of all: it is asked about as often at once as it has uses.
#[tokio::test]
async fn a_token_that_many_bring_at_once_is_one_question_and_opens_one_session() {
    let upstream = Upstream::echo("x-api-key", CREDENTIAL).await;
    let hook = Hook::start().await;
    let house = house(&upstream, &hook, "").await;
    let token = house.token("echo").await;
    hook.is(Mood::Thinks);
    let tasks = redemptions(&house, std::slice::from_ref(&token));
    hook.heard(1).await;
    for refused in joined(redemptions(&house, &vec![token.clone(); 100])).await {
        assert_eq!(refused.unwrap_err().code(), "token_used");
    }
    assert_eq!(hook.times(), 1);
    hook.says(403, "");
    let refused = joined(tasks).await.remove(0).unwrap_err();
    assert_eq!(refused.code(), "route_not_allowed");
    // That was a no, and nothing was spent: the next may ask again.
    hook.says(204, "");
    house.redeem("echo", &token).await.unwrap().echo("in").await;
    assert_eq!((hook.times(), upstream.dials().len()), (2, 1));
}

/// What happens while the hook thinks counts.
#[tokio::test]
async fn a_token_that_is_revoked_while_the_hook_thinks_is_refused() {
    let upstream = Upstream::echo("x-api-key", CREDENTIAL).await;
    let hook = Hook::start().await;
    let house = house(&upstream, &hook, "").await;
    let minted = house.mint(&json!({ "route": "echo" })).await.json();
    hook.is(Mood::Thinks);
    let tasks = redemptions(&house, &[minted["token"].as_str().unwrap().to_owned()]);
    hook.heard(1).await;
    let act = json!({ "jti": minted["jti"], "reason": "leaked" });
    house.told("POST", "revocations", &act).await;
    // In force when somebody else is refused for it.
    until(async || {
        let told = explained(&house, minted["token"].as_str().unwrap()).await;
        (told["reason"] == "revoked").then_some(())
    })
    .await;
    hook.says(204, "");
    let refused = joined(tasks).await.remove(0).unwrap_err();
    assert_eq!(
        (refused.status, refused.code()),
        (410, "revoked".to_owned())
    );
    assert!(upstream.dials().is_empty());
}

async fn explained(house: &House, token: &str) -> Value {
    let address = format!("/v1/bridge/echo?token={token}");
    get(house.server.public(), &address, &[]).await.json()
}
