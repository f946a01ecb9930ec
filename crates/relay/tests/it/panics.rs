//! A panic inside a session ends that session, in words.

use std::{
    io,
    pin::Pin,
    sync::Arc,
    task::{Context, Poll},
};

use tokio::io::{AsyncRead, AsyncWrite, DuplexStream, ReadBuf, duplex};
use tollbridge_domain::Slug;
use tollbridge_relay::{Ending, Meter, Reins, Side, relay};

use crate::{
    frames::{TEXT, masked, plain},
    stage::{Counting, Peer, terms},
};

#[tokio::test(start_paused = true)]
async fn a_panic_while_reading_tells_both_sides() {
    let (mut client, mut upstream, session) = play(Fuse::new(Spot::Read, 1));
    client.send(&masked(TEXT, b"boom")).await;
    let told = client.close().await;
    assert_eq!(told, (Some(1011), "tb:internal;id=s1".to_owned()));
    assert_eq!(upstream.close().await.0, Some(1001));
    let ending = session.await.unwrap();
    assert_eq!(
        (ending.side, ending.slug),
        (Side::Bridge, Some(Slug::Internal))
    );
}

/// What a panicking write has written nobody knows: no frame of ours may follow it.
#[tokio::test(start_paused = true)]
async fn a_panic_while_writing_cuts_that_leg_and_tells_the_other() {
    let (mut client, mut upstream, session) = play(Fuse::new(Spot::Write, 1));
    upstream.send(&plain(TEXT, b"boom")).await;
    assert_eq!(upstream.close().await.0, Some(1001));
    client.expect_end().await;
    let ending = session.await.unwrap();
    assert_eq!((ending.slug, ending.code), (Some(Slug::Internal), None));
}

#[tokio::test(start_paused = true)]
async fn a_leg_that_panics_for_ever_does_not_keep_the_other_from_its_word() {
    let (client, mut upstream, session) = play(Fuse::new(Spot::Read, u32::MAX));
    assert_eq!(upstream.close().await.0, Some(1001));
    drop((client, upstream));
    assert_eq!(session.await.unwrap().slug, Some(Slug::Internal));
}

fn play(fuse: impl FnOnce(DuplexStream) -> Fuse) -> (Peer, Peer, tokio::task::JoinHandle<Ending>) {
    let (client, client_leg) = duplex(4096);
    let (upstream, upstream_leg) = duplex(4096);
    let (_reins, orders) = Reins::new();
    let session = relay(
        fuse(client_leg),
        upstream_leg,
        terms(),
        orders,
        Arc::new(Meter::default()),
        Arc::new(Counting::default()),
    );
    (Peer(client), Peer(upstream), tokio::spawn(session))
}

#[derive(Eq, PartialEq)]
enum Spot {
    Read,
    Write,
}

/// A leg that panics so many times.
struct Fuse {
    stream: DuplexStream,
    spot: Spot,
    left: u32,
}

impl Fuse {
    fn new(spot: Spot, left: u32) -> impl FnOnce(DuplexStream) -> Self {
        move |stream| Self { stream, spot, left }
    }

    fn burn(&mut self, spot: &Spot) {
        if self.spot == *spot && self.left > 0 {
            self.left -= 1;
            panic!("the fuse blew, as this test wants");
        }
    }
}

impl tollbridge_relay::Leg for Fuse {}

impl AsyncRead for Fuse {
    fn poll_read(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buf: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        self.burn(&Spot::Read);
        Pin::new(&mut self.stream).poll_read(cx, buf)
    }
}

impl AsyncWrite for Fuse {
    fn poll_write(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buf: &[u8],
    ) -> Poll<io::Result<usize>> {
        self.burn(&Spot::Write);
        Pin::new(&mut self.stream).poll_write(cx, buf)
    }

    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_flush(cx)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_shutdown(cx)
    }
}
