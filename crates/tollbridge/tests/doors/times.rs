//! B12: tokens of our own key at the wrong time. That they are genuine is told, since their bearer
//! can do something about it; the last second of a leeway is for the unit tests, which hold the
//! clock.

use serde_json::{Value, json};

use crate::{
    forge::now,
    stage::{Stage, echo, knock},
};

async fn verdict(stage: &Stage, changes: Value) -> (u16, String) {
    let token = stage.forge.token_with("voice", changes);
    stage.verdict(knock("voice", &token)).await
}

#[tokio::test]
async fn a_token_is_good_in_its_window_only() {
    let (stage, upstream) = echo().await;
    let now = now();
    for (changes, slug) in [
        (
            json!({"exp": now - 3, "iat": now - 33, "nbf": now - 33}),
            "token_expired",
        ),
        (
            json!({"exp": now - 86_400, "iat": now - 86_430}),
            "token_expired",
        ),
        // Of before the server's start, which has forgotten what was used then.
        (
            json!({"iat": now - 500, "nbf": now - 500, "exp": now + 60}),
            "token_expired",
        ),
        (json!({"nbf": now + 50}), "token_not_yet_valid"),
        (
            json!({"iat": now + 50, "exp": now + 90}),
            "token_not_yet_valid",
        ),
        // Longer than any token of ours lives, whoever signed it.
        (json!({"exp": now + 10 * 365 * 86_400}), "token_invalid"),
        (json!({"iat": now, "exp": now + 601}), "token_invalid"),
        (json!({"iat": now, "exp": now}), "token_invalid"),
        (json!({"iat": now, "exp": now - 1}), "token_invalid"),
        (json!({"iat": 0, "nbf": 0, "exp": 1}), "token_expired"),
    ] {
        let (status, code) = verdict(&stage, changes.clone()).await;
        assert_eq!((status, code.as_str()), (401, slug), "{changes}");
    }
    assert_eq!(upstream.connections(), 0);
    // A clock that is ahead of ours by up to five seconds is forgiven, and the longest life.
    for changes in [
        json!({"iat": now + 4, "nbf": now + 4, "exp": now + 60}),
        json!({"iat": now, "exp": now + 600}),
    ] {
        let token = stage.forge.token_with("voice", changes);
        stage.redeem("voice", &token).await;
    }
    stage.end().await;
}
