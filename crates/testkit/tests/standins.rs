//! The stand-ins do what the vendors' documents say.
#![expect(
    clippy::unwrap_used,
    reason = "helpers of tests report a broken assumption by a panic"
)]

use std::time::Duration;

use base64::{Engine as _, engine::general_purpose::STANDARD};
use serde_json::{Value, json};
use tollbridge_testkit::{
    Event, Frame, Handshake, RawWs, Upstream, http_unjudged, sha256_hex,
    vendors::{AzureVoiceLive, DoubaoAsr},
};

const CONNECT_ID: &str = "7f3c1f0e-3b0c-4c53-9b8a-5f6a6a3f1c11";
const PATH: &str = "/api/v3/sauc/bigmodel";

async fn doubao() -> Upstream {
    let doubao = DoubaoAsr::new("app", "access", "volc.bigasr.sauc.duration");
    Upstream::behaving(doubao.patient(Duration::from_secs(3))).await
}

fn doubao_handshake() -> Handshake {
    Handshake::to(PATH)
        .header("X-Api-App-Key", "app")
        .header("X-Api-Access-Key", "access")
        .header("X-Api-Resource-Id", "volc.bigasr.sauc.duration")
        .header("X-Api-Connect-Id", CONNECT_ID)
        .keeps("X-Tt-Logid")
        .keeps("X-Api-Connect-Id")
}

fn packet(kind_and_flags: u8, payload: &[u8]) -> Frame {
    let mut bytes = vec![0x11, kind_and_flags, 0x10, 0];
    bytes.extend_from_slice(&u32::try_from(payload.len()).unwrap().to_be_bytes());
    bytes.extend_from_slice(payload);
    Frame::binary(bytes)
}

fn request() -> Frame {
    let request = json!({"audio": {"format": "pcm"}, "request": {"model_name": "bigmodel"}});
    packet(0x10, request.to_string().as_bytes())
}

/// Sequence and JSON of an answer.
fn answer(event: Event) -> (i32, Value) {
    let bytes = event.frame().payload;
    let sequence = i32::from_be_bytes(bytes[4..8].try_into().unwrap());
    (sequence, serde_json::from_slice(&bytes[12..]).unwrap())
}

fn error_code(event: Event) -> u32 {
    let bytes = event.frame().payload;
    assert_eq!(bytes[1], 0xf0);
    u32::from_be_bytes(bytes[4..8].try_into().unwrap())
}

#[tokio::test]
async fn doubao_recognises_what_it_hears() {
    let upstream = doubao().await;
    let mut ws = RawWs::connect(upstream.addr(), doubao_handshake())
        .await
        .unwrap();
    assert_eq!(ws.header_values("x-tt-logid").len(), 1);
    assert_eq!(ws.header_values("x-api-connect-id"), [CONNECT_ID]);
    ws.send(request()).await;
    assert_eq!(answer(ws.recv().await).0, 1);
    let audio = vec![7; 32 * 400];
    ws.send(packet(0x20, &audio)).await;
    let (sequence, heard) = answer(ws.recv().await);
    assert_eq!((sequence, &heard["result"]["text"]), (2, &json!("word")));
    ws.send(packet(0x22, b"")).await;
    let (sequence, heard) = answer(ws.recv().await);
    assert_eq!(sequence, -3);
    assert_eq!(heard["audio_info"]["duration"], 400);
    assert_eq!(ws.close_code().await, Some(1000));
    let dials = upstream.until(|dials| dials[0].audio.bytes > 0).await;
    assert_eq!(dials[0].audio.sha256(), sha256_hex(&audio));
}

#[tokio::test]
async fn doubao_complains_in_error_frames() {
    for (frames, code) in [
        (vec![packet(0x20, b"early")], 45_000_001),
        (vec![request(), request()], 45_000_001),
        (vec![request(), packet(0x22, b"")], 45_000_002),
        (vec![request()], 45_000_081),
    ] {
        let upstream = doubao().await;
        let mut ws = RawWs::connect(upstream.addr(), doubao_handshake())
            .await
            .unwrap();
        let answers = frames.len() - usize::from(code != 45_000_081);
        for frame in frames {
            ws.send(frame).await;
        }
        for _ in 0..answers {
            answer(ws.recv().await);
        }
        assert_eq!(error_code(ws.recv().await), code);
    }
}

