//! xAI and DashScope, who speak OpenAI's events, and Mistral, who nearly does.

use base64::{Engine as _, engine::general_purpose::STANDARD};
use serde_json::json;
use tollbridge_testkit::vendors::{DashScopeRealtime, MistralRealtime, XaiRealtime};

use crate::Talk;

#[tokio::test]
async fn xai_responds_and_is_easy_to_please() {
    let mut talk = Talk::with(XaiRealtime::new("key")).await;
    assert_eq!(talk.hear().await["type"], "session.created");
    talk.say(json!({"type": "session.update", "session": {"voice": "Ara"}}))
        .await;
    assert_eq!(talk.hear().await["session"]["voice"], "Ara");
    talk.say(json!({"type": "response.create"})).await;
    let types = talk.types_until("response.done").await;
    assert!(types.iter().any(|it| it == "response.output_audio.delta"));
    talk.say(json!({"type": "x"})).await;
    assert_eq!(talk.hear().await["type"], "error");
}

#[tokio::test]
async fn dashscope_keeps_to_the_events_of_the_preview() {
    let mut talk = Talk::with(DashScopeRealtime::new("key")).await;
    let created = talk.hear().await;
    assert_eq!(created["session"]["model"], "qwen3-omni-flash-realtime");
    talk.say(json!({"type": "session.update", "session": {"modalities": ["text"]}}))
        .await;
    assert_eq!(talk.hear().await["type"], "session.updated");
    talk.say(json!({"type": "response.create"})).await;
    let types = talk.types_until("response.done").await;
    assert!(types.iter().any(|it| it == "response.text.delta"));
    talk.say(json!({"type": "x"})).await;
    assert_eq!(talk.hear().await["type"], "error");
}

#[tokio::test]
async fn mistral_writes_down_what_is_appended() {
    let mut talk = Talk::with(MistralRealtime::new("key")).await;
    assert_eq!(talk.hear().await["type"], "session.created");
    let format = json!({"encoding": "pcm_s16le", "sample_rate": 8_000});
    let update = json!({"type": "session.update", "session": {"audio_format": format}});
    talk.say(update.clone()).await;
    assert_eq!(talk.hear().await["session"]["audio_format"], format);
    let audio = STANDARD.encode([7; 6_400]);
    talk.say(json!({"type": "input_audio.append", "audio": audio}))
        .await;
    let heard = talk.types_until("transcription.text.delta").await;
    assert_eq!(
        heard,
        ["transcription.language", "transcription.text.delta"]
    );
    for wrong in [
        update,
        json!({"type": "x"}),
        json!({"type": "input_audio.append"}),
    ] {
        talk.say(wrong).await;
        assert_eq!(talk.hear().await["type"], "error");
    }
    talk.say(json!({"type": "input_audio.end"})).await;
    assert_eq!(talk.hear().await["text"], "word");
    assert_eq!(talk.closed().await, 1000);
}
