//! Clients that vanish, and peers that do not answer.

use tollbridge_testkit::{Behaviour, Event, Frame, Upstream};

use crate::house::{House, route, upstream_told};

async fn echoing() -> (Upstream, House) {
    let upstream = Upstream::behaving(Behaviour::Echo).await;
    let house = House::with(&[route("echo", &upstream, "")]).await;
    (upstream, house)
}

#[tokio::test]
async fn a_client_that_breaks_off_is_1001_to_the_upstream() {
    let (upstream, house) = echoing().await;
    let mut ws = house.session("echo").await;
    ws.echo("still here").await;
    ws.reset();
    upstream_told(&upstream, Some(1001)).await;
    let end = house.ended("echo").await;
    assert_eq!(
        (&end["initiator"], &end["clean"]),
        (&"client".into(), &false.into())
    );
    house.empty().await;
}

#[tokio::test]
async fn a_client_that_ends_its_half_is_1001_to_the_upstream() {
    let (upstream, house) = echoing().await;
    let mut ws = house.session("echo").await;
    ws.finish().await;
    upstream_told(&upstream, Some(1001)).await;
    assert_eq!(ws.recv_data().await, Event::Eof);
}

/// R12, without the network's help: nothing comes back to two pings.
#[tokio::test]
async fn a_client_that_answers_no_ping_is_gone() {
    let upstream = Upstream::behaving(Behaviour::Echo).await;
    let limits = "limits.ping_interval = \"500ms\"";
    let house = House::with(&[route("echo", &upstream, limits)]).await;
    let _silent = house.session("echo").await;
    upstream_told(&upstream, Some(1001)).await;
    let end = house.ended("echo").await;
    assert_eq!(end["initiator"], "client");
    house.empty().await;
}

#[tokio::test]
async fn a_clients_close_is_answered_by_the_upstream_itself() {
    let (upstream, house) = echoing().await;
    let mut ws = house.session("echo").await;
    ws.send(Frame::close(4123, "my own words")).await;
    assert_eq!(ws.recv().await.frame(), Frame::close(4123, "my own words"));
    assert_eq!(ws.recv().await, Event::Eof);
    upstream_told(&upstream, Some(4123)).await;
    let end = house.ended("echo").await;
    assert_eq!(
        (&end["initiator"], &end["clean"]),
        (&"client".into(), &true.into())
    );
}

/// The client is not left without an answer because the upstream gives none.
#[tokio::test]
async fn a_clients_close_is_answered_even_where_the_upstream_does_not() {
    let upstream = Upstream::behaving(Behaviour::NeverAnswersClose).await;
    let house = House::with(&[route("mute", &upstream, "")]).await;
    let ws = house.session("mute").await;
    ws.close(1000).await;
    let end = house.ended("mute").await;
    assert_eq!(end["clean"], false);
    house.empty().await;
}

/// A client that never answers the upstream's close holds nothing for long.
#[tokio::test]
async fn an_upstreams_close_that_is_not_answered_ends_the_session_all_the_same() {
    let behaviour = Behaviour::CloseWith(4000, "bye".to_owned());
    let upstream = Upstream::behaving(behaviour).await;
    let house = House::with(&[route("vendor", &upstream, "")]).await;
    let mut ws = house.session("vendor").await;
    assert_eq!(ws.recv().await.frame(), Frame::close(4000, "bye"));
    let end = house.ended("vendor").await;
    assert_eq!((&end["code"], &end["clean"]), (&4000.into(), &false.into()));
    house.empty().await;
}
