//! Disorder: sessions of which either side is reset, half-closed, stalled, delayed, trickled or closed, at random. Both
//! ends are ours, so what has to come of each is known: what the sides read is judged here, the log by the driver.
use crate::chaos_plan::{Last, Plan, Side};
use crate::chaos_side::{play, Rules, Saw};
use crate::measure::Sync;
use crate::soak_peer::{slug, tally, target, upstream, Door};
use crate::ws::{header, query};
use std::cell::{Cell, RefCell};
use std::collections::HashMap;
use std::io::{self, Write};
use std::rc::Rc;
use std::time::{Duration, Instant};
use tokio::sync::oneshot;
use tokio::task::JoinSet;

pub struct DisorderOpt {
    pub listen: String,
    pub secret: String,
    /// Sessions at once.
    pub conns: usize,
    /// How long new ones begin.
    pub secs: f64,
    /// The same for the warm-up.
    pub warm: f64,
    pub rules: Rules,
    /// The latest that a session's act comes, in milliseconds.
    pub latest: u64,
    /// Where a line for each session goes: its id, what was done, what the log has to say.
    pub report: String,
}

/// How long the upstream's half may take behind the client's.
const HALF: Duration = Duration::from_secs(60);

type Halves = Rc<RefCell<HashMap<u64, oneshot::Sender<(String, Saw)>>>>;

/// Runs rounds, one for each line of the driver: `ROUND {json}` answers. The first is the warm-up.
pub async fn disorder(door: Door, o: DisorderOpt, sync: Sync) -> io::Result<()> {
    let halves: Halves = Halves::default();
    let (ears, rules, latest) = (halves.clone(), o.rules, o.latest);
    upstream(&o.listen, &o.secret, move |head, peer| {
        let ears = ears.clone();
        async move {
            let who = query(target(&head), "n").and_then(|n| n.parse().ok()).unwrap_or(u64::MAX);
            let session = header(&head, "x-session").0.unwrap_or_default().to_string();
            let Some(tell) = ears.borrow_mut().remove(&who) else { return Ok(()) };
            let saw = play(peer, Plan::new(rules.seed, who, latest), Side::Upstream, rules).await;
            let _ = tell.send((session, saw));
            Ok(())
        }
    })?;
    let mut report = io::BufWriter::new(std::fs::File::create(&o.report)?);
    let next = Rc::new(Cell::new(0));
    let door = Rc::new(door);
    for secs in [o.warm, o.secs] {
        sync.mark("READY").await;
        let faults = round(&door, &halves, &o, secs, &next, &mut report).await?;
        report.flush()?;
        println!(r#"ROUND {{"sessions":{},"faults":{},"what":{}}}"#, next.get(), faults.len(), tally(&faults));
    }
    sync.mark("DONE").await;
    Ok(())
}

async fn round(
    door: &Rc<Door>,
    halves: &Halves,
    o: &DisorderOpt,
    secs: f64,
    next: &Rc<Cell<u64>>,
    report: &mut impl Write,
) -> io::Result<Vec<String>> {
    let end = Instant::now() + Duration::from_secs_f64(secs);
    let mut set = JoinSet::new();
    let mut faults = vec![];
    loop {
        while set.len() < o.conns && Instant::now() < end {
            let plan = Plan::new(o.rules.seed, next.replace(next.get() + 1), o.latest);
            set.spawn_local(session(door.clone(), halves.clone(), plan, o.rules));
        }
        let Some(over) = set.join_next().await else { return Ok(faults) };
        let (plan, session, found) = over.unwrap();
        let (initiator, reason) = plan.record();
        let did = format!("{} by the {}", plan.act.name(), plan.by.name());
        writeln!(report, r#"{{"session":"{session}","did":"{did}","initiator":"{initiator}","reason":"{reason}"}}"#)?;
        faults.extend(found.into_iter().map(|f| format!("{did}: {f}")));
    }
}

/// One session from both ends: its plan, its id, and what was not as it had to be.
async fn session(door: Rc<Door>, halves: Halves, plan: Plan, rules: Rules) -> (Plan, String, Vec<String>) {
    let (tell, told) = oneshot::channel();
    halves.borrow_mut().insert(plan.who, tell);
    let peer = match door.open(plan.who).await {
        Ok(peer) => peer,
        Err(e) => {
            halves.borrow_mut().remove(&plan.who);
            return (plan, String::new(), vec![format!("not opened: {e}")]);
        }
    };
    let client = play(peer, plan, Side::Client, rules).await;
    let (session, far) = match tokio::time::timeout(HALF, told).await {
        Ok(Ok(half)) => half,
        _ => (String::new(), Saw { faults: vec!["no word from this half".into()], ..Saw::default() }),
    };
    let mut faults = vec![];
    for (side, saw, other) in [(Side::Client, &client, &far), (Side::Upstream, &far, &client)] {
        let mut found = saw.faults.clone();
        found.extend(misread(&plan.last(side), saw));
        if side == plan.by && plan.is_orderly() && other.got != saw.sent {
            found.push(format!("sent {} messages, {} arrived", saw.sent, other.got));
        }
        faults.extend(found.into_iter().map(|f| format!("{}: {f}", side.name())));
    }
    (plan, session, faults)
}

/// What a side read last, where it had to be something else.
fn misread(want: &Last, saw: &Saw) -> Option<String> {
    let heard = saw.close.as_ref().map(|(code, reason)| (*code, slug(reason)));
    let good = match (want, heard) {
        (Last::Any, _) | (Last::Cut | Last::ToldOrCut(..), None) => true,
        (Last::Told(code, slug), Some(heard)) => heard == (*code, *slug),
        (Last::ToldOrCut(code, slug), Some(heard)) => heard == (Some(*code), *slug),
        (Last::Cut, Some(_)) | (Last::Told(..), None) => false,
    };
    (!good).then(|| format!("had to read {want:?}, read {heard:?}"))
}
