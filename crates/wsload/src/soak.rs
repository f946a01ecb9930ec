//! Many sessions held open and idle, and found whole at the end.
use crate::measure::Sync;
use crate::soak_peer::{bad, tally, Door};
use std::cell::Cell;
use std::io;
use std::rc::Rc;
use std::time::{Duration, Instant};
use tokio::sync::{watch, Semaphore};
use tokio::task::JoinSet;

pub struct HoldOpt {
    pub conns: u64,
    /// Handshakes and echoes under way at once.
    pub par: usize,
    /// Bytes of the message that each session echoes at its start and at its end.
    pub echo: usize,
}

/// How long one echo may take while thousands are made.
const ECHO: Duration = Duration::from_secs(60);

/// Prints UP when all are open and have echoed; holds them until the driver says so; echoes again; prints DONE.
pub async fn hold(door: Door, o: HoldOpt, sync: Sync) -> io::Result<()> {
    let (door, gate) = (Rc::new(door), Rc::new(Semaphore::new(o.par)));
    let (end, ending) = watch::channel(false);
    let up = Rc::new(Cell::new(0u64));
    let began = Instant::now();
    let mut set = JoinSet::new();
    for who in 0..o.conns {
        set.spawn_local(session(door.clone(), gate.clone(), who, o.echo, up.clone(), ending.clone()));
    }
    let mut lost: Vec<String> = vec![];
    while up.get() + (lost.len() as u64) < o.conns {
        tokio::select! {
            Some(over) = set.join_next() => lost.extend(over.unwrap().err().map(|e| e.to_string())),
            _ = tokio::time::sleep(Duration::from_millis(20)) => {}
        }
    }
    sync.mark(&format!(r#"UP {{"open":{},"secs":{:.1}}}"#, up.get(), began.elapsed().as_secs_f64())).await;
    let _ = end.send(true);
    let mut pings = vec![];
    while let Some(over) = set.join_next().await {
        match over.unwrap() {
            Ok(heard) => pings.push(heard),
            Err(e) => lost.push(e.to_string()),
        }
    }
    println!(
        r#"DONE {{"conns":{},"whole":{},"lost":{},"why":{},"pings_least":{},"pings":{}}}"#,
        o.conns,
        pings.len(),
        lost.len(),
        tally(&lost),
        pings.iter().min().unwrap_or(&0),
        pings.iter().sum::<u64>()
    );
    Ok(())
}

/// One session from its first to its last message; the pings it heard.
async fn session(
    door: Rc<Door>,
    gate: Rc<Semaphore>,
    who: u64,
    size: usize,
    up: Rc<Cell<u64>>,
    mut ending: watch::Receiver<bool>,
) -> io::Result<u64> {
    let permit = gate.acquire().await.map_err(io::Error::other)?;
    let mut peer = door.open(who).await?;
    within(peer.echo(who, 0, size)).await?;
    drop(permit);
    up.set(up.get() + 1);
    loop {
        tokio::select! {
            _ = ending.changed() => break,
            more = peer.listen() => {
                if !more? || peer.heard.close.is_some() {
                    return bad(format!("ended while idle: {:?}", peer.heard.close.as_ref().map(|(code, _)| code)));
                }
            }
        }
    }
    let _permit = gate.acquire().await.map_err(io::Error::other)?;
    within(peer.echo(who, 1, size)).await?;
    peer.leave().await;
    Ok(peer.heard.pings)
}

async fn within(echo: impl std::future::Future<Output = io::Result<()>>) -> io::Result<()> {
    match tokio::time::timeout(ECHO, echo).await {
        Ok(done) => done,
        Err(_) => bad("no echo in time"),
    }
}
