//! Those that are not let in by a header of the vendor's own: Home Assistant by its first message,
//! iFlytek by a signature; and Kubernetes, whose subprotocols carry the browser's.

use std::sync::Arc;

use base64::{Engine as _, engine::general_purpose::STANDARD};
use serde_json::{Value, json};
use tollbridge_domain::Moment;
use tollbridge_testkit::{
    Frame, Handshake, ManualClock, Upstream, Vendor as _, http_unjudged,
    vendors::{HomeAssistant, IflytekIat, KubernetesExec},
};

use crate::{Talk, dial, handshake};

async fn home() -> Talk {
    let mut talk = Talk::with(HomeAssistant::new("token")).await;
    assert_eq!(talk.hear().await["type"], "auth_required");
    talk
}

#[tokio::test]
async fn home_assistant_asks_for_the_token_and_obeys() {
    let mut talk = home().await;
    talk.say(json!({"type": "auth", "access_token": "token"}))
        .await;
    assert_eq!(talk.hear().await["type"], "auth_ok");
    for (command, member, value) in [
        (json!({"id": 1, "type": "ping"}), "/type", json!("pong")),
        (
            json!({"id": 2, "type": "get_states"}),
            "/success",
            json!(true),
        ),
        (
            json!({"id": 2, "type": "ping"}),
            "/error/code",
            json!("id_reuse"),
        ),
        (
            json!({"id": 3, "type": "x"}),
            "/error/code",
            json!("unknown_command"),
        ),
        (
            json!({"type": "ping"}),
            "/error/code",
            json!("invalid_format"),
        ),
    ] {
        talk.say(command).await;
        assert_eq!(talk.hear().await.pointer(member), Some(&value));
    }
    talk.ws.close(1000).await;
}

#[tokio::test]
async fn home_assistant_hangs_up_on_strangers() {
    for first in [
        json!({"type": "auth", "access_token": "other"}),
        json!({"type": "auth"}),
        json!({"id": 1, "type": "ping"}),
        json!({"type": "auth", "access_token": "token", "more": 1}),
    ] {
        let mut talk = home().await;
        talk.say(first).await;
        assert_eq!(talk.hear().await["type"], "auth_invalid");
        assert_eq!(talk.closed().await, 1000);
    }
    let upstream = Upstream::behaving(HomeAssistant::new("token")).await;
    for (tried, status) in [
        (Handshake::to("/websocket"), 404),
        (Handshake::to("/api/websocket?token=t"), 401),
        (
            Handshake::to("/api/websocket").protocols(&["bearer.t"]),
            401,
        ),
        (
            Handshake::to("/api/websocket").header("Authorization", "Bearer token"),
            401,
        ),
    ] {
        let refused = http_unjudged(upstream.addr(), tried.encode(upstream.addr())).await;
        assert_eq!(refused.status, status);
    }
}

fn iflytek(clock: &ManualClock) -> IflytekIat {
    IflytekIat::new("app", "key", "secret").at(Arc::new(clock.clone()))
}

#[tokio::test]
async fn iflytek_checks_signature_and_date() {
    let clock = ManualClock::at(Moment::from_seconds(1_800_000_000));
    let vendor = iflytek(&clock);
    let upstream = Upstream::behaving(vendor.clone()).await;
    let host = upstream.addr().to_string();
    let good = vendor.target(&host);
    let foreign = IflytekIat::new("app", "key", "other").at(Arc::new(clock.clone()));
    let no_signature = format!(
        "/v2/iat?authorization=eA%3D%3D&date=Fri%2C%2015%20Jan%202027%2008%3A00%3A00%20GMT&host={host}"
    );
    for (target, status, message) in [
        ("/v2/iat".to_owned(), 401, "Unauthorized"),
        (no_signature, 401, "HMAC signature cannot be verified"),
        (foreign.target(&host), 401, "HMAC signature does not match"),
        (
            vendor.target("iat-api.xfyun.cn"),
            401,
            "HMAC signature does not match",
        ),
        (
            format!("{good}&host=x"),
            401,
            "HMAC signature cannot be verified",
        ),
    ] {
        let tried = Handshake::to(&target).encode(upstream.addr());
        let refused = http_unjudged(upstream.addr(), tried).await;
        assert_eq!(refused.status, status, "{message}");
        assert_eq!(refused.json()["message"], message);
    }
    clock.advance(300);
    assert!(dial(&upstream, Handshake::to(&good)).await.is_ok());
    clock.advance(1);
    let tried = Handshake::to(&good).encode(upstream.addr());
    assert_eq!(http_unjudged(upstream.addr(), tried).await.status, 403);
    let beside = Handshake::to(&vendor.target(&host)).header("Authorization", "Bearer key");
    let tried = beside.encode(upstream.addr());
    assert_eq!(http_unjudged(upstream.addr(), tried).await.status, 401);
}

