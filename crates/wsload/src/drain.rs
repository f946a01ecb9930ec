//! Thousands of sessions, some in the middle of big messages, while the bridge is told to stop.
use crate::measure::Sync;
use crate::soak_peer::{bad, half_close, message, send, serve_echo, slug, tally, target, upstream, Door, Peer};
use crate::ws::{put_header, OP_BIN, OP_CONT};
use std::cell::Cell;
use std::io;
use std::rc::Rc;
use std::time::{Duration, Instant};
use tokio::sync::Semaphore;
use tokio::task::JoinSet;

pub struct DrainOpt {
    pub listen: String,
    pub secret: String,
    /// Sessions that idle, and sessions that stream.
    pub conns: u64,
    pub streams: u64,
    /// A streamed message in bytes, and in frames.
    pub size: usize,
    pub pieces: usize,
    /// From one frame to the next.
    pub gap: Duration,
}

/// How long the end may take, counted from UP.
const END: Duration = Duration::from_secs(120);
/// A frame goes out in so many parts, so that most orders to stop find it half sent.
const PARTS: usize = 8;

/// How one session ended.
struct Last {
    how: String,
    /// Since the line after UP.
    after: Duration,
    messages: u64,
    /// The stream ended inside a frame, or went on behind the close frame.
    torn: bool,
}

/// Prints UP with all open and streaming, then reads each session to its last byte and prints DONE.
pub async fn drain(idle: Door, streaming: Door, o: DrainOpt, sync: Sync) -> io::Result<()> {
    let (size, pieces, gap) = (o.size, o.pieces, o.gap);
    upstream(&o.listen, &o.secret, move |head, peer| async move {
        match target(&head).split('?').next().and_then(|p| p.rsplit('/').next()) {
            Some("stream") => stream(peer, size, pieces, gap).await,
            _ => serve_echo(peer).await,
        }
    })?;
    let gate = Rc::new(Semaphore::new(64));
    let (idle, streaming) = (Rc::new(idle), Rc::new(streaming));
    let mut opening = JoinSet::new();
    for who in 0..o.conns + o.streams {
        let door = if who < o.streams { streaming.clone() } else { idle.clone() };
        let gate = gate.clone();
        opening.spawn_local(async move {
            let _permit = gate.acquire().await.map_err(io::Error::other)?;
            let mut peer = door.open(who).await?;
            if who >= o.streams {
                peer.echo(who, 0, 1000).await?;
            }
            io::Result::Ok(peer)
        });
    }
    let told = Rc::new(Cell::new(Instant::now()));
    let mut ends = JoinSet::new();
    let mut open = 0;
    while let Some(peer) = opening.join_next().await {
        ends.spawn_local(to_the_end(peer.unwrap()?, told.clone()));
        open += 1;
    }
    sync.mark(&format!(r#"UP {{"open":{open}}}"#)).await;
    told.set(Instant::now());
    let last: Vec<Last> = match tokio::time::timeout(END, ends.join_all()).await {
        Ok(last) => last,
        Err(_) => return bad("sessions stayed open"),
    };
    let how: Vec<String> = last.iter().map(|l| l.how.clone()).collect();
    let mut after: Vec<u64> = last.iter().map(|l| l.after.as_millis() as u64).collect();
    after.sort_unstable();
    println!(
        r#"DONE {{"conns":{},"ends":{},"torn":{},"messages":{},"first_ms":{},"middle_ms":{},"last_ms":{}}}"#,
        last.len(),
        tally(&how),
        last.iter().filter(|l| l.torn).count(),
        last.iter().map(|l| l.messages).sum::<u64>(),
        after[0],
        after[after.len() / 2],
        after[after.len() - 1]
    );
    Ok(())
}

/// Reads to the last byte, answers the close as a browser does.
async fn to_the_end(mut peer: Peer, told: Rc<Cell<Instant>>) -> Last {
    let (mut messages, mut changed, mut closed_at) = (0, false, None);
    let broken = loop {
        let more = peer.listen().await;
        while let Some(m) = peer.heard.done.pop_front() {
            messages += 1;
            changed |= !m.good;
        }
        if closed_at.is_none() {
            if let Some((code, _)) = &peer.heard.close {
                closed_at = Some((Instant::now(), peer.is_whole()));
                let f = peer.close_frame(*code);
                let _ = send(&peer.s, &f).await;
            }
        }
        match more {
            Ok(true) => {}
            Ok(false) => break None,
            Err(e) => break Some(e.to_string()),
        }
    };
    let how = match (&peer.heard.close, broken) {
        (Some((code, reason)), _) => format!("{} {}", code.unwrap_or(0), slug(reason).unwrap_or("without a slug")),
        (None, Some(e)) => format!("no close frame: {e}"),
        (None, None) => "no close frame".into(),
    };
    let whole = peer.is_whole() && peer.heard.after_close == 0 && closed_at.is_none_or(|(_, whole)| whole);
    let at = closed_at.map_or_else(Instant::now, |(at, _)| at);
    let after = at.saturating_duration_since(told.get());
    Last { how, after, messages, torn: !whole || changed }
}

/// Big messages in several frames each, one after the other, until the close; then nothing but the answer to it.
async fn stream(mut peer: Peer, size: usize, pieces: usize, gap: Duration) -> io::Result<()> {
    let s = peer.s.clone();
    let over = Rc::new(Cell::new(false));
    let stop = over.clone();
    let writing = tokio::task::spawn_local(async move {
        for number in 0.. {
            let m = message(7, number, size);
            for (i, piece) in m.chunks(size.div_ceil(pieces)).enumerate() {
                if stop.get() {
                    return io::Result::Ok(());
                }
                let mut f = vec![];
                let last = (i + 1) * size.div_ceil(pieces) >= size;
                put_header(&mut f, last, if i == 0 { OP_BIN } else { OP_CONT }, piece.len() as u64, None);
                f.extend_from_slice(piece);
                for part in f.chunks(f.len().div_ceil(PARTS)) {
                    send(&s, part).await?;
                    tokio::time::sleep(gap / PARTS as u32).await;
                }
            }
        }
        Ok(())
    });
    while peer.heard.close.is_none() && peer.read().await? {}
    over.set(true);
    let _ = writing.await;
    let code = peer.heard.close.as_ref().and_then(|(code, _)| *code);
    let f = peer.close_frame(code);
    send(&peer.s, &f).await?;
    half_close(&peer.s);
    while peer.read().await? {}
    Ok(())
}
