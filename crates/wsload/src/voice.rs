//! Paced speech: a message each interval, whether the last one was answered or not.
use crate::client::*;
use crate::measure::{Lat, Sync};
use crate::ws::*;
use std::collections::VecDeque;
use std::io;
use std::rc::Rc;
use std::time::{Duration, Instant};
use tokio::io::AsyncWriteExt;
use tokio::task::JoinSet;

pub struct VoiceOpt {
    pub conns: usize,
    pub size: usize,
    pub interval: Duration,
    pub deadline: Duration,
    pub secs: f64,
}

/// Paced speech against /voice: every message carries its number at both ends, and every answer is compared as a whole.
pub async fn voice(t: Target, o: VoiceOpt, sync: Sync) -> io::Result<()> {
    if o.size < STAMPED {
        return bad(format!("--size: at least {STAMPED}"));
    }
    let t = Rc::new(t);
    let mut cs = open_all(&t, o.conns, 32).await?;
    sync.mark("READY").await;
    let t0 = Instant::now();
    let mut set = JoinSet::new();
    let per = (o.secs / o.interval.as_secs_f64()).round().max(1.0) as u64;
    let n = cs.len() as u32;
    let (interval, size, deadline) = (o.interval, o.size, o.deadline);
    for (i, mut c) in cs.drain(..).enumerate() {
        set.spawn_local(async move {
            let mut frame = Vec::new();
            let mut message = vec![b'v'; size];
            let mut want = Vec::new();
            c.rx.keep = true;
            let start = t0 + Duration::from_millis(5) + interval * i as u32 / n;
            let mut lat = Lat::default();
            let mut q: VecDeque<Instant> = VecDeque::new();
            let (mut sent, mut late_send, mut missed, mut got) = (0u64, 0u64, 0u64, 0u64);
            let mut closed = false;
            while got < per && !closed {
                let due = if sent < per {
                    start + interval * sent as u32
                } else {
                    start + interval * per as u32 + Duration::from_secs(2)
                };
                let Conn { s, parser, rx, .. } = &mut c;
                tokio::select! {
                    biased;
                    r = read_chunk(s, |d| parser.feed(d, rx)) => {
                        if !r? { closed = true; }
                        let now = Instant::now();
                        while c.rx.done.pop_front().is_some() {
                            let Some(t) = q.pop_front() else { return bad("a message too many") };
                            want.clear();
                            partial(&mut want, got, got, size as u64);
                            let text = c.rx.bodies.pop_front().unwrap_or_default();
                            if text != want {
                                return bad(format!("message {got} was answered with {}", String::from_utf8_lossy(&text)));
                            }
                            let d = now - t;
                            if d > deadline { missed += 1; }
                            lat.add(d);
                            got += 1;
                        }
                        if !c.rx.pongs.is_empty() {
                            let p = std::mem::take(&mut c.rx.pongs);
                            c.s.write_all(&p).await?;
                        }
                    }
                    _ = tokio::time::sleep_until(due.into()) => {
                        if sent == per { break; }
                        let now = Instant::now();
                        if now - due > Duration::from_millis(10) { late_send += 1; }
                        q.push_back(now);
                        frame.clear();
                        stamp(&mut message, sent);
                        put_frame(&mut frame, OP_BIN, &message, Some(MASK));
                        c.s.write_all(&frame).await?;
                        sent += 1;
                    }
                }
            }
            missed += per - got;
            io::Result::Ok((c, lat, sent, got, late_send, missed))
        });
    }
    let (mut lat, mut sent, mut got, mut late, mut missed, mut keep) = (Lat::default(), 0, 0, 0, 0, vec![]);
    while let Some(r) = set.join_next().await {
        let (c, l, s, g, la, mi) = r.unwrap()?;
        lat.0.extend(l.0);
        sent += s;
        got += g;
        late += la;
        missed += mi;
        keep.push(c);
    }
    let el = t0.elapsed().as_secs_f64();
    sync.mark(&format!(
        r#"DONE {{"conns":{},"sent":{sent},"received":{got},"relayed":{},"late_sends":{late},"misses":{missed},"deadline_ms":{},"secs":{el:.4},"lat":{}}}"#,
        o.conns, sent + got, deadline.as_millis(), lat.json()
    ))
    .await;
    close_all(keep).await;
    Ok(())
}
