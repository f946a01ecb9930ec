//! OpenAI's Responses API.

use std::time::Duration;

use serde_json::{Value, json};
use tollbridge_testkit::{Upstream, Vendor as _, vendors::OpenAiResponses};

use crate::{Talk, dial, handshake};

fn create(more: Value) -> Value {
    let mut event = json!({"type": "response.create", "model": "m", "input": "hello"});
    for (name, value) in more.as_object().unwrap() {
        event[name] = value.clone();
    }
    event
}

/// The id of the response that comes to its end.
async fn completed(talk: &mut Talk) -> String {
    loop {
        let event = talk.hear().await;
        if event["type"] == "response.completed" {
            return event["response"]["id"].as_str().unwrap().to_owned();
        }
        assert_ne!(event["type"], "error", "{event}");
    }
}

#[tokio::test]
async fn a_response_comes_in_pieces() {
    let mut talk = Talk::with(OpenAiResponses::new("key")).await;
    talk.say(create(json!({}))).await;
    let types = talk.types_until("response.completed").await;
    assert_eq!(types[0], "response.created");
    assert!(types.iter().any(|it| it == "response.output_text.delta"));
    talk.say(create(json!({"generate": false}))).await;
    let types = talk.types_until("response.completed").await;
    assert!(types.iter().all(|it| !it.contains("output")), "{types:?}");
    talk.ws.close(1000).await;
}

#[tokio::test]
async fn one_response_is_over_before_the_next_begins() {
    let mut talk = Talk::with(OpenAiResponses::new("key")).await;
    talk.say(create(json!({}))).await;
    talk.say(create(json!({}))).await;
    let first = talk.types_until("response.completed").await;
    assert_eq!(
        first.iter().filter(|it| *it == "response.created").count(),
        1
    );
    assert_eq!(talk.types_until("response.completed").await, first);
}

#[tokio::test]
async fn a_response_is_continued_where_it_is_known() {
    let vendor = OpenAiResponses::new("key");
    let mut talk = Talk::with(vendor.clone()).await;
    talk.say(create(json!({}))).await;
    let stored = completed(&mut talk).await;
    talk.say(create(
        json!({"store": false, "previous_response_id": stored}),
    ))
    .await;
    let own = completed(&mut talk).await;
    talk.say(create(json!({"previous_response_id": own}))).await;
    completed(&mut talk).await;
    let mut other = Talk::with(vendor).await;
    other
        .say(create(json!({"previous_response_id": own})))
        .await;
    let error = other.hear().await;
    assert_eq!(
        (&error["type"], &error["status"]),
        (&json!("error"), &json!(400))
    );
    assert_eq!(error["error"]["code"], "previous_response_not_found");
    assert_eq!(error["error"]["param"], "previous_response_id");
    other
        .say(create(json!({"previous_response_id": stored})))
        .await;
    completed(&mut other).await;
}

#[tokio::test]
async fn mistakes_are_told_and_age_ends_it() {
    let mut talk = Talk::with(OpenAiResponses::new("key")).await;
    for (event, code) in [
        (json!({"type": "nonsense"}), "invalid_value"),
        (
            json!({"type": "response.create"}),
            "missing_required_parameter",
        ),
        (json!({"type": "response.steer"}), "no_response_in_flight"),
    ] {
        talk.say(event).await;
        assert_eq!(talk.hear().await["error"]["code"], code);
    }
    let mut old = Talk::with(OpenAiResponses::new("key").lasting(Duration::ZERO)).await;
    let code = "websocket_connection_limit_reached";
    assert_eq!(old.hear().await["error"]["code"], code);
    assert_eq!(old.closed().await, 1000);
}

#[tokio::test]
async fn a_dial_has_a_request_id() {
    let vendor = OpenAiResponses::new("key");
    let wants = vendor.wants();
    let upstream = Upstream::behaving(vendor).await;
    let ws = dial(&upstream, handshake(&wants.target, &wants, None))
        .await
        .unwrap();
    assert!(ws.header_values("x-request-id")[0].starts_with("req_"));
}
