//! Floods, one direction at a time: down from /source, up to /sink.
use crate::client::*;
use crate::measure::Sync;
use crate::ws::*;
use std::io;
use std::rc::Rc;
use std::time::{Duration, Instant};
use tokio::io::AsyncWriteExt;
use tokio::task::JoinSet;

pub struct BulkOpt {
    pub conns: usize,
    pub size: usize,
    pub bytes: u64,
    pub secs: f64,
}

/// Receives a flood from /source (which waits for our first message: the URL has wait=1).
pub async fn recv(t: Target, o: BulkOpt, sync: Sync) -> io::Result<()> {
    let t = Rc::new(t);
    let cs = open_all(&t, o.conns, 32).await?;
    sync.mark("READY").await;
    let t0 = Instant::now();
    let mut set = JoinSet::new();
    let end = t0 + Duration::from_secs_f64(o.secs);
    for mut c in cs {
        set.spawn_local(async move {
            let mut f = Vec::new();
            put_frame(&mut f, OP_TEXT, b"go", Some(MASK));
            c.s.write_all(&f).await?;
            let mut msgs = 0u64;
            let mut cut = false;
            while !c.rx.closed {
                let Conn { s, parser, rx, .. } = &mut c;
                let more = read_chunk(s, |d| parser.feed(d, rx)).await?;
                msgs += c.rx.done.len() as u64;
                c.rx.done.clear();
                if !more {
                    if cut {
                        break;
                    }
                    return bad("flood ended without a close frame");
                }
                if !cut && Instant::now() > end {
                    // ask for the end, then drain what is under way
                    let mut f = Vec::new();
                    put_frame(&mut f, OP_CLOSE, &[0x03, 0xe8], Some(MASK));
                    c.s.write_all(&f).await?;
                    cut = true;
                }
            }
            let el = t0.elapsed();
            if !cut {
                let mut f = Vec::new();
                put_frame(&mut f, OP_CLOSE, &[0x03, 0xe8], Some(MASK));
                let _ = c.s.write_all(&f).await;
            }
            let bytes = c.rx.bytes;
            io::Result::Ok((c, msgs, bytes, el))
        });
    }
    tell(set, &sync).await?;
    Ok(())
}

/// Floods /sink with messages, then asks it how many came.
pub async fn send(t: Target, o: BulkOpt, sync: Sync) -> io::Result<()> {
    let t = Rc::new(t);
    let cs = open_all(&t, o.conns, 32).await?;
    sync.mark("READY").await;
    let t0 = Instant::now();
    let mut set = JoinSet::new();
    let end = t0 + Duration::from_secs_f64(o.secs);
    let (size, limit) = (o.size, if o.bytes > 0 { o.bytes } else { u64::MAX });
    for mut c in cs {
        set.spawn_local(async move {
            let mut one = Vec::new();
            put_frame(&mut one, OP_BIN, &vec![b'y'; size], Some(MASK));
            let per = ((128 << 10) / one.len()).max(1);
            let batch: Vec<u8> = one.iter().copied().cycle().take(one.len() * per).collect();
            let (mut sent, mut bytes) = (0u64, 0u64);
            while Instant::now() < end && bytes < limit {
                c.s.write_all(&batch).await?;
                sent += per as u64;
                bytes += (per * size) as u64;
            }
            let mut f = Vec::new();
            put_frame(&mut f, OP_TEXT, b"stat", Some(MASK));
            c.s.write_all(&f).await?;
            while c.rx.done.is_empty() {
                let Conn { s, parser, rx, .. } = &mut c;
                if !read_chunk(s, |d| parser.feed(d, rx)).await? {
                    return bad("closed before the sink answered");
                }
            }
            io::Result::Ok((c, sent, bytes, t0.elapsed()))
        });
    }
    close_all(tell(set, &sync).await?).await;
    Ok(())
}

/// One connection of a flood when it is over: it, its messages, their bytes, and how long it took.
type Flooded = (Conn, u64, u64, Duration);

/// Waits for all connections of a flood, adds up, tells the driver, and gives them back.
async fn tell(mut set: JoinSet<io::Result<Flooded>>, sync: &Sync) -> io::Result<Vec<Conn>> {
    let (mut msgs, mut bytes, mut el, mut keep) = (0, 0, Duration::ZERO, vec![]);
    while let Some(r) = set.join_next().await {
        let (c, m, b, e) = r.unwrap()?;
        msgs += m;
        bytes += b;
        el = el.max(e);
        keep.push(c);
    }
    let el = el.as_secs_f64();
    sync.mark(&format!(
        r#"DONE {{"conns":{},"messages":{msgs},"relayed":{msgs},"bytes":{bytes},"secs":{el:.4},"msgs_per_s":{:.0},"bytes_per_s":{:.0}}}"#,
        keep.len(), msgs as f64 / el, bytes as f64 / el
    ))
    .await;
    Ok(keep)
}
