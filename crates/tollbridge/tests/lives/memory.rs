//! Memory that peers cannot make grow.

use tollbridge_testkit::{Behaviour, Frame, LengthForm, Upstream};

use crate::house::{House, route, told_to_go};

const MIB: u64 = 1024 * 1024;

/// The most memory that the server ever held, in bytes.
fn peak(house: &House) -> u64 {
    let status = format!("/proc/{}/status", house.server.pid());
    let status = std::fs::read_to_string(status).unwrap();
    let line = status.lines().find(|line| line.starts_with("VmHWM:"));
    let kilobytes = line.and_then(|line| line.split_whitespace().nth(1));
    kilobytes.unwrap().parse::<u64>().unwrap() * 1024
}

/// R04: a length is judged when the header is read, not when the payload has come.
#[tokio::test]
async fn a_frame_that_declares_too_much_is_refused_before_its_payload() {
    let upstream = Upstream::behaving(Behaviour::Echo).await;
    let house = House::with(&[route("echo", &upstream, "limits.max_frame = \"1MiB\"")]).await;
    house.session("echo").await.close(1000).await;
    let before = peak(&house);
    for declared in [MIB + 1, 1 << 32, 1 << 40, (1 << 63) - 1] {
        let mut ws = house.session("echo").await;
        let frame = Frame::binary(vec![7; 4 * 1024 * 1024]).masked([1, 2, 3, 4]);
        let bytes = frame.encode_as(Some(declared), LengthForm::SixtyFour);
        // The rest need not be taken.
        let _taken = ws.try_send_raw(&bytes).await;
        told_to_go(&mut ws, 1009, "message_too_big").await;
    }
    let grown = peak(&house) - before;
    assert!(grown < 8 * MIB, "grown by {grown}");
    let dials = upstream.ended(5).await;
    assert!(dials.iter().all(|dial| dial.received.bytes == 0));
}

/// R04, from an upstream that means harm.
#[tokio::test]
async fn an_upstreams_frame_that_declares_too_much_is_refused_before_its_payload() {
    let frame = Frame::binary(vec![7; 4 * 1024 * 1024]);
    let bytes = frame.encode_as(Some(1 << 40), LengthForm::SixtyFour);
    let upstream = Upstream::behaving(Behaviour::Raw(bytes)).await;
    let house = House::with(&[route("vendor", &upstream, "")]).await;
    let before = peak(&house);
    let mut ws = house.session("vendor").await;
    told_to_go(&mut ws, 1009, "message_too_big").await;
    let grown = peak(&house) - before;
    assert!(grown < 8 * MIB, "grown by {grown}");
}

/// R10: 256 MiB are offered to a client that reads nothing, until it is given up.
#[tokio::test]
async fn a_client_that_does_not_read_costs_no_memory() {
    let frame = Frame::binary(vec![7; 1024 * 1024]).encode();
    let upstream = Upstream::behaving(Behaviour::Raw(frame.repeat(256))).await;
    let limit = "limits.write_timeout = \"3s\"";
    let house = House::with(&[route("flood", &upstream, limit)]).await;
    let before = peak(&house);
    let _reads_nothing = house.session("flood").await;
    let end = house.ended("flood").await;
    assert_eq!(end["reason"], "write_timeout");
    let grown = peak(&house) - before;
    assert!(grown < 30 * MIB, "grown by {grown}");
    let taken = end["bytes_down"].as_u64().unwrap();
    assert!(taken < 32 * MIB, "{taken} bytes were read for nobody");
}

/// R10, the other direction.
#[tokio::test]
async fn an_upstream_that_does_not_read_costs_no_memory() {
    let upstream = Upstream::behaving(Behaviour::ReadsNothing).await;
    let limit = "limits.write_timeout = \"3s\"";
    let house = House::with(&[route("deaf", &upstream, limit)]).await;
    let before = peak(&house);
    let mut ws = house.session("deaf").await;
    let frame = Frame::binary(vec![7; 1024 * 1024]).masked([1, 2, 3, 4]);
    // Cut off at the end of patience.
    let _taken = ws.try_send_raw(&frame.encode().repeat(256)).await;
    let end = house.ended("deaf").await;
    assert_eq!(end["reason"], "write_timeout");
    let grown = peak(&house) - before;
    assert!(grown < 30 * MIB, "grown by {grown}");
    let taken = end["bytes_up"].as_u64().unwrap();
    assert!(taken < 32 * MIB, "{taken} bytes were read for nobody");
}
