//! What a scanner and a session weigh, and that no peer makes them grow. Every allocation of the
//! process is counted, so each test needs a process of its own, as the test runner gives it.

use std::{sync::Arc, time::Duration};

use peak_alloc::PeakAlloc;
use tokio::{
    io::{AsyncReadExt as _, AsyncWriteExt as _, duplex},
    time::sleep,
};
use tollbridge_relay::{Meter, Reins, Rules, Scanner, Terms, relay};

use crate::{
    frames::{BINARY, PING, header, masked, plain},
    stage::{Counting, Peer, Stage, terms, terms_with},
};

#[global_allocator]
static HEAP: PeakAlloc = PeakAlloc;

#[test]
fn a_scanner_is_its_only_memory() {
    assert!(size_of::<Scanner>() <= 96, "{}", size_of::<Scanner>());
    assert!(size_of::<Rules>() <= 32, "{}", size_of::<Rules>());
}

/// Every live session holds this much besides its legs, whatever it does. The end of a session,
/// which needs more, is boxed when it comes.
#[tokio::test]
async fn a_sessions_future_is_small() {
    let (client, upstream) = (duplex(1).0, duplex(1).0);
    let legs = size_of_val(&client) + size_of_val(&upstream);
    let (_reins, orders) = Reins::new();
    let meter = Arc::new(Meter::default());
    let entropy = Arc::new(Counting::default());
    let session = relay(client, upstream, terms(), orders, meter, entropy);
    let size = size_of_val(&session) - legs;
    println!("a session's future: {size} bytes and its legs");
    assert!(size <= 900, "{size}");
}

/// Task, timer and all, after a message that was read at once and taken little by little. The
/// client's stream, which held all of it, is part of the sum.
#[tokio::test(start_paused = true)]
async fn a_whole_idle_session_weighs_little() {
    // What the thread allocates once is there afterwards.
    drop(warm().await);
    sleep(Duration::from_secs(10)).await;
    let message = masked(BINARY, &[1; 16_000]);
    let before = HEAP.current_usage();
    let mut stage = Stage::with_rooms(terms(), 16 * 1024, 64);
    stage.client.send(&message).await;
    read(&mut stage.upstream, message.len()).await;
    let weight = HEAP.current_usage().saturating_sub(before);
    println!("an idle session and its streams: {weight} bytes");
    assert!(weight < 16 * 1024 + 2000 + ODDMENTS, "{weight}");
}

/// Large messages passed each way, more than the streams could take at once; nothing is unsent:
/// what is held is what was held before.
#[tokio::test(start_paused = true)]
async fn an_idle_session_holds_no_buffer() {
    let mut stage = warm().await;
    pass_large(&mut stage).await;
    let before = HEAP.current_usage();
    for _ in 0..3 {
        pass_large(&mut stage).await;
    }
    let held = HEAP.current_usage().saturating_sub(before);
    assert!(held < ODDMENTS, "{held}");
}

/// R04: where the route allows everything, a declared length is a number and no more.
#[tokio::test(start_paused = true)]
async fn no_declared_length_makes_memory_grow() {
    for length in [1 << 40, i64::MAX as u64] {
        for by_client in [true, false] {
            let head = header(0x02, by_client, length);
            let grown = grown_by(by_client, &head, &[7; 4096], 1000).await;
            assert!(grown < SLACK, "{grown} bytes for {length}");
        }
    }
}

/// R06: a million fragments, of a byte and of none, where they are unlimited.
#[tokio::test(start_paused = true)]
async fn a_million_fragments_make_nothing_grow() {
    for payload in [b"x".as_slice(), b""] {
        for by_client in [true, false] {
            let frame = if by_client { masked } else { plain };
            let block = frame(0x00, payload).repeat(1000);
            let grown = grown_by(by_client, &frame(0x01, payload), &block, 1000).await;
            assert!(grown < SLACK, "{grown} bytes for {payload:?}");
        }
    }
}

