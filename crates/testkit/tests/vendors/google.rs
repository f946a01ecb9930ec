//! Gemini Live and Vertex Live.

use base64::{Engine as _, engine::general_purpose::STANDARD};
use serde_json::{Value, json};
use tollbridge_testkit::{
    Event, Frame, Upstream, Vendor as _, http_unjudged,
    vendors::{GeminiLive, VertexLive},
};

use crate::{Talk, handshake};

fn setup(model: &str) -> Value {
    json!({"setup": {"model": model, "generationConfig": {"responseModalities": ["AUDIO"]}}})
}

#[tokio::test]
async fn gemini_is_set_up_and_takes_turns() {
    let mut talk = Talk::with(GeminiLive::new("key")).await;
    talk.say(setup("models/gemini-live")).await;
    assert!(talk.hear().await["setupComplete"].is_object());
    let audio = json!({"data": STANDARD.encode([7; 16_000]), "mimeType": "audio/pcm;rate=16000"});
    for _ in 0..2 {
        talk.say(json!({"realtimeInput": {"audio": audio}})).await;
    }
    let turn = talk.hear().await;
    let said = &turn["serverContent"]["modelTurn"]["parts"][0]["inlineData"];
    assert_eq!(said["mimeType"], "audio/pcm;rate=24000");
    assert_eq!(
        talk.hear().await["serverContent"]["generationComplete"],
        true
    );
    assert_eq!(talk.hear().await["serverContent"]["turnComplete"], true);
    talk.say(json!({"clientContent": {"turns": [], "turnComplete": true}}))
        .await;
    assert!(talk.hear().await["serverContent"]["modelTurn"].is_object());
    talk.ws.close(1000).await;
    assert_eq!(talk.upstream.ended(1).await[0].audio.bytes, 32_000);
}

#[tokio::test]
async fn google_closes_on_what_it_does_not_understand() {
    let good = setup("models/m");
    for (said, code) in [
        (vec![json!({"clientContent": {}})], 1007),
        (vec![setup("m")], 1008),
        (vec![good.clone(), good.clone()], 1007),
        (vec![good.clone(), json!({"nonsense": {}})], 1007),
        (
            vec![
                good.clone(),
                json!({"realtimeInput": {"audio": {"data": "!"}}}),
            ],
            1007,
        ),
        (vec![json!([])], 1007),
    ] {
        let mut talk = Talk::with(GeminiLive::new("key")).await;
        for event in &said {
            talk.say(event.clone()).await;
        }
        assert_eq!(talk.ws.close_code().await, Some(code), "{said:?}");
    }
}

#[tokio::test]
async fn json_goes_out_in_binary_where_that_is_wanted() {
    let mut gemini = Talk::with(GeminiLive::new("key").in_binary()).await;
    gemini.say(setup("models/m")).await;
    let mut vertex = Talk::with(VertexLive::new("token")).await;
    let model = "projects/p/locations/l/publishers/google/models/m";
    vertex
        .ws
        .send(Frame::binary(setup(model).to_string()))
        .await;
    for mut talk in [gemini, vertex] {
        let Event::Frame(frame) = talk.ws.recv_data().await else {
            panic!("no answer");
        };
        assert_eq!(frame.opcode, Frame::binary("").opcode);
    }
}

#[tokio::test]
async fn google_refuses_with_its_own_codes() {
    let gemini = GeminiLive::new("key");
    let wants = gemini.wants();
    let upstream = Upstream::behaving(gemini).await;
    let path = wants.target.clone();
    let header = "x-goog-api-key";
    for (target, value, status, kind) in [
        (path.clone(), None, 403, "PERMISSION_DENIED"),
        (path.clone(), Some("other"), 400, "INVALID_ARGUMENT"),
        (
            format!("{path}?key=key"),
            Some("key"),
            400,
            "INVALID_ARGUMENT",
        ),
        (
            format!("{path}?access_token=t"),
            Some("key"),
            400,
            "INVALID_ARGUMENT",
        ),
        (format!("/{path}"), Some("key"), 404, "NOT_FOUND"),
        (format!("{path}Constrained"), Some("key"), 404, "NOT_FOUND"),
        (path.replace("v1beta", "v1"), Some("key"), 404, "NOT_FOUND"),
    ] {
        let bare = handshake(&target, &wants, Some(header));
        let tried = match value {
            Some(value) => bare.header(header, value),
            None => bare,
        };
        let refused = http_unjudged(upstream.addr(), tried.encode(upstream.addr())).await;
        assert_eq!(refused.status, status, "{target} {value:?}");
        assert_eq!(refused.json()["error"]["status"], kind);
    }
    let vertex = VertexLive::new("token");
    let wants = vertex.wants();
    let upstream = Upstream::behaving(vertex).await;
    let tried = handshake(&wants.target, &wants, Some("Authorization"));
    let refused = http_unjudged(upstream.addr(), tried.encode(upstream.addr())).await;
    assert_eq!(refused.json()["error"]["status"], "UNAUTHENTICATED");
    assert!(refused.header("www-authenticate").is_some());
}
