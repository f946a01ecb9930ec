//! Doubao's paths and its new console; the rest is in `tests/standins.rs`.

use serde_json::{Value, json};
use tollbridge_testkit::{Upstream, Vendor as _, http_unjudged, vendors::DoubaoAsr};

use crate::{Talk, handshake};

const RESOURCE: &str = "volc.bigasr.sauc.duration";

fn packet(kind_and_flags: u8, payload: &[u8]) -> Vec<u8> {
    let size = u32::try_from(payload.len()).unwrap().to_be_bytes();
    [&[0x11, kind_and_flags, 0x10, 0], &size[..], payload].concat()
}

/// Sends this many milliseconds of audio.
async fn speak(talk: &mut Talk, milliseconds: usize, last: bool) {
    let kind = if last { 0x22 } else { 0x20 };
    let audio = vec![7; 32 * milliseconds];
    talk.say_bytes(&packet(kind, &audio)).await;
}

/// Sequence and duration of the next answer.
async fn answer(talk: &mut Talk) -> (i32, Value) {
    let bytes = talk.ws.recv_data().await.frame().payload;
    let sequence = i32::from_be_bytes(bytes[4..8].try_into().unwrap());
    let said: Value = serde_json::from_slice(&bytes[12..]).unwrap();
    (sequence, said["audio_info"]["duration"].clone())
}

/// After the request, which all of them answer.
async fn begun(path: &str) -> Talk {
    let vendor = DoubaoAsr::keyed("key", RESOURCE);
    let mut talk = Talk::at(vendor, &format!("/api/v3/sauc/{path}")).await;
    let request = json!({"audio": {"format": "pcm"}, "request": {"model_name": "bigmodel"}});
    talk.say_bytes(&packet(0x10, request.to_string().as_bytes()))
        .await;
    assert_eq!(answer(&mut talk).await, (1, json!(0)));
    talk
}

#[tokio::test]
async fn each_path_has_its_pace() {
    for (path, answers) in [
        (
            "bigmodel",
            &[(2, 200), (3, 400), (4, 600), (-5, 16_600)][..],
        ),
        ("bigmodel_async", &[(2, 400), (-3, 16_600)]),
        ("bigmodel_nostream", &[(-2, 16_600)]),
    ] {
        let mut talk = begun(path).await;
        for _ in 0..3 {
            speak(&mut talk, 200, false).await;
        }
        speak(&mut talk, 16_000, true).await;
        for &(sequence, milliseconds) in answers {
            assert_eq!(
                answer(&mut talk).await,
                (sequence, json!(milliseconds)),
                "{path}"
            );
        }
        assert_eq!(talk.closed().await, 1000);
    }
    let mut talk = begun("bigmodel_nostream").await;
    speak(&mut talk, 15_000, false).await;
    assert_eq!(answer(&mut talk).await, (2, json!(15_000)));
}

#[tokio::test]
async fn the_new_console_has_one_key_and_names_requests() {
    let vendor = DoubaoAsr::keyed("key", RESOURCE);
    let wants = vendor.wants();
    let upstream = Upstream::behaving(vendor).await;
    let good = || handshake(&wants.target, &wants, None);
    for (tried, status, code) in [
        (good().header("X-Api-App-Key", "key"), 401, "45000010"),
        (good().header("X-Api-Access-Key", "key"), 401, "45000010"),
        (good().header("X-Api-Key", "key"), 401, "45000010"),
        (
            good().header("X-Api-Connect-Id", "no uuid"),
            400,
            "45000001",
        ),
        (
            handshake(&wants.target, &wants, Some("X-Api-Request-Id")),
            400,
            "45000001",
        ),
        (
            handshake(&wants.target, &wants, Some("X-Api-Resource-Id")),
            403,
            "45000030",
        ),
    ] {
        let refused = http_unjudged(upstream.addr(), tried.encode(upstream.addr())).await;
        assert_eq!(
            (refused.status, refused.header("x-api-status-code")),
            (status, Some(code))
        );
        assert!(refused.header("x-tt-logid").is_some());
        assert_eq!(refused.json()["code"].to_string(), code);
    }
}
