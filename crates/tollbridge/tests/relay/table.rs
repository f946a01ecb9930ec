//! Every row of the table, on one server.

use std::{
    collections::{BTreeMap, BTreeSet},
    sync::Arc,
};

use tokio::{sync::Semaphore, task::JoinSet};
use tollbridge_testkit::{Behaviour, Logs, Upstream, get};

use crate::{
    neighbour::{NEIGHBOUR, beside},
    row::Row,
    rows,
    stage::{CREDENTIAL, Plan, Stage},
};

/// Rows at once; most of them wait.
const ABREAST: usize = 24;

/// R03 to R09, R11, R14, and a stop in the middle of everything: what each side reads, and that
/// log and metrics tell the same ending. Each row has a neighbour that must not notice.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn every_case_ends_as_the_table_says() {
    let rows = rows::all();
    assert!(rows.len() >= 40, "{} rows", rows.len());
    let names: BTreeSet<&str> = rows.iter().map(|row| row.name.as_str()).collect();
    assert_eq!(names.len(), rows.len(), "two rows of one name");
    let echo = Upstream::behaving(Behaviour::Echo).await;
    let stage = Arc::new(stage(&rows, &echo).await);
    let rows: Vec<Arc<Row>> = rows.into_iter().map(Arc::new).collect();
    let failures = play(&rows, &stage).await;
    assert!(failures.is_empty(), "{}", failures.join("\n"));
    agree(&stage, &rows).await;
    discreet(&stage).await;
}

async fn stage(rows: &[Row], echo: &Upstream) -> Stage {
    let plan = Plan::new().await.echo(NEIGHBOUR, echo);
    let plan = rows
        .iter()
        .fold(plan, |plan, row| plan.route(&row.name, &row.settings));
    plan.start().await
}

/// What was otherwise, of all rows.
async fn play(rows: &[Arc<Row>], stage: &Arc<Stage>) -> Vec<String> {
    let room = Arc::new(Semaphore::new(ABREAST));
    let mut playing = JoinSet::new();
    for row in rows {
        let (row, stage, room) = (Arc::clone(row), Arc::clone(stage), Arc::clone(&room));
        playing.spawn(async move {
            let _place = room.acquire().await;
            let played = beside(&stage, row.play(&stage)).await.flatten();
            played.map_err(|what| format!("{}: {what}", row.name))
        });
    }
    let mut failures = Vec::new();
    while let Some(played) = playing.join_next().await {
        match played {
            Ok(Ok(())) => {}
            Ok(Err(what)) => failures.push(what),
            Err(panic) => failures.push(panic.to_string()),
        }
    }
    failures
}

/// Log and metrics tell the same endings, and nothing is left over.
async fn agree(stage: &Stage, rows: &[Arc<Row>]) {
    stage.until_empty(NEIGHBOUR).await;
    let closed = stage.series("tollbridge_sessions_closed_total").await;
    let mut found: BTreeMap<String, Vec<String>> = BTreeMap::new();
    for (labels, count) in closed {
        let route = label(&labels, "route").to_owned();
        let (side, code) = (label(&labels, "initiator"), label(&labels, "code"));
        let seen = found.entry(route).or_default();
        seen.push(format!("{side} {code} {count}"));
    }
    for row in rows {
        let logged = stage.ended(&row.name).await;
        let side = logged["initiator"].as_str().unwrap();
        let wanted = [format!("{side} {} 1", row.ending.label())];
        assert_eq!(found[&row.name], wanted, "{}", row.name);
    }
    let innocent = [format!("client 1000 {}", rows.len())];
    assert_eq!(
        found[NEIGHBOUR], innocent,
        "all neighbours closed of themselves"
    );
    for (labels, open) in stage.series("tollbridge_sessions_active").await {
        assert_eq!(open, 0, "{labels}");
    }
}

/// No peer's word and no credential is in the log, and nothing panicked.
async fn discreet(stage: &Stage) {
    let logs = stage.server.logs();
    Logs::new()
        .secret("credential", CREDENTIAL)
        .assert_absent("the log", &logs);
    assert!(!logs.contains("impatient"), "a reason is in the log");
    assert!(!logs.contains(r#""event":"panic""#), "{logs}");
    let alive = get(stage.server.public(), "/livez", &[]).await;
    assert_eq!(alive.status, 200);
}

fn label<'a>(labels: &'a str, name: &str) -> &'a str {
    let start = format!("{name}=\"");
    let value = labels.split(',').find_map(|it| it.strip_prefix(&start));
    value.unwrap().trim_end_matches('"')
}
