//! Sides that stop taking bytes: clients that do not read a flood, an upstream that does not read uploads, and witnesses beside.
use crate::measure::{Lat, Sync};
use crate::soak_peer::{bad, message, send, serve_echo, slug, tally, target, upstream, Door, Peer, HEAD};
use crate::ws::OP_BIN;
use std::cell::{Cell, RefCell};
use std::future::pending;
use std::io;
use std::rc::Rc;
use std::time::{Duration, Instant};
use tokio::task::JoinSet;

pub struct StallOpt {
    pub listen: String,
    pub secret: String,
    pub conns: u64,
    /// The upstream is the one that does not read.
    pub up: bool,
    pub witnesses: u64,
    /// How long the witnesses are watched before anybody stalls.
    pub before: f64,
}

/// Bytes of a flood's message.
const FLOOD: usize = 16 << 10;
/// Bytes of a witness's message, and its pace.
const WITNESS: usize = 640;
const PACE: Duration = Duration::from_millis(20);
/// What the kernel may hold for a client that does not read.
pub const KERNEL: u32 = 16 << 10;
/// How long the end of a stalled session may take once it is read again.
const END: Duration = Duration::from_secs(20);

/// Prints UP with all open, CALM when the witnesses know the undisturbed latency, FLOOD once the stall has begun, DONE when
/// every stalled session was read to its end. The driver answers each line.
pub async fn stall(stalled: Door, witness: Door, o: StallOpt, sync: Sync) -> io::Result<()> {
    upstream(&o.listen, &o.secret, |head, peer| async move {
        match target(&head).split('?').next().and_then(|p| p.rsplit('/').next()) {
            Some("flood") => flood_when_asked(peer).await,
            Some("deaf") => deaf(peer).await,
            _ => serve_echo(peer).await,
        }
    })?;
    let phase = Rc::new(Cell::new(0));
    let lat = Rc::new(RefCell::new([Lat::default(), Lat::default()]));
    let mut watching = JoinSet::new();
    for who in 0..o.witnesses {
        let peer = witness.open(who).await?;
        watching.spawn_local(watch(peer, who, phase.clone(), lat.clone()));
    }
    let mut peers = vec![];
    for who in 0..o.conns {
        peers.push(stalled.open(who).await?);
    }
    sync.mark("UP").await;
    tokio::time::sleep(Duration::from_secs_f64(o.before)).await;
    sync.mark("CALM").await;
    phase.set(1);
    let mut writing = JoinSet::new();
    for (who, peer) in peers.iter().enumerate() {
        let frame = peer.frame(OP_BIN, &message(who as u64, 0, if o.up { FLOOD } else { HEAD }));
        let s = peer.s.clone();
        let up = o.up;
        writing.spawn_local(async move {
            send(&s, &frame).await?;
            while up {
                // The witnesses share this thread: a hundred uploads in turn would be what they measure.
                tokio::task::yield_now().await;
                send(&s, &frame).await?;
            }
            io::Result::Ok(())
        });
    }
    sync.mark("FLOOD").await;
    phase.set(2);
    let mut ends = JoinSet::new();
    for peer in peers {
        ends.spawn_local(end_of(peer));
    }
    let ended: Vec<String> = ends.join_all().await;
    writing.abort_all();
    let mut lost = vec![];
    while let Some(over) = watching.join_next().await {
        lost.extend(over.unwrap().err().map(|e| e.to_string()));
    }
    let [before, during] = &mut *lat.borrow_mut();
    println!(
        r#"DONE {{"conns":{},"ends":{},"witnesses_lost":{},"why":{},"before":{},"during":{}}}"#,
        o.conns, tally(&ended), lost.len(), tally(&lost), before.json(), during.json()
    );
    Ok(())
}

/// How a session ended for somebody who reads again: the slug of its close frame, or that it was cut.
async fn end_of(mut peer: Peer) -> String {
    let read = async {
        while let Ok(true) = peer.read().await {
            peer.heard.done.clear();
        }
    };
    let ended = tokio::time::timeout(END, read).await.is_ok();
    match &peer.heard.close {
        Some((code, reason)) => format!("{} {}", code.unwrap_or(0), slug(reason).unwrap_or("")),
        None if ended => "cut".into(),
        None => "open".into(),
    }
}

/// One echo after the other at an even pace, the first phase's times in the first list.
async fn watch(mut peer: Peer, who: u64, phase: Rc<Cell<usize>>, lat: Rc<RefCell<[Lat; 2]>>) -> io::Result<()> {
    let mut pace = tokio::time::interval(PACE);
    pace.set_missed_tick_behavior(tokio::time::MissedTickBehavior::Delay);
    for number in 0.. {
        pace.tick().await;
        let now = phase.get();
        if now == 2 {
            break;
        }
        let asked = Instant::now();
        match tokio::time::timeout(END, peer.echo(who, number, WITNESS)).await {
            Ok(done) => done?,
            Err(_) => return bad("no echo in time"),
        }
        lat.borrow_mut()[now].add(asked.elapsed());
    }
    peer.leave().await;
    Ok(())
}

/// Waits for one message, then floods as long as anybody takes it.
async fn flood_when_asked(mut peer: Peer) -> io::Result<()> {
    while peer.heard.done.is_empty() && peer.listen().await? {}
    let s = peer.s.clone();
    let frame = peer.frame(OP_BIN, &message(0, 0, FLOOD));
    tokio::select! {
        r = async { loop { send(&s, &frame).await?; } } => r,
        // the bridge's close frame, and its end of the stream
        _ = async { while peer.heard.close.is_none() && matches!(peer.read().await, Ok(true)) {} } => Ok(()),
    }
}

/// Takes nothing, for good.
async fn deaf(_peer: Peer) -> io::Result<()> {
    pending().await
}
