//! Soniox, Cartesia and MiniMax.

use std::time::Duration;

use serde_json::{Value, json};
use tollbridge_testkit::{
    Frame, Upstream, Vendor as _, http_unjudged,
    vendors::{Cartesia, MiniMaxTts, Soniox},
};

use crate::{Talk, handshake};

fn configuration() -> Value {
    json!({"model": "stt-rt-preview", "audio_format": "auto"})
}

#[tokio::test]
async fn soniox_gives_tokens_and_finishes() {
    let mut talk = Talk::with(Soniox::new("key")).await;
    talk.say(configuration()).await;
    talk.say(json!({"type": "keepalive"})).await;
    talk.say_bytes(&[7; 16_000]).await;
    let heard = talk.hear().await;
    assert_eq!(heard["tokens"][0]["is_final"], false);
    talk.say(json!({"type": "finalize"})).await;
    assert_eq!(talk.hear().await["tokens"][1]["text"], "<fin>");
    talk.say_bytes(&[]).await;
    assert!(talk.hear().await["finished"].is_null());
    let last = talk.hear().await;
    assert_eq!(
        (&last["finished"], &last["total_audio_proc_ms"]),
        (&json!(true), &json!(500))
    );
    assert_eq!(talk.closed().await, 1000);
}

#[tokio::test]
async fn soniox_takes_no_key_in_the_configuration() {
    let mut keyed = configuration();
    keyed["api_key"] = "key".into();
    for (said, code) in [
        (vec![keyed], 401),
        (vec![json!({"model": "m"})], 400),
        (
            vec![json!({"model": "m", "audio_format": "pcm_s16le"})],
            400,
        ),
        (vec![configuration(), json!({"type": "x"})], 400),
    ] {
        let mut talk = Talk::with(Soniox::new("key")).await;
        for message in said {
            talk.say(message).await;
        }
        let error = talk.hear().await;
        assert_eq!(error["error_code"], code);
        assert!(error["error_message"].is_string());
        talk.closed().await;
    }
    for (target, value) in [
        ("/transcribe-websocket", "Bearer other"),
        ("/transcribe-websocket", "key"),
        ("/transcribe-websocket?api_key=key", "Bearer key"),
    ] {
        let mut talk = Talk::bringing(Soniox::new("key"), target, "Authorization", value).await;
        assert_eq!(talk.hear().await["error_code"], 401, "{target} {value}");
        talk.closed().await;
    }
}

#[tokio::test]
async fn cartesia_listens() {
    let mut talk = Talk::with(Cartesia::new("key")).await;
    talk.say_bytes(&[7; 16_000]).await;
    let heard = talk.hear().await;
    assert_eq!(
        (&heard["type"], &heard["text"]),
        (&json!("transcript"), &json!("word"))
    );
    talk.ws.send(Frame::text("finalize")).await;
    assert_eq!(
        talk.types_until("flush_done").await,
        ["transcript", "flush_done"]
    );
    talk.ws.send(Frame::text("nonsense")).await;
    assert_eq!(talk.hear().await["type"], "error");
    talk.ws.send(Frame::text("done")).await;
    assert_eq!(talk.types_until("done").await, ["transcript", "done"]);
    assert_eq!(talk.closed().await, 1000);
}

#[tokio::test]
async fn cartesia_speaks() {
    let mut talk = Talk::at(Cartesia::new("key"), "/tts/websocket").await;
    let wanted = json!({
        "context_id": "c", "model_id": "sonic", "transcript": "Hello.",
        "voice": {"mode": "id", "id": "v"}, "output_format": {"container": "raw"},
    });
    talk.say(wanted.clone()).await;
    assert_eq!(talk.types_until("done").await, ["chunk", "done"]);
    let mut more = wanted;
    more["continue"] = true.into();
    talk.say(more).await;
    assert_eq!(talk.hear().await["done"], false);
    talk.say(json!({"context_id": "c", "cancel": true})).await;
    assert_eq!(talk.hear().await["type"], "done");
    talk.say(json!({"context_id": "c"})).await;
    assert_eq!(talk.hear().await["status_code"], 400);
}

#[tokio::test]
async fn cartesia_is_strict_about_version_and_query() {
    let vendor = Cartesia::new("key");
    let wants = vendor.wants();
    let upstream = Upstream::behaving(vendor).await;
    for (target, version, status) in [
        (wants.target.as_str(), "latest", 400),
        ("/stt/websocket?model=m", "2025-11-04", 400),
        (
            "/stt/websocket?cartesia_version=2025-11-04&api_key=key",
            "2025-11-04",
            401,
        ),
        ("/tts", "2025-11-04", 404),
    ] {
        let tried = handshake(target, &wants, Some("Cartesia-Version"))
            .header("Cartesia-Version", version)
            .encode(upstream.addr());
        let refused = http_unjudged(upstream.addr(), tried).await;
        assert_eq!(refused.status, status, "{target}");
        let id = refused.header("x-request-id").unwrap();
        assert_eq!(refused.json()["request_id"], id);
    }
}

/// The events' names, up to and with this one.
async fn events_until(talk: &mut Talk, last: &str) -> Vec<Value> {
    let mut events = vec![talk.hear().await];
    while events.last().is_none_or(|it| it["event"] != last) {
        events.push(talk.hear().await);
    }
    events
}

#[tokio::test]
async fn minimax_speaks_task_by_task() {
    let mut talk = Talk::with(MiniMaxTts::new("key")).await;
    events_until(&mut talk, "connected_success").await;
    talk.say(json!({"event": "task_start", "model": "speech-02-turbo"}))
        .await;
    events_until(&mut talk, "task_started").await;
    talk.say(json!({"event": "task_continue", "text": "Hello."}))
        .await;
    talk.say(json!({"event": "task_finish"})).await;
    let events = events_until(&mut talk, "task_finished").await;
    assert!(events[0]["data"]["audio"].is_string());
    assert_eq!(events[1]["is_final"], true);
    assert_eq!(talk.closed().await, 1000);
}

#[tokio::test]
async fn minimax_fails_what_is_out_of_order_and_waits_for_nobody() {
    for wrong in [
        json!({"event": "task_continue", "text": "x"}),
        json!({"event": "task_start"}),
    ] {
        let mut talk = Talk::with(MiniMaxTts::new("key")).await;
        talk.hear().await;
        talk.say(wrong).await;
        let failed = talk.hear().await;
        assert_eq!(failed["event"], "task_failed");
        assert_eq!(failed["base_resp"]["status_code"], 2_013);
        assert_eq!(talk.closed().await, 1000);
    }
    let impatient = MiniMaxTts::new("key").patient(Duration::from_millis(50));
    let mut talk = Talk::with(impatient).await;
    talk.hear().await;
    assert_eq!(talk.closed().await, 1000);
}
