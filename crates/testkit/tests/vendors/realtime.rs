//! OpenAI's events, and whoever speaks them.

use std::time::Duration;

use base64::{Engine as _, engine::general_purpose::STANDARD};
use serde_json::json;
use tollbridge_testkit::{
    Frame, Upstream, Vendor as _, http_unjudged, sha256_hex, vendors::OpenAiRealtime,
};

use crate::{Talk, handshake};

/// 200 ms of something loud.
const LOUD: [u8; 9_600] = [7; 9_600];

fn append(pcm: &[u8]) -> serde_json::Value {
    json!({"type": "input_audio_buffer.append", "audio": STANDARD.encode(pcm)})
}

async fn openai() -> Talk {
    let mut talk = Talk::with(OpenAiRealtime::new("key")).await;
    let created = talk.hear().await;
    assert_eq!(created["type"], "session.created");
    assert_eq!(created["session"]["model"], "gpt-realtime");
    assert!(created["event_id"].is_string());
    talk
}

#[tokio::test]
async fn openai_hears_speaks_and_is_done() {
    let mut talk = openai().await;
    assert_eq!(talk.ws.protocol(), Some("realtime"));
    let session = json!({"type": "realtime", "audio": {"input": {"turn_detection": null}}});
    talk.say(json!({"type": "session.update", "session": session}))
        .await;
    let updated = talk.hear().await;
    assert_eq!(updated["type"], "session.updated");
    assert!(updated["session"]["audio"]["input"]["turn_detection"].is_null());
    assert_eq!(updated["session"]["audio"]["output"]["voice"], "alloy");
    talk.say(append(&LOUD)).await;
    talk.say(json!({"type": "input_audio_buffer.commit"})).await;
    let committed = [
        "input_audio_buffer.committed",
        "conversation.item.added",
        "conversation.item.done",
    ];
    assert_eq!(talk.types_until("conversation.item.done").await, committed);
    talk.say(json!({"type": "response.create"})).await;
    let response = talk.types_until("response.done").await;
    assert_eq!(response[0], "response.created");
    let part = "response.content_part.added";
    for kind in [
        "response.output_audio.delta",
        "response.output_audio_transcript.done",
        part,
    ] {
        assert!(
            response.iter().any(|it| it == kind),
            "{kind} in {response:?}"
        );
    }
    talk.ws.close(1000).await;
    let dials = talk.upstream.ended(1).await;
    assert_eq!(dials[0].audio.sha256(), sha256_hex(&LOUD));
}

#[tokio::test]
async fn openai_remembers_items() {
    let mut talk = openai().await;
    let item = json!({"id": "mine", "type": "message", "role": "user", "content": []});
    talk.say(json!({"type": "conversation.item.create", "item": item}))
        .await;
    talk.types_until("conversation.item.done").await;
    for (act, answer, code) in [
        (
            "retrieve",
            "conversation.item.retrieved",
            "item_retrieve_invalid_item_id",
        ),
        (
            "truncate",
            "conversation.item.truncated",
            "item_truncate_invalid_item_id",
        ),
        (
            "delete",
            "conversation.item.deleted",
            "item_delete_invalid_item_id",
        ),
    ] {
        let kind = format!("conversation.item.{act}");
        talk.say(json!({"type": kind, "item_id": "mine"})).await;
        assert_eq!(talk.hear().await["type"], answer);
        talk.say(json!({"type": kind, "item_id": "other"})).await;
        assert_eq!(talk.hear().await["error"]["code"], code);
    }
}

#[tokio::test]
async fn openai_answers_in_text_where_text_is_asked_for() {
    let mut talk = openai().await;
    let wanted = json!({"output_modalities": ["text"], "metadata": {"a": "b"}});
    talk.say(json!({"type": "response.create", "response": wanted}))
        .await;
    let created = talk.hear().await;
    assert_eq!(created["response"]["metadata"]["a"], "b");
    let types = talk.types_until("response.done").await;
    assert!(types.iter().any(|it| it == "response.output_text.delta"));
    assert!(types.iter().all(|it| !it.contains("audio")), "{types:?}");
}

#[tokio::test]
async fn openai_detects_turns_by_silence() {
    let mut talk = openai().await;
    for chunk in [&[0; 4_800][..], &LOUD, &[0; 24_000]] {
        talk.say(append(chunk)).await;
    }
    let started = talk.hear().await;
    assert_eq!(started["type"], "input_audio_buffer.speech_started");
    assert_eq!(started["audio_start_ms"], 100);
    let stopped = talk.hear().await;
    assert_eq!(stopped["type"], "input_audio_buffer.speech_stopped");
    assert_eq!(stopped["item_id"], started["item_id"]);
    let rest = talk.types_until("response.done").await;
    assert_eq!(rest[0], "input_audio_buffer.committed");
}

