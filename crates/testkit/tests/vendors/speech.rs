//! Speech recognition by bytes and JSON: Deepgram, AssemblyAI, ElevenLabs.

use std::time::Duration;

use base64::{Engine as _, engine::general_purpose::STANDARD};
use serde_json::{Value, json};
use tollbridge_testkit::{
    Frame, Upstream, Vendor as _, http_unjudged, sha256_hex,
    vendors::{AssemblyAi, Deepgram, ElevenLabsStt},
};

use crate::{Talk, handshake};

/// Half a second of 16 kHz PCM16.
const HALF_A_SECOND: [u8; 16_000] = [7; 16_000];

#[tokio::test]
async fn deepgram_gives_results_and_a_summary() {
    let mut talk = Talk::with(Deepgram::new("key")).await;
    talk.say_bytes(&HALF_A_SECOND).await;
    talk.say_bytes(&HALF_A_SECOND).await;
    let results = talk.hear().await;
    assert_eq!(results["type"], "Results");
    assert_eq!(
        results["channel"]["alternatives"][0]["transcript"],
        "word word"
    );
    assert_eq!(
        (&results["duration"], &results["is_final"]),
        (&json!(1.0), &json!(true))
    );
    talk.say(json!({"type": "KeepAlive"})).await;
    talk.say_bytes(&HALF_A_SECOND).await;
    talk.say(json!({"type": "Finalize"})).await;
    assert_eq!(talk.hear().await["from_finalize"], true);
    talk.say(json!({"type": "CloseStream"})).await;
    let metadata = talk.hear().await;
    assert_eq!(
        (&metadata["type"], &metadata["duration"]),
        (&json!("Metadata"), &json!(1.5))
    );
    let dials = talk.upstream.dials();
    assert_eq!(dials[0].audio.sha256(), sha256_hex(&[7; 48_000]));
    assert_eq!(talk.closed().await, 1000);
}

#[tokio::test]
async fn deepgram_gives_interim_results_where_they_are_asked_for() {
    let target = "/v1/listen?interim_results=true";
    let mut talk = Talk::at(Deepgram::new("key"), target).await;
    talk.say_bytes(&HALF_A_SECOND).await;
    assert_eq!(talk.hear().await["is_final"], false);
}

#[tokio::test]
async fn deepgram_waits_for_audio_and_reads_nothing_else() {
    let impatient = Deepgram::new("key").patient(Duration::from_millis(50));
    assert_eq!(Talk::with(impatient).await.closed().await, 1011);
    let mut talk = Talk::with(Deepgram::new("key")).await;
    talk.say(json!({"type": "Nonsense"})).await;
    assert_eq!(talk.hear().await["type"], "Error");
    assert_eq!(talk.closed().await, 1008);
}

#[tokio::test]
async fn deepgram_refuses_with_its_own_codes() {
    let vendor = Deepgram::new("key");
    let wants = vendor.wants();
    let upstream = Upstream::behaving(vendor).await;
    for (target, value, status, code) in [
        ("/v1/listen", "Token other", 401, "INVALID_AUTH"),
        ("/v1/listen", "Bearer key", 401, "INVALID_AUTH"),
        (
            "/v1/listen?encoding=linear16",
            "Token key",
            400,
            "Bad Request",
        ),
    ] {
        let tried = handshake(target, &wants, Some("Authorization")).header("Authorization", value);
        let refused = http_unjudged(upstream.addr(), tried.encode(upstream.addr())).await;
        assert_eq!(refused.status, status);
        let body = refused.json();
        assert_eq!(body["err_code"], code);
        assert_eq!(body["request_id"], refused.header("dg-request-id").unwrap());
        assert_eq!(body["err_msg"], refused.header("dg-error").unwrap());
    }
}

async fn assemblyai(target: &str) -> Talk {
    let mut talk = Talk::at(AssemblyAi::new("key"), target).await;
    assert_eq!(talk.hear().await["type"], "Begin");
    talk
}

