//! Echoes: so many messages of a connection outstanding, each answer checked by its number.
use crate::client::*;
use crate::measure::{Lat, Sync};
use crate::ws::*;
use std::cell::Cell;
use std::collections::VecDeque;
use std::future::poll_fn;
use std::io;
use std::pin::Pin;
use std::rc::Rc;
use std::task::Poll;
use std::time::{Duration, Instant};
use tokio::io::{AsyncRead, AsyncWrite, AsyncWriteExt, ReadBuf};
use tokio::task::JoinSet;

pub struct RelayOpt {
    pub conns: usize,
    pub size: usize,
    pub window: usize,
    pub secs: f64,
    pub messages: u64,
    pub warmup: f64,
    pub text: bool,
}

#[derive(Default)]
pub struct Tally {
    msgs: u64,
    bytes: u64,
    lat: Lat,
}

/// Echo ping-pong on one connection with `window` messages outstanding.
pub async fn relay_conn(mut c: Conn, o: Rc<RelayOpt>, secs: f64, budget: Rc<Cell<u64>>) -> io::Result<(Conn, Tally)> {
    let mut frame = Vec::new();
    put_frame(&mut frame, if o.text { OP_TEXT } else { OP_BIN }, &vec![b'x'; o.size], Some(MASK));
    let fl = frame.len();
    let hl = fl - o.size;
    let wire: Vec<u8> = frame.iter().copied().cycle().take(fl * o.window).collect();
    let mut wire = wire;
    let patch = o.size >= 8;
    let mut tally = Tally::default();
    if secs > 0.0 {
        tally.lat.0.reserve((secs * 60_000.0) as usize / o.conns.max(1) + 1024);
    }
    let mut sent_at: VecDeque<(u64, Instant)> = VecDeque::with_capacity(o.window);
    let end = Instant::now() + Duration::from_secs_f64(secs);
    let (mut at, mut have) = (0usize, 0usize); // unsent part of wire
    let mut to_send = o.window;
    let mut stop = false;
    loop {
        if at == have && to_send > 0 && !stop {
            if Instant::now() >= end {
                stop = true;
            } else {
                let k = if o.messages > 0 { (to_send as u64).min(budget.get()) as usize } else { to_send };
                if o.messages > 0 {
                    budget.set(budget.get() - k as u64);
                    if k < to_send {
                        stop = true;
                    }
                }
                let now = Instant::now();
                for i in 0..k {
                    if patch {
                        // printable, so that --text stays valid UTF-8
                        let mut s = [0u8; 8];
                        for (j, b) in s.iter_mut().enumerate() {
                            *b = b'0' + (c.seq >> (4 * j) & 15) as u8;
                        }
                        xor(&mut s, MASK, 0);
                        wire[i * fl + hl..i * fl + hl + 8].copy_from_slice(&s);
                    }
                    sent_at.push_back((c.seq, now));
                    c.seq += 1;
                }
                at = 0;
                have = k * fl;
                to_send -= k;
            }
        }
        if stop && sent_at.is_empty() && at == have {
            break;
        }
        let Conn { s, parser, rx, .. } = &mut c;
        // write what is unsent, read what is there, whichever comes first
        let alive = poll_fn(|cx| {
            let mut progress = false;
            if at < have {
                match Pin::new(&mut *s).poll_write(cx, &wire[at..have]) {
                    Poll::Ready(Ok(n)) => {
                        at += n;
                        progress = true;
                    }
                    Poll::Ready(Err(e)) => return Poll::Ready(Err(e)),
                    Poll::Pending => {}
                }
            }
            if sent_at.is_empty() {
                return if progress { Poll::Ready(Ok(true)) } else { Poll::Pending };
            }
            RBUF.with_borrow_mut(|b| {
                let mut rb = ReadBuf::new(b);
                match Pin::new(&mut *s).poll_read(cx, &mut rb) {
                    Poll::Pending if progress && at < have => Poll::Ready(Ok(true)),
                    Poll::Pending => Poll::Pending,
                    Poll::Ready(Err(e)) => Poll::Ready(Err(e)),
                    Poll::Ready(Ok(())) if rb.filled().is_empty() => Poll::Ready(Ok(false)),
                    Poll::Ready(Ok(())) => Poll::Ready(parser.feed(rb.filled_mut(), rx).map(|_| true)),
                }
            })
        })
        .await?;
        if !alive {
            return bad("closed by peer while relaying");
        }
        if !c.rx.done.is_empty() {
            let now = Instant::now();
            while let Some((len, first)) = c.rx.done.pop_front() {
                let Some((seq, t)) = sent_at.pop_front() else { return bad("a message too many") };
                if len != o.size as u64 {
                    return bad(format!("echo of {len} bytes, sent {}", o.size));
                }
                if patch && (0..8).any(|j| first[j] != b'0' + (seq >> (4 * j) & 15) as u8) {
                    return bad("echo out of order or corrupt");
                }
                tally.lat.add(now - t);
                tally.msgs += 1;
                tally.bytes += len;
                to_send += 1;
            }
        }
        if !c.rx.pongs.is_empty() && at == have {
            let p = std::mem::take(&mut c.rx.pongs);
            c.s.write_all(&p).await?;
        }
        if c.rx.closed {
            return bad("close frame while relaying");
        }
    }
    Ok((c, tally))
}

async fn relay_phase(cs: Vec<Conn>, o: &Rc<RelayOpt>, secs: f64) -> io::Result<(Vec<Conn>, Tally, f64)> {
    let t0 = Instant::now();
    let budget = Rc::new(Cell::new(if o.messages > 0 { o.messages } else { u64::MAX }));
    let mut set = JoinSet::new();
    for c in cs {
        set.spawn_local(relay_conn(c, o.clone(), secs, budget.clone()));
    }
    let mut out = Vec::new();
    let mut all = Tally::default();
    while let Some(r) = set.join_next().await {
        let (c, t) = r.unwrap()?;
        out.push(c);
        all.msgs += t.msgs;
        all.bytes += t.bytes;
        all.lat.0.extend(t.lat.0);
    }
    Ok((out, all, t0.elapsed().as_secs_f64()))
}

pub async fn relay(t: Target, o: RelayOpt, sync: Sync) -> io::Result<()> {
    let t = Rc::new(t);
    let mut cs = open_all(&t, o.conns, 32).await?;
    let o = Rc::new(o);
    if o.warmup > 0.0 {
        let w = Rc::new(RelayOpt { messages: 0, ..*o });
        cs = relay_phase(cs, &w, o.warmup).await?.0;
    }
    sync.mark("READY").await;
    let secs = if o.messages > 0 { 3600.0 } else { o.secs };
    let (cs, mut all, el) = relay_phase(cs, &o, secs).await?;
    sync.mark(&format!(
        r#"DONE {{"conns":{},"size":{},"window":{},"echoes":{},"relayed":{},"secs":{el:.4},"msgs_per_s":{:.0},"bytes_per_s":{:.0},"lat":{}}}"#,
        o.conns, o.size, o.window, all.msgs, all.msgs * 2, all.msgs as f64 * 2.0 / el, all.bytes as f64 * 2.0 / el, all.lat.json()
    ))
    .await;
    close_all(cs).await;
    Ok(())
}