#[tokio::test]
async fn openai_says_what_is_wrong_and_stays() {
    let mut talk = openai().await;
    talk.ws.send(Frame::text("no JSON")).await;
    assert_eq!(talk.hear().await["error"]["code"], "invalid_json");
    for (event, code) in [
        (json!({}), "invalid_event"),
        (json!({"type": "no.such"}), "invalid_value"),
        (
            json!({"type": "session.update"}),
            "missing_required_parameter",
        ),
        (
            json!({"type": "session.update", "session": {}}),
            "missing_required_parameter",
        ),
        (
            json!({"type": "session.update", "session": {"type": "transcription"}}),
            "invalid_value",
        ),
        (
            json!({"type": "input_audio_buffer.append"}),
            "missing_required_parameter",
        ),
        (
            json!({"type": "input_audio_buffer.append", "audio": "!"}),
            "invalid_value",
        ),
        (
            json!({"type": "input_audio_buffer.commit"}),
            "input_audio_buffer_commit_empty",
        ),
        (
            json!({"type": "conversation.item.create", "item": {}}),
            "missing_required_parameter",
        ),
        (
            json!({"type": "response.cancel"}),
            "response_cancel_not_active",
        ),
    ] {
        let mut named = event;
        named["event_id"] = "mine".into();
        talk.say(named).await;
        let error = talk.hear().await;
        assert_eq!(error["type"], "error");
        assert_eq!(error["error"]["code"], code);
        assert_eq!(error["error"]["event_id"], "mine");
    }
    talk.ws.close(1000).await;
}

#[tokio::test]
async fn openai_transcribes_and_does_not_respond() {
    let vendor = OpenAiRealtime::new("key");
    let mut talk = Talk::at(vendor, "/v1/realtime?intent=transcription").await;
    assert_eq!(talk.hear().await["session"]["type"], "transcription");
    talk.say(append(&LOUD)).await;
    talk.say(json!({"type": "input_audio_buffer.commit"})).await;
    let done = "conversation.item.input_audio_transcription.completed";
    talk.types_until(done).await;
    talk.say(json!({"type": "response.create"})).await;
    assert_eq!(talk.hear().await["type"], "error");
}

#[tokio::test]
async fn openai_ends_a_session_that_is_too_old() {
    let longest = Duration::ZERO;
    let mut talk = Talk::with(OpenAiRealtime::new("key").lasting(longest)).await;
    talk.hear().await;
    assert_eq!(talk.hear().await["error"]["code"], "session_expired");
    assert_eq!(talk.closed().await, 1001);
}

#[tokio::test]
async fn openai_refuses_with_its_own_codes() {
    let vendor = OpenAiRealtime::new("key");
    let wants = vendor.wants();
    let upstream = Upstream::behaving(vendor).await;
    for (target, header, value, status, code) in [
        (
            "/v1/realtime",
            "Authorization",
            "Bearer key",
            400,
            json!("missing_model"),
        ),
        (
            "/v1/realtime?model=a&model=b",
            "Authorization",
            "Bearer key",
            400,
            json!("invalid_parameter"),
        ),
        (
            "/v1/realtime?model=a&call_id=b",
            "Authorization",
            "Bearer key",
            400,
            json!("invalid_parameter"),
        ),
        (
            "/v1/realtime?model=a",
            "Authorization",
            "Bearer other",
            401,
            json!("invalid_api_key"),
        ),
        (
            "/v1/realtime?model=a",
            "Authorization",
            "Token key",
            401,
            json!(null),
        ),
        ("/v1/realtime?model=a", "api-key", "key", 401, json!(null)),
    ] {
        let tried = handshake(target, &wants, Some("Authorization")).header(header, value);
        let refused = http_unjudged(upstream.addr(), tried.encode(upstream.addr())).await;
        assert_eq!(refused.status, status, "{target} {value}");
        assert_eq!(refused.json()["error"]["code"], code, "{target} {value}");
        assert!(refused.header("x-request-id").unwrap().starts_with("req_"));
    }
    let tried = handshake(&wants.target, &wants, None)
        .header("Sec-WebSocket-Protocol", "openai-insecure-api-key.key");
    let refused = http_unjudged(upstream.addr(), tried.encode(upstream.addr())).await;
    assert_eq!(refused.status, 400);
}