#[tokio::test]
async fn assemblyai_takes_turns_and_terminates() {
    let mut talk = assemblyai("/v3/ws?sample_rate=16000").await;
    talk.say_bytes(&HALF_A_SECOND).await;
    let turn = talk.hear().await;
    assert_eq!(
        (&turn["transcript"], &turn["end_of_turn"]),
        (&json!("word"), &json!(false))
    );
    talk.say(json!({"type": "ForceEndpoint"})).await;
    assert_eq!(talk.hear().await["end_of_turn"], true);
    talk.say_bytes(&HALF_A_SECOND).await;
    assert_eq!(talk.hear().await["turn_order"], 1);
    talk.say(json!({"type": "Terminate"})).await;
    assert_eq!(
        talk.types_until("Termination").await,
        ["Turn", "Termination"]
    );
    assert_eq!(talk.closed().await, 1000);
}

#[tokio::test]
async fn assemblyai_explains_before_it_closes() {
    let target = "/v3/ws?sample_rate=16000";
    for (frame, code) in [
        (Frame::binary([0; 32]), 3007),
        (Frame::binary([0; 64_000]), 3007),
        (Frame::text("no JSON"), 3006),
        (Frame::text(r#"{"type": "Nonsense"}"#), 3006),
    ] {
        let mut talk = assemblyai(target).await;
        talk.ws.send(frame).await;
        assert_eq!(talk.hear().await["error_code"], code);
        assert_eq!(talk.closed().await, code);
    }
}

/// Taken with 101, told why not, closed.
async fn told_off(mut talk: Talk) -> (Value, u16) {
    let error = talk.hear().await;
    (error, talk.closed().await)
}

#[tokio::test]
async fn assemblyai_and_elevenlabs_refuse_behind_the_101() {
    let good = "/v3/ws?sample_rate=16000";
    for (target, header, value, code) in [
        (good, "Authorization", "other", 1008),
        (good, "Authorization", "Bearer key", 1008),
        (good, "X-Api-Key", "key", 1008),
        (
            "/v3/ws?sample_rate=16000&token=key",
            "Authorization",
            "key",
            1008,
        ),
        ("/v3/ws", "Authorization", "key", 3006),
    ] {
        let talk = Talk::bringing(AssemblyAi::new("key"), target, header, value).await;
        let (error, closed) = told_off(talk).await;
        assert_eq!(
            (&error["type"], &error["error_code"]),
            (&json!("Error"), &json!(code))
        );
        assert_eq!(closed, code);
    }
    let good = "/v1/speech-to-text/realtime?model_id=m";
    for (target, header, value, kind) in [
        (good, "xi-api-key", "other", "auth_error"),
        (good, "Authorization", "Bearer key", "auth_error"),
        (
            "/v1/speech-to-text/realtime?model_id=m&token=t",
            "xi-api-key",
            "key",
            "auth_error",
        ),
        (
            "/v1/speech-to-text/realtime",
            "xi-api-key",
            "key",
            "input_error",
        ),
    ] {
        let talk = Talk::bringing(ElevenLabsStt::new("key"), target, header, value).await;
        let (error, closed) = told_off(talk).await;
        assert_eq!((&error["message_type"], closed), (&json!(kind), 1008));
        assert!(error["error"].is_string());
    }
}

#[tokio::test]
async fn elevenlabs_commits_when_told() {
    let mut talk = Talk::with(ElevenLabsStt::new("key")).await;
    let started = talk.hear().await;
    assert_eq!(started["message_type"], "session_started");
    assert_eq!(started["config"]["commit_strategy"], "manual");
    let chunk = |pcm: &[u8], commit: bool| {
        json!({
            "message_type": "input_audio_chunk", "audio_base_64": STANDARD.encode(pcm),
            "commit": commit, "sample_rate": 16_000,
        })
    };
    talk.say(chunk(&[], true)).await;
    assert_eq!(talk.hear().await["message_type"], "commit_throttled");
    talk.say(json!({"message_type": "nonsense"})).await;
    assert_eq!(talk.hear().await["message_type"], "input_error");
    talk.say(chunk(&HALF_A_SECOND, false)).await;
    let partial = talk.hear().await;
    assert_eq!(
        partial,
        json!({"message_type": "partial_transcript", "text": "word"})
    );
    talk.say(chunk(&HALF_A_SECOND, true)).await;
    let committed = talk.hear().await;
    assert_eq!(
        committed,
        json!({"message_type": "committed_transcript", "text": "word word"})
    );
    talk.ws.close(1000).await;
}