#[tokio::test]
async fn doubao_is_strict_about_its_headers() {
    let upstream = doubao().await;
    for (handshake, status, code) in [
        (Handshake::to(PATH), 401, "45000010"),
        (
            doubao_handshake().header("X-Api-App-Key", "app"),
            401,
            "45000010",
        ),
        (
            Handshake::to(PATH)
                .header("X-Api-App-Key", "app")
                .header("X-Api-Access-Key", "access")
                .header("X-Api-Resource-Id", "other"),
            403,
            "45000030",
        ),
        (
            doubao_handshake().header("X-Api-Request-Id", "no uuid"),
            400,
            "45000001",
        ),
    ] {
        let refused = http_unjudged(upstream.addr(), handshake.encode(upstream.addr())).await;
        assert_eq!(refused.status, status);
        assert_eq!(refused.header("x-api-status-code"), Some(code));
    }
}

const LIVE: &str = "/voice-live/realtime?api-version=2025-10-01&model=gpt-realtime";

async fn azure() -> Upstream {
    Upstream::behaving(AzureVoiceLive::keyed("key")).await
}

fn event(event: Event) -> Value {
    serde_json::from_str(event.frame().as_text()).unwrap()
}

#[tokio::test]
async fn azure_speaks_first_and_hears_audio() {
    let upstream = azure().await;
    let handshake = Handshake::to(LIVE)
        .header("api-key", "key")
        .keeps("apim-request-id");
    let mut ws = RawWs::connect(upstream.addr(), handshake).await.unwrap();
    let created = event(ws.recv().await);
    assert_eq!(created["type"], "session.created");
    assert_eq!(created["session"]["model"], "gpt-realtime");
    let audio = STANDARD.encode([7; 6_400]);
    let append = json!({"type": "input_audio_buffer.append", "audio": audio});
    for _ in 0..5 {
        ws.send(Frame::text(append.to_string())).await;
    }
    assert_eq!(
        event(ws.recv().await)["type"],
        "input_audio_buffer.speech_started"
    );
    assert_eq!(event(ws.recv().await)["delta"], audio);
    ws.send(Frame::text("{}")).await;
    assert_eq!(event(ws.recv().await)["error"]["code"], "invalid_event");
    ws.close(1000).await;
    let dials = upstream.ended(1).await;
    assert_eq!(dials[0].audio.sha256(), sha256_hex(&[7; 5 * 6_400]));
    assert_eq!(dials[0].sent.messages, 4);
}

#[tokio::test]
async fn azure_is_strict_about_key_and_query() {
    let upstream = azure().await;
    for (target, key, status) in [
        ("/realtime", "key", 404),
        (LIVE, "other", 401),
        ("/voice-live/realtime?api-version=2025-10-01", "key", 400),
        (
            "/voice-live/realtime?api-version=1&model=a&model=b",
            "key",
            400,
        ),
        (
            "/voice-live/realtime?api-version=1&model=a&api-key=key",
            "key",
            401,
        ),
    ] {
        let handshake = Handshake::to(target).header("api-key", key);
        let refused = http_unjudged(upstream.addr(), handshake.encode(upstream.addr())).await;
        assert_eq!(refused.status, status, "{target}");
    }
}

#[tokio::test]
async fn an_echo_sends_back_frames_as_they_came() {
    let upstream = Upstream::echo("x-key", "k").await;
    let handshake = Handshake::to("/a?b=c%20d").header("X-Key", "k");
    let mut ws = RawWs::connect(upstream.addr(), handshake).await.unwrap();
    for frame in [
        Frame::text("one").more(),
        Frame::continuation("two"),
        Frame::binary([0; 70_000]).rsv(4),
    ] {
        ws.send(frame.clone()).await;
        assert_eq!(ws.recv().await, Event::Frame(frame));
    }
    ws.send(Frame::ping("p")).await;
    assert_eq!(ws.recv().await, Event::Frame(Frame::pong("p")));
    ws.close(4321).await;
    let dial = upstream.ended(1).await.remove(0);
    assert_eq!(dial.path, "/a");
    assert_eq!(dial.query_values("b"), ["c d"]);
    assert_eq!(dial.frames.len(), 5);
    assert_eq!(dial.received.bytes, 70_006);
}
