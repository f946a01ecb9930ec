//! Accept, then close.

use tokio::{io::duplex, time::Instant};
use tollbridge_domain::{SessionId, Slug};
use tollbridge_relay::{Close, refuse};

use crate::{
    frames::{CLOSE, TEXT, closing, masked},
    stage::Peer,
};

#[tokio::test(start_paused = true)]
async fn a_refused_client_reads_why_and_then_the_end() {
    let (client, leg) = duplex(1024);
    let close = Close::bridge(Slug::TokenUsed, None, None);
    let refusal = tokio::spawn(refuse(leg, close));
    let mut client = Peer(client);
    client.send(&masked(TEXT, b"eager")).await;
    assert_eq!(
        client.close().await,
        (Some(4409), "tb:token_used".to_owned())
    );
    let start = Instant::now();
    client.send(&masked(CLOSE, &closing(4409, ""))).await;
    client.expect_end().await;
    drop(client);
    refusal.await.unwrap();
    assert_eq!(start.elapsed().as_secs(), 0);
}

#[tokio::test(start_paused = true)]
async fn a_refused_client_that_does_nothing_is_gone_after_two_seconds() {
    for room in [1, 1024] {
        let (_client, leg) = duplex(room);
        let session = SessionId::parse("s9").unwrap();
        let close = Close::bridge(Slug::Overloaded, Some(5), Some(&session));
        let start = Instant::now();
        refuse(leg, close).await;
        assert_eq!(start.elapsed().as_secs(), 2);
    }
}

#[tokio::test(start_paused = true)]
async fn a_refused_client_that_never_stops_talking_is_gone_after_two_seconds() {
    let (client, leg) = duplex(1024);
    let mut client = Peer(client);
    let chatter = tokio::spawn(async move {
        let word = masked(TEXT, &[1; 100]);
        while tokio::io::AsyncWriteExt::write_all(&mut client.0, &word)
            .await
            .is_ok()
        {
            tokio::time::sleep(std::time::Duration::from_millis(1)).await;
        }
    });
    let start = Instant::now();
    refuse(leg, Close::bridge(Slug::Revoked, None, None)).await;
    assert_eq!(start.elapsed().as_secs(), 2);
    chatter.await.unwrap();
}
