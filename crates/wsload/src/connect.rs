//! Connections, one after another: handshake, one echo, closing handshake.
use crate::client::*;
use crate::measure::{Lat, Sync};
use crate::relay::{relay_conn, RelayOpt};
use std::cell::Cell;
use std::io;
use std::rc::Rc;
use std::time::Instant;
use tokio::task::JoinSet;

pub async fn connect(t: Target, total: usize, par: usize, size: usize, sync: Sync) -> io::Result<()> {
    let t = Rc::new(t);
    sync.mark("READY").await;
    let t0 = Instant::now();
    let next = Rc::new(Cell::new(0usize));
    let mut set = JoinSet::new();
    for _ in 0..par {
        let (t, next) = (t.clone(), next.clone());
        set.spawn_local(async move {
            let mut up = Lat::default();
            let mut echo = Lat::default();
            let mut errs: Vec<String> = vec![];
            let o = Rc::new(RelayOpt { conns: 1, size, window: 1, secs: 0.0, messages: 1, warmup: 0.0, text: false });
            while next.get() < total {
                next.set(next.get() + 1);
                let a = Instant::now();
                let r = async {
                    let c = open(&t).await?;
                    up.add(a.elapsed());
                    let (c, _) = relay_conn(c, o.clone(), 60.0, Rc::new(Cell::new(1))).await?;
                    echo.add(a.elapsed());
                    close(c).await
                }
                .await;
                if let Err(e) = r {
                    errs.push(e.to_string());
                    if errs.len() > 100 {
                        break;
                    }
                }
            }
            (up, echo, errs)
        });
    }
    let (mut up, mut echo, mut errs) = (Lat::default(), Lat::default(), vec![]);
    while let Some(r) = set.join_next().await {
        let (u, e, x) = r.unwrap();
        up.0.extend(u.0);
        echo.0.extend(e.0);
        errs.extend(x);
    }
    let el = t0.elapsed().as_secs_f64();
    let ok = echo.0.len();
    let first = errs.first().cloned().unwrap_or_default().replace(['"', '\\', '\n', '\r'], " ");
    sync.mark(&format!(
        r#"DONE {{"ok":{ok},"errors":{},"first_error":"{first}","secs":{el:.4},"connects_per_s":{:.0},"upgrade":{},"first_echo":{}}}"#,
        errs.len(), ok as f64 / el, up.json(), echo.json()
    ))
    .await;
    Ok(())
}
