//! A credential's file that changes while many are talking.

use futures_util::future::join_all;
use tollbridge_testkit::{Behaviour, RawWs, Upstream};

use crate::stage::{House, Plan, leave};

const OPEN: usize = 200;

/// Moves a new value into place, as careful editors and Kubernetes do.
fn rotate(house: &House, value: &str) {
    let dir = house.server.dir();
    std::fs::write(dir.join("vendor.new"), value).unwrap();
    std::fs::rename(dir.join("vendor.new"), dir.join("vendor.key")).unwrap();
}

fn shown(upstream: &Upstream, dial: usize) -> String {
    upstream.dials()[dial].header_values("x-api-key").concat()
}

#[tokio::test]
async fn many_go_on_talking_while_their_credential_is_rotated() {
    let upstream = Upstream::behaving(Behaviour::Echo).await;
    let lines = format!(
        "upstream = \"{}\"\ncredentials.headers.x-api-key = \"file:vendor.key\"\n",
        upstream.url()
    );
    let [first, second, third] = [
        "real-rotated-first",
        "real-rotated-second",
        "real-rotated-third",
    ];
    let plan = Plan::default()
        .route("voice", &lines)
        .file("vendor.key", first);
    let plan = plan.secret(first).secret(second).secret(third);
    let house = plan.start().await;
    let tokens = house.tokens("voice", OPEN).await;
    let enter = |token: &String| house.open(crate::stage::knock("voice", token));
    let mut open: Vec<RawWs> = join_all(tokens.iter().map(enter)).await;
    join_all(open.iter_mut().map(|ws| ws.echo("before"))).await;
    assert_eq!(shown(&upstream, OPEN - 1), first);
    for (number, value) in [second, third].into_iter().enumerate() {
        rotate(&house, value);
        let mut newcomer = house.enter("voice").await;
        assert_eq!(shown(&upstream, OPEN + number), value);
        join_all(open.iter_mut().map(|ws| ws.echo("after"))).await;
        newcomer.echo("with the new one").await;
        open.push(newcomer);
    }
    // A file that is gone for a moment is no reason to refuse anybody.
    std::fs::remove_file(house.server.dir().join("vendor.key")).unwrap();
    open.push(house.enter("voice").await);
    assert_eq!(shown(&upstream, OPEN + 2), third);
    assert!(upstream.dials().iter().all(|dial| dial.end.is_none()));
    join_all(open.iter_mut().map(|ws| ws.echo("to the end"))).await;
    assert!(house.events("session.closed").is_empty());
    join_all(open.into_iter().map(leave)).await;
    house.end().await;
}
