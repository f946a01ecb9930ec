//! ElevenLabs' agents: fetch, then dial.

use base64::{Engine as _, engine::general_purpose::STANDARD};
use serde_json::json;
use tollbridge_testkit::{
    Frame, Handshake, RawWs, Response, Upstream, http_unjudged, vendors::ElevenLabsAgents,
};

use crate::{Talk, dial};

const SIGN: &str = "/v1/convai/conversation/get-signed-url?agent_id=a";

async fn sign(upstream: &Upstream, target: &str, headers: &[(&str, &str)]) -> Response {
    let to = upstream.addr();
    let mut request = format!("GET {target} HTTP/1.1\r\nHost: {to}\r\n");
    for (name, value) in headers {
        request.push_str(&format!("{name}: {value}\r\n"));
    }
    http_unjudged(to, request + "\r\n").await
}

/// Path and query of a signed URL.
async fn signed(upstream: &Upstream) -> String {
    let answer = sign(upstream, SIGN, &[("xi-api-key", "key")]).await.json();
    let url = answer["signed_url"].as_str().unwrap().to_owned();
    let start = format!("ws://{}", upstream.addr());
    url.strip_prefix(&start).unwrap().to_owned()
}

fn convai(target: &str) -> Handshake {
    Handshake::to(target)
        .protocols(&["convai"])
        .keeps("request-id")
}

async fn opened(upstream: Upstream) -> Talk {
    let target = signed(&upstream).await;
    let ws: RawWs = dial(&upstream, convai(&target)).await.unwrap();
    assert_eq!(ws.protocol(), Some("convai"));
    Talk { upstream, ws }
}

#[tokio::test]
async fn a_signed_url_opens_one_conversation() {
    let upstream = Upstream::behaving(ElevenLabsAgents::new("key")).await;
    let target = signed(&upstream).await;
    assert!(dial(&upstream, convai(&target)).await.is_ok());
    for wrong in [
        target.as_str(),
        "/v1/convai/conversation?agent_id=a",
        "/v1/convai/conversation?agent_id=a&conversation_signature=guessed",
    ] {
        let tried = convai(wrong).encode(upstream.addr());
        assert_eq!(
            http_unjudged(upstream.addr(), tried).await.status,
            403,
            "{wrong}"
        );
    }
    let target = signed(&upstream).await;
    for tried in [
        convai(&format!("{target}&token=t")),
        convai(&target).header("xi-api-key", "key"),
        Handshake::to(&target).protocols(&["convai", "bearer.t"]),
    ] {
        let tried = tried.encode(upstream.addr());
        assert_eq!(http_unjudged(upstream.addr(), tried).await.status, 403);
    }
    assert!(
        dial(&upstream, convai(&target)).await.is_ok(),
        "still unused"
    );
}

#[tokio::test]
async fn a_url_is_signed_for_the_key() {
    let upstream = Upstream::behaving(ElevenLabsAgents::new("key")).await;
    let path = "/v1/convai/conversation/get-signed-url";
    let key = ("xi-api-key", "key");
    for (target, headers, status, kind) in [
        (SIGN, &[][..], 401, "needs_authorization"),
        (SIGN, &[("xi-api-key", "other")], 401, "invalid_api_key"),
        (SIGN, &[key, key], 401, "invalid_api_key"),
        (path, &[key], 422, "missing_agent"),
    ] {
        let refused = sign(&upstream, target, headers).await;
        assert_eq!(refused.status, status);
        assert_eq!(refused.json()["detail"]["status"], kind);
    }
}

#[tokio::test]
async fn an_agent_listens_and_answers() {
    let mut talk = opened(Upstream::behaving(ElevenLabsAgents::new("key")).await).await;
    talk.say(json!({"type": "conversation_initiation_client_data"}))
        .await;
    let begun = talk.types_until("audio").await;
    let expected = [
        "conversation_initiation_metadata",
        "ping",
        "agent_response",
        "audio",
    ];
    assert_eq!(begun, expected);
    talk.say(json!({"type": "pong", "event_id": 1})).await;
    let chunk = json!({"user_audio_chunk": STANDARD.encode([7; 32_000])});
    talk.say(chunk).await;
    let heard = talk.hear().await;
    assert_eq!(
        heard["user_transcription_event"]["user_transcript"],
        "word word"
    );
    talk.types_until("ping").await;
    talk.say(json!({"type": "user_message", "text": "x"})).await;
    assert_eq!(talk.hear().await["type"], "agent_response");
    talk.ws.close(1000).await;
    assert_eq!(talk.upstream.ended(2).await[1].audio.bytes, 32_000);
}

#[tokio::test]
async fn an_agent_hangs_up_on_nonsense() {
    let begin = json!({"type": "conversation_initiation_client_data"}).to_string();
    for said in [
        vec![json!({"type": "pong"}).to_string()],
        vec![begin.clone(), "no JSON".to_owned()],
        vec![
            begin.clone(),
            json!({"type": "pong", "event_id": 99}).to_string(),
        ],
        vec![begin, json!({"user_audio_chunk": "!"}).to_string()],
    ] {
        let mut talk = opened(Upstream::behaving(ElevenLabsAgents::new("key")).await).await;
        for message in said {
            talk.ws.send(Frame::text(message)).await;
        }
        assert_eq!(talk.ws.close_code().await, Some(1008));
    }
}
