//! Doubao's binary packets, whatever frames they come in, byte for byte both ways; and the number
//! by which its support finds a session.

use serde_json::{Value, json};
use tollbridge_testkit::{
    Behaviour, Event, Frame, Handshake, RawWs, Upstream, sha256_hex, vendors::DoubaoAsr,
};

use crate::{
    packets::Form,
    stage::{House, PAGE, Plan, leave},
};

const APP: &str = "real-doubao-app-1";
const ACCESS: &str = "real-doubao-access-1";
const RESOURCE: &str = "volc.bigasr.sauc.duration";

const TEXT: u8 = 1;
const BINARY: u8 = 2;

async fn between(upstream: &Upstream, more: &str) -> House {
    let lines = format!(
        "preset = \"doubao-asr\"\nupstream = \"{}/api/v3/sauc/{{mode}}\"\n{more}",
        upstream.url()
    );
    let plan = Plan::default().env("DOUBAO_APP_KEY", APP);
    let plan = plan.env("DOUBAO_ACCESS_KEY", ACCESS);
    plan.route("asr", &lines).start().await
}

/// As the vendor's own web demo brings its token.
async fn handshake(house: &House) -> Handshake {
    let body = json!({"route": "asr", "params": {"mode": "bigmodel"}});
    let token = house.mint_with(&body).await;
    let path = format!("/api/v3/sauc/bigmodel?api_access_key=Jwt;%20{token}");
    Handshake::to(&path).origin(PAGE).keeps("x-tt-logid")
}

async fn speak(ws: &mut RawWs, packets: &[Vec<u8>], opcode: u8) {
    for (number, packet) in packets.iter().enumerate() {
        let whole = Frame::new(opcode, packet);
        if number != 1 {
            ws.send(whole).await;
            continue;
        }
        // One of them in parts.
        let (front, rest) = packet.split_at(packet.len() / 3);
        ws.send(Frame::new(opcode, front).more()).await;
        ws.send(Frame::continuation(rest)).await;
    }
}

#[tokio::test]
async fn packets_pass_byte_for_byte_in_every_form() {
    let upstream = Upstream::behaving(DoubaoAsr::new(APP, ACCESS, RESOURCE)).await;
    let house = between(&upstream, "").await;
    let mut sessions = 0;
    for form in Form::all() {
        for opcode in [BINARY, TEXT] {
            sessions += 1;
            let what = format!("{form:?} as {opcode}");
            let mut ws = house.open(handshake(&house).await).await;
            let packets = form.conversation();
            speak(&mut ws, &packets, opcode).await;
            let mut heard = Vec::new();
            let close = loop {
                match ws.recv_data().await {
                    Event::Frame(frame) if frame.opcode == BINARY => heard.push(frame.payload),
                    Event::Frame(frame) => break frame.close_parts(),
                    other => panic!("{what}: {other:?}"),
                }
            };
            assert_eq!(close.map(|(code, _)| code), Some(1000), "{what}");
            leave(ws).await;
            let dials = upstream.ended(sessions).await;
            let dial = dials.last().unwrap();
            let sent: Vec<u8> = packets.concat();
            assert_eq!(dial.received.sha256(), sha256_hex(&sent), "{what}");
            let opcodes: Vec<u8> = dial.frames.iter().map(|frame| frame.opcode).collect();
            assert_eq!(opcodes[..5], [opcode, opcode, 0, opcode, opcode], "{what}");
            assert_eq!(heard.len(), 4, "{what}");
            assert_eq!(dial.sent.sha256(), sha256_hex(&heard.concat()), "{what}");
            // An answer to each, the last with a negative sequence, compressed as was asked.
            for (number, packet) in heard.iter().enumerate() {
                let flags = if number == 3 { 0x93 } else { 0x91 };
                assert_eq!(packet[..2], [0x11, flags], "{what}: {packet:?}");
                assert_eq!(packet[2] & 1, u8::from(form.gzip), "{what}");
            }
        }
    }
    house.end().await;
}

/// RFC 6455 wants UTF-8 in text; what lies in it is between the two ends.
#[tokio::test]
async fn text_that_is_no_text_passes_both_ways() {
    let upstream = Upstream::behaving(Behaviour::Echo).await;
    let house = between(&upstream, "").await;
    let mut ws = house.open(handshake(&house).await).await;
    for form in Form::all() {
        for packet in form.conversation() {
            for opcode in [TEXT, BINARY] {
                ws.send(Frame::new(opcode, &packet)).await;
                let back = ws.recv_data().await.frame();
                assert_eq!((back.opcode, &back.payload), (opcode, &packet));
            }
        }
    }
    leave(ws).await;
    house.end().await;
}

#[tokio::test]
async fn the_vendors_number_of_a_session_is_in_the_log_and_in_the_answer() {
    let upstream = Upstream::behaving(DoubaoAsr::new(APP, ACCESS, RESOURCE)).await;
    let house = between(&upstream, "").await;
    let ws = house.open(handshake(&house).await).await;
    let numbers = ws.header_values("x-tt-logid");
    assert_eq!(numbers.len(), 1);
    let number = format!("x-tt-logid={}", numbers[0]);
    let tells = |line: &Value| line["upstream_request_id"].to_string().contains(&number);
    house.logged("session.opened", tells).await;
    assert!(ws.header_values("x-api-connect-id").is_empty());
    leave(ws).await;
    house.end().await;
}

#[tokio::test]
async fn the_vendors_number_of_a_refusal_is_in_the_log_and_in_the_answer() {
    let upstream = Upstream::behaving(DoubaoAsr::new(APP, ACCESS, RESOURCE)).await;
    let more = "credentials.headers.X-Api-Resource-Id = { plain = \"volc.seedasr\" }\n";
    let house = between(&upstream, more).await;
    let mut ws = house.open(handshake(&house).await).await;
    let number = ws.header_values("x-tt-logid").concat();
    assert_eq!(ws.close_code().await, Some(1014));
    let told = house
        .logged("upstream.failed", |line| line["status"] == 403)
        .await;
    assert!(!number.is_empty() && told["upstream_request_id"].to_string().contains(&number));
    assert!(
        told["upstream_body"].to_string().contains("not granted"),
        "{told}"
    );
    house.end().await;
}