/// R06: the same where they are limited; nothing of the rest is kept either.
#[tokio::test(start_paused = true)]
async fn a_million_fragments_end_at_their_limit_and_make_nothing_grow() {
    let mut stage = warm_with(terms()).await;
    let before = HEAP.current_usage();
    HEAP.reset_peak_usage();
    let flood = async {
        let block = masked(0x00, b"x").repeat(1000);
        stage.client.send(&masked(0x01, b"x")).await;
        for _ in 0..1000 {
            // The bridge takes no more at some time, and hangs up.
            let _taken = stage.client.0.write_all(&block).await;
        }
    };
    let expected = 16_384 * masked(0x00, b"x").len();
    let take = async {
        read(&mut stage.upstream, expected).await;
        stage.upstream.close().await
    };
    let ((), told) = tokio::join!(flood, take);
    assert_eq!(told.0, Some(1009));
    let grown = HEAP.peak_usage() - before;
    assert!(grown < SLACK, "{grown}");
}

/// R11: headers and control frames that come byte by byte are kept until they can be judged, and
/// not a byte longer.
#[tokio::test(start_paused = true)]
async fn trickled_headers_make_nothing_grow() {
    let mut stage = warm().await;
    trickle(&mut stage).await;
    let before = HEAP.current_usage();
    HEAP.reset_peak_usage();
    for _ in 0..20 {
        trickle(&mut stage).await;
    }
    let left = HEAP.current_usage().saturating_sub(before);
    assert!(left < ODDMENTS, "{left}");
    let kept = HEAP.peak_usage() - before;
    assert!(kept < ODDMENTS, "{kept}");
}

/// A ping and a message of three frames, their headers byte by byte.
async fn trickle(stage: &mut Stage) {
    for (head, payload) in [
        (masked(PING, &[1; 125]), 0),
        (header(0x02, true, 70_000), 70_000),
        (header(0x00, true, 0), 0),
        (header(0x80, true, 300), 300),
    ] {
        for byte in &head {
            stage.client.send(&[*byte]).await;
            sleep(Duration::from_millis(1)).await;
        }
        let send = async {
            for _ in 0..payload / 100 {
                stage.client.send(&[7; 100]).await;
            }
        };
        tokio::join!(send, read(&mut stage.upstream, head.len() + payload));
    }
}

/// By how much memory grew at most while a head and many equal blocks passed from one side.
async fn grown_by(by_client: bool, head: &[u8], block: &[u8], times: usize) -> usize {
    let Stage {
        client, upstream, ..
    } = warm().await;
    let (mut from, mut to) = if by_client {
        (client, upstream)
    } else {
        (upstream, client)
    };
    let before = HEAP.current_usage();
    HEAP.reset_peak_usage();
    let send = async {
        from.send(head).await;
        for _ in 0..times {
            from.send(block).await;
        }
    };
    tokio::join!(send, read(&mut to, head.len() + times * block.len()));
    HEAP.peak_usage() - before
}

/// Reads and forgets so many bytes.
async fn read(peer: &mut Peer, bytes: usize) {
    let mut buffer = [0; 16 * 1024];
    let mut left = bytes;
    while left > 0 {
        let room = left.min(buffer.len());
        let count = peer.0.read(&mut buffer[..room]).await.unwrap();
        assert!(count > 0, "it ended {left} bytes too early");
        left -= count;
    }
}

/// A session that allows everything.
async fn warm() -> Stage {
    warm_with(terms_with(|limits| {
        limits.max_frame = u64::MAX;
        limits.max_message = u64::MAX;
        limits.max_fragments = 0;
    }))
    .await
}

/// A session that has passed a large message each way: what is allocated once is there.
async fn warm_with(terms: Terms) -> Stage {
    let mut stage = Stage::sized(terms, ROOM);
    pass_large(&mut stage).await;
    stage
}

async fn pass_large(stage: &mut Stage) {
    let (client, upstream) = (&mut stage.client, &mut stage.upstream);
    let up = masked(BINARY, &[1; 4 * ROOM]);
    tokio::join!(client.send(&up), read(upstream, up.len()));
    let down = plain(BINARY, &[1; 4 * ROOM]);
    tokio::join!(upstream.send(&down), read(client, down.len()));
}

/// What the test runner's own thread may allocate meanwhile: a line of output has a buffer.
const ODDMENTS: usize = 3072;

/// Of each stream. One read that the sink did not take at once is kept, and is no longer than this.
const ROOM: usize = 8 * 1024;

/// What a hostile length may cost: a read in each stream, and one on its way.
const SLACK: usize = 64 * 1024;