async fn dictation() -> Talk {
    let clock = ManualClock::at(Moment::from_seconds(1_800_000_000));
    let vendor = iflytek(&clock);
    let upstream = Upstream::behaving(vendor.clone()).await;
    let target = vendor.target(&upstream.addr().to_string());
    let ws = dial(&upstream, Handshake::to(&target)).await.unwrap();
    Talk { upstream, ws }
}

fn frame(status: u8, app_id: &str, pcm: &[u8]) -> Value {
    json!({
        "common": {"app_id": app_id},
        "business": {"language": "zh_cn", "domain": "iat"},
        "data": {
            "status": status, "format": "audio/L16;rate=16000", "encoding": "raw",
            "audio": STANDARD.encode(pcm),
        },
    })
}

#[tokio::test]
async fn iflytek_takes_dictation_in_numbered_frames() {
    let mut talk = dictation().await;
    talk.say(frame(0, "app", &[7; 12_800])).await;
    let result = talk.hear().await;
    assert_eq!(
        (&result["code"], &result["data"]["status"]),
        (&json!(0), &json!(1))
    );
    assert_eq!(result["data"]["result"]["ws"][0]["cw"][0]["w"], "word");
    talk.say(frame(2, "app", b"")).await;
    assert_eq!(talk.hear().await["data"]["result"]["ls"], true);
    assert_eq!(talk.closed().await, 1000);
    for (frames, code) in [
        (vec![frame(0, "other", b"")], 10_313),
        (vec![frame(1, "app", b"")], 10_163),
        (vec![frame(0, "app", b""), frame(0, "app", b"")], 10_163),
        (vec![frame(0, "app", &[0; 32_000 * 61])], 10_114),
    ] {
        let mut talk = dictation().await;
        for frame in frames {
            talk.say(frame).await;
        }
        assert_eq!(talk.hear().await["code"], code);
        assert_eq!(talk.closed().await, 1000);
    }
}

#[tokio::test]
async fn kubernetes_runs_a_command_by_channels() {
    let mut talk = Talk::with(KubernetesExec::new("token")).await;
    assert_eq!(talk.ws.recv().await.frame().payload, [1]);
    talk.say_bytes(b"\x04{\"Width\":80,\"Height\":24}").await;
    talk.say_bytes(b"\x00hello").await;
    assert_eq!(talk.ws.recv().await.frame().payload, b"\x01hello");
    talk.say_bytes(&[255, 0]).await;
    let status = talk.ws.recv().await.frame().payload;
    assert_eq!(status[0], 3);
    assert!(String::from_utf8_lossy(&status).contains("Success"));
    assert_eq!(talk.closed().await, 1000);
    let target = "/api/v1/namespaces/n/pods/p/exec?command=false&stdout=true";
    let mut talk = Talk::at(KubernetesExec::new("token"), target).await;
    for expected in ["\u{1}", "\u{1}false\n"] {
        assert_eq!(talk.ws.recv().await.frame().as_text(), expected);
    }
    assert!(
        talk.ws
            .recv()
            .await
            .frame()
            .as_text()
            .contains("NonZeroExitCode")
    );
    assert_eq!(talk.closed().await, 1000);
}

#[tokio::test]
async fn kubernetes_wants_a_protocol_a_command_and_known_channels() {
    let vendor = KubernetesExec::new("token");
    let wants = vendor.wants();
    let upstream = Upstream::behaving(vendor).await;
    let none = wants.clone().offering(&[]);
    for tried in [
        handshake(&wants.target, &none, None),
        handshake(&wants.target, &none, None).protocols(&["channel.k8s.io"]),
        handshake("/api/v1/namespaces/n/pods/p/exec", &wants, None),
    ] {
        let refused = http_unjudged(upstream.addr(), tried.encode(upstream.addr())).await;
        assert_eq!(
            (refused.status, &refused.json()["kind"]),
            (400, &json!("Status"))
        );
    }
    for wrong in [Frame::text("x"), Frame::binary([9]), Frame::binary([])] {
        let mut talk = Talk::with(KubernetesExec::new("token")).await;
        talk.ws.send(wrong).await;
        assert_eq!(talk.ws.close_code().await, Some(1002));
    }
}
