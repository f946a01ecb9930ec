//! Connections held open: one echo each, then nothing but answers to pings.
use crate::client::*;
use crate::measure::Sync;
use crate::relay::{relay_conn, RelayOpt};
use std::cell::Cell;
use std::io;
use std::rc::Rc;
use std::time::{Duration, Instant};
use tokio::io::AsyncWriteExt;
use tokio::task::JoinSet;

pub async fn idle(t: Target, n: usize, par: usize, echo: usize, hold: f64, sync: Sync) -> io::Result<()> {
    let t = Rc::new(t);
    let t0 = Instant::now();
    let mut cs = open_all(&t, n, par).await?;
    if echo > 0 {
        let o = Rc::new(RelayOpt { conns: n, size: echo, window: 1, secs: 0.0, messages: n as u64, warmup: 0.0, text: false });
        let mut done = Vec::with_capacity(n);
        while !cs.is_empty() {
            let mut set = JoinSet::new();
            for c in cs.drain(cs.len().saturating_sub(par)..) {
                set.spawn_local(relay_conn(c, o.clone(), 600.0, Rc::new(Cell::new(1))));
            }
            while let Some(r) = set.join_next().await {
                done.push(r.unwrap()?.0);
            }
        }
        cs = done;
    }
    let lost = Rc::new(Cell::new(0u64));
    // keep answering pings while held
    for mut c in cs {
        let lost = lost.clone();
        tokio::task::spawn_local(async move {
            loop {
                let Conn { s, parser, rx, .. } = &mut c;
                match read_chunk(s, |d| parser.feed(d, rx)).await {
                    Ok(true) if !rx.closed => {
                        if !rx.pongs.is_empty() {
                            let p = std::mem::take(&mut rx.pongs);
                            if c.s.write_all(&p).await.is_err() {
                                break;
                            }
                        }
                    }
                    _ => break,
                }
            }
            lost.set(lost.get() + 1);
        });
    }
    let up = format!(r#"UP {{"conns":{n},"secs":{:.3}}}"#, t0.elapsed().as_secs_f64());
    if sync.0 {
        sync.mark(&up).await;
    } else {
        sync.say(&up);
        tokio::time::sleep(Duration::from_secs_f64(hold)).await;
    }
    sync.say(&format!(r#"DONE {{"conns":{n},"lost":{}}}"#, lost.get()));
    Ok(()) // the process ends: every connection drops at once
}
