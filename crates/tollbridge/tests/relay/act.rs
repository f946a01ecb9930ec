//! What a side does, step by step.

use std::{io, time::Duration};

use tokio::time::sleep;
use tollbridge_testkit::RawPeer;

use crate::stage::{Order, Stage};

/// One step.
#[derive(Clone)]
pub(crate) enum Act {
    /// Sends these bytes, at once.
    Says(Vec<u8>),
    /// Sends these bytes in pieces of this many, each on its own.
    Pieces(usize, Vec<u8>),
    /// Sends the same again and again, until it was enough or the connection takes no more.
    Repeats(Vec<u8>, usize),
    /// Sends a byte now and then until the connection takes no more, which must come before the end.
    Trickles(Vec<u8>),
    /// Waits until exactly these bytes have come.
    Hears(Vec<u8>),
    /// Waits until exactly these bytes have come so many times.
    HearsAll(Vec<u8>, usize),
    /// Waits until a close frame of the bridge's for an upstream has come, with this code.
    HearsClose(u16),
    /// Sees to it that an operator ends the session.
    Orders(Order),
    /// Ends its half.
    Finishes,
    /// Breaks the connection. Nothing can follow.
    Resets,
}

/// Plays the steps; gives the connection back unless it was broken.
///
/// Says what went otherwise than it should.
pub(crate) async fn play(
    acts: &[Act],
    mut peer: RawPeer,
    stage: &Stage,
    route: &str,
) -> Result<Option<RawPeer>, String> {
    for (at, act) in acts.iter().enumerate() {
        let done = match act {
            Act::Says(bytes) => peer.send(bytes).await,
            Act::Pieces(size, bytes) => pieces(&mut peer, bytes, *size).await,
            Act::Repeats(bytes, times) => {
                repeats(&mut peer, bytes, *times).await;
                Ok(())
            }
            Act::Trickles(bytes) => trickles(&mut peer, bytes).await,
            Act::Hears(bytes) => hears(&mut peer, bytes, 1).await,
            Act::HearsAll(bytes, times) => hears(&mut peer, bytes, *times).await,
            Act::HearsClose(code) => hears_close(&mut peer, *code).await,
            Act::Orders(order) => {
                stage.give(*order, route).await;
                Ok(())
            }
            Act::Finishes => peer.finish().await,
            Act::Resets => {
                peer.reset();
                return Ok(None);
            }
        };
        done.map_err(|error| format!("step {at}: {error}"))?;
    }
    Ok(Some(peer))
}

/// A pause between the pieces, or the kernel would put them together again.
async fn pieces(peer: &mut RawPeer, bytes: &[u8], size: usize) -> io::Result<()> {
    for piece in bytes.chunks(size) {
        peer.send(piece).await?;
        sleep(Duration::from_millis(1)).await;
    }
    Ok(())
}

/// In writes of about 64 KiB.
async fn repeats(peer: &mut RawPeer, bytes: &[u8], times: usize) {
    let batch = (64 * 1024 / bytes.len()).clamp(1, times);
    let many = bytes.repeat(batch);
    let mut left = times;
    while left > 0 {
        let count = batch.min(left);
        let some = many.get(..count * bytes.len()).expect("a whole batch");
        if peer.send(some).await.is_err() {
            return;
        }
        left -= count;
    }
}

async fn trickles(peer: &mut RawPeer, bytes: &[u8]) -> io::Result<()> {
    for byte in bytes {
        if peer.send(&[*byte]).await.is_err() {
            return Ok(());
        }
        sleep(Duration::from_millis(40)).await;
    }
    Err(io::Error::other("heard out to the last byte"))
}

async fn hears(peer: &mut RawPeer, wanted: &[u8], times: usize) -> io::Result<()> {
    let batch = (64 * 1024 / wanted.len()).clamp(1, times);
    let many = wanted.repeat(batch);
    let mut heard = vec![0; many.len()];
    let mut left = times;
    while left > 0 {
        let length = batch.min(left) * wanted.len();
        peer.read_all(&mut heard[..length]).await?;
        if heard[..length] != many[..length] {
            return Err(io::Error::other("heard other bytes than were sent"));
        }
        left -= batch.min(left);
    }
    Ok(())
}

/// Its mask is random.
async fn hears_close(peer: &mut RawPeer, code: u16) -> io::Result<()> {
    let mut frame = [0; 8];
    peer.read_all(&mut frame).await?;
    let [first, second, mask @ .., high, low] = frame;
    let told = u16::from_be_bytes([high ^ mask[0], low ^ mask[1]]);
    match (first, second, told) {
        (0x88, 0x82, told) if told == code => Ok(()),
        _ => Err(io::Error::other(format!(
            "heard {frame:02x?}, not close {code}"
        ))),
    }
}
