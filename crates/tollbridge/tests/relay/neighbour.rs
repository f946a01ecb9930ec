//! A session of somebody who has nothing to do with it.

use std::time::Duration;

use tokio::{
    join, select,
    sync::Notify,
    time::{Instant, interval},
};
use tollbridge_testkit::RawWs;

use crate::stage::Stage;

/// The route of the neighbours.
pub(crate) const NEIGHBOUR: &str = "neighbour";

/// How long a neighbour's echo may take. Generous: it shares its worker's thread with floods that
/// a debug build reads slowly, on a machine that may be busy. What it notices is waiting for
/// somebody else, not microseconds.
const NEIGHBOURLY: Duration = Duration::from_secs(10);

/// What `doing` gives, if the neighbour did not notice: its session is there before, echoes
/// meanwhile, and closes behind it.
pub(crate) async fn beside<T>(stage: &Stage, doing: impl Future<Output = T>) -> Result<T, String> {
    let mut neighbour = stage.session(NEIGHBOUR).await;
    neighbour.echo("before").await;
    let over = Notify::new();
    let doing = async {
        let done = doing.await;
        over.notify_one();
        done
    };
    let (done, calm) = join!(doing, go_on(&mut neighbour, &over));
    neighbour.echo("after").await;
    neighbour.close(1000).await;
    calm.map(|()| done)
}

/// Echoes until it is over, and says where it was held up.
async fn go_on(neighbour: &mut RawWs, over: &Notify) -> Result<(), String> {
    let mut ticks = interval(Duration::from_millis(20));
    loop {
        select! {
            _ = ticks.tick() => {}
            () = over.notified() => return Ok(()),
        }
        let asked = Instant::now();
        neighbour.echo("meanwhile").await;
        let took = asked.elapsed();
        if took > NEIGHBOURLY {
            return Err(format!("a neighbour was held up for {took:?}"));
        }
    }
}
