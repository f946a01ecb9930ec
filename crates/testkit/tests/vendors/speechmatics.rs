//! Speechmatics.

use serde_json::{Value, json};
use tollbridge_testkit::{Frame, vendors::Speechmatics};

use crate::Talk;

fn start() -> Value {
    json!({
        "message": "StartRecognition",
        "audio_format": {"type": "raw", "encoding": "pcm_s16le", "sample_rate": 16_000},
        "transcription_config": {"language": "en", "enable_partials": true},
    })
}

#[tokio::test]
async fn audio_is_counted_and_written_down() {
    let mut talk = Talk::with(Speechmatics::new("key")).await;
    talk.say(start()).await;
    assert_eq!(talk.hear().await["message"], "RecognitionStarted");
    for number in 1..=2 {
        talk.say_bytes(&[7; 16_000]).await;
        let added = talk.hear().await;
        assert_eq!(added, json!({"message": "AudioAdded", "seq_no": number}));
        let transcript = talk.hear().await;
        let expected = ["AddPartialTranscript", "AddTranscript"][number - 1];
        assert_eq!(transcript["message"], expected);
    }
    talk.say(json!({"message": "EndOfStream", "last_seq_no": 2}))
        .await;
    assert_eq!(talk.hear().await["message"], "AddTranscript");
    assert_eq!(talk.hear().await["message"], "EndOfTranscript");
    assert_eq!(talk.closed().await, 1000);
}

#[tokio::test]
async fn what_is_out_of_order_is_an_error_and_the_end() {
    let begun = Frame::text(start().to_string());
    let text = |event: Value| Frame::text(event.to_string());
    for (said, kind) in [
        (vec![Frame::binary("audio")], "protocol_error"),
        (vec![begun.clone(), begun.clone()], "protocol_error"),
        (
            vec![text(json!({"message": "StartRecognition"}))],
            "invalid_config",
        ),
        (
            vec![begun.clone(), text(json!({"message": "x"}))],
            "invalid_message",
        ),
        (
            vec![
                begun,
                text(json!({"message": "EndOfStream", "last_seq_no": 7})),
            ],
            "protocol_error",
        ),
    ] {
        let mut talk = Talk::with(Speechmatics::new("key")).await;
        for frame in said {
            talk.ws.send(frame).await;
        }
        let mut last = talk.hear().await;
        if last["message"] == "RecognitionStarted" {
            last = talk.hear().await;
        }
        assert_eq!(
            (&last["message"], &last["type"]),
            (&json!("Error"), &json!(kind))
        );
        assert_eq!(talk.closed().await, 1008);
    }
}
