//! B16: many bearers of one token at one moment.

use std::{env, sync::Arc};

use tokio::{sync::Barrier, task::JoinSet};
use tollbridge_testkit::RawWs;

use crate::{
    scenes::echo_with,
    stage::{echo, knock},
};

/// How many come at once: more than the 64 of the threat model, as issue 2 wants it.
const BEARERS: usize = 200;

/// B16. Ten rounds where the threat model has a hundred, so that a debug build is done in time;
/// `TOLLBRIDGE_ROUNDS=50` makes it the acceptance run.
#[tokio::test(flavor = "multi_thread")]
async fn of_200_bearers_of_one_token_exactly_one_enters() {
    let (stage, upstream) = echo().await;
    let rounds = env::var("TOLLBRIDGE_ROUNDS").map_or(10, |rounds| rounds.parse().unwrap());
    for round in 1..=rounds {
        let token = stage.forge.token("voice");
        let (opened, refused) = storm(&stage, &token).await;
        assert_eq!(opened.len(), 1, "round {round}");
        assert_eq!(refused, vec!["token_used"; BEARERS - 1], "round {round}");
        assert_eq!(upstream.connections(), round, "dials");
        for ws in opened {
            ws.close(1000).await;
        }
    }
    stage.end().await;
}

/// The same for a token of several uses.
#[tokio::test(flavor = "multi_thread")]
async fn of_200_bearers_of_a_token_of_three_uses_exactly_three_enter() {
    let (stage, upstream) = echo_with("max_uses", "3").await;
    for round in 1..=3 {
        let token = stage
            .forge
            .token_with("voice", serde_json::json!({"uses": 3}));
        let (opened, refused) = storm(&stage, &token).await;
        assert_eq!(
            (opened.len(), refused.len()),
            (3, BEARERS - 3),
            "round {round}"
        );
        assert_eq!(upstream.connections(), 3 * round);
        for ws in opened {
            ws.close(1000).await;
        }
    }
    stage.end().await;
}

/// As many leases as there are, however many knock at once.
#[tokio::test(flavor = "multi_thread")]
async fn of_200_bearers_of_their_own_tokens_as_many_enter_as_the_route_takes() {
    let (stage, upstream) = echo_with("limits.sessions", "7").await;
    let tokens: Vec<String> = (0..BEARERS).map(|_| stage.forge.token("voice")).collect();
    let (opened, refused) = race(&stage, tokens).await;
    assert_eq!(opened.len(), 7);
    assert_eq!(refused, vec!["concurrency_limit"; BEARERS - 7]);
    assert_eq!(upstream.connections(), 7);
    for ws in opened {
        ws.close(1000).await;
    }
    stage.end().await;
}

async fn storm(stage: &crate::stage::Stage, token: &str) -> (Vec<RawWs>, Vec<String>) {
    race(stage, vec![token.to_owned(); BEARERS]).await
}

/// Everybody knocks at the same moment; who was let in, and what the others were told.
async fn race(stage: &crate::stage::Stage, tokens: Vec<String>) -> (Vec<RawWs>, Vec<String>) {
    let barrier = Arc::new(Barrier::new(tokens.len()));
    let to = stage.server.public();
    let mut bearers = JoinSet::new();
    for token in tokens {
        let barrier = Arc::clone(&barrier);
        bearers.spawn(async move {
            barrier.wait().await;
            RawWs::connect(to, knock("voice", &token)).await
        });
    }
    let (mut opened, mut refused) = (Vec::new(), Vec::new());
    for outcome in bearers.join_all().await {
        match outcome {
            Ok(ws) => opened.push(ws),
            Err(refusal) => refused.push(refusal.code()),
        }
    }
    (opened, refused)
}
