//! Mints, admissions, refusals of genuine tokens and endings: batched for at most a second.
//!
//! Operator acts do not pass here: the store writes those in the act's own transaction.

use std::{
    collections::HashMap,
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
};

use prometheus::IntCounter;
use tokio::sync::{mpsc, oneshot};
use tollbridge_store::{AuditEntry, AuditLog};

/// Facts that may wait for the store. Where it fills up, the node stops minting and redeeming
/// rather than forget: at a thousand sessions a second this is several seconds of a dead disk.
const MOST_WAITING: usize = 16 * 1024;

/// Facts written at once.
const BATCH: usize = 1024;

/// Refusals that one batch tells apart by their target.
const MOST_KINDS: usize = 256;

/// What somebody can bring about again and again.
const FOLDED: [&str; 4] = [
    "admin.denied",
    "revocation.denied",
    "token.denied",
    "upgrade.denied",
];

/// How long a fact may wait.
const FLUSH_EVERY: std::time::Duration = std::time::Duration::from_millis(500);

/// Takes facts from request handlers.
pub struct AuditSink {
    queue: mpsc::Sender<Item>,
    healthy: Arc<AtomicBool>,
}

enum Item {
    Fact(Box<AuditEntry>),
    /// Answered once everything before it is written.
    Flush(oneshot::Sender<()>),
}

/// The other end: runs until the sink is dropped.
pub struct AuditWriter {
    queue: mpsc::Receiver<Item>,
    log: Arc<dyn AuditLog>,
    healthy: Arc<AtomicBool>,
    failures: IntCounter,
}

/// Makes both ends; `failures` counts batches that the store refused.
#[must_use]
pub fn sink(log: Arc<dyn AuditLog>, failures: IntCounter) -> (AuditSink, AuditWriter) {
    let (sender, receiver) = mpsc::channel(MOST_WAITING);
    let healthy = Arc::new(AtomicBool::new(true));
    (
        AuditSink {
            queue: sender,
            healthy: Arc::clone(&healthy),
        },
        AuditWriter {
            queue: receiver,
            log,
            healthy,
            failures,
        },
    )
}

impl AuditSink {
    /// Hands a fact over. Never waits.
    pub fn push(&self, entry: AuditEntry) {
        if self.queue.try_send(Item::Fact(Box::new(entry))).is_err() {
            self.healthy.store(false, Ordering::Relaxed);
            tracing::error!(event = "audit.dropped", "the audit queue is full or closed");
        }
    }

    /// Waits until everything handed over so far is written.
    pub async fn flush(&self) {
        let (done, written) = oneshot::channel();
        if self.queue.send(Item::Flush(done)).await.is_ok() {
            let _closed = written.await;
        }
    }

    /// Whether the last batch reached the store.
    #[must_use]
    pub fn healthy(&self) -> bool {
        self.healthy.load(Ordering::Relaxed)
    }
}

impl AuditWriter {
    /// Writes batches until every sink is gone. A batch that the store refuses is tried again
    /// until it is taken. It rests only after a batch that was not full: or else the rest, and not
    /// the store, would say how many facts a second there may be.
    pub async fn run(mut self) {
        let mut items = Vec::with_capacity(BATCH);
        loop {
            let taken = self.queue.recv_many(&mut items, BATCH).await;
            if taken == 0 {
                return;
            }
            let mut facts = Vec::with_capacity(items.len());
            let mut waiting = Vec::new();
            for item in items.drain(..) {
                match item {
                    Item::Fact(fact) => facts.push(*fact),
                    Item::Flush(done) => waiting.push(done),
                }
            }
            self.write(&folded(facts)).await;
            for done in waiting {
                // Who asked may have stopped waiting.
                let _gone = done.send(());
            }
            if taken < BATCH {
                tokio::time::sleep(FLUSH_EVERY).await;
            }
        }
    }

    async fn write(&self, facts: &[AuditEntry]) {
        if facts.is_empty() {
            return;
        }
        while let Err(error) = self.log.append(facts).await {
            self.failures.inc();
            if self.healthy.swap(false, Ordering::Relaxed) {
                tracing::error!(event = "audit.unwritable", error = %chain(&error), "the audit log cannot be written");
            }
            tokio::time::sleep(FLUSH_EVERY).await;
        }
        if !self.healthy.swap(true, Ordering::Relaxed) {
            tracing::info!(
                event = "audit.writable",
                "the audit log can be written again"
            );
        }
    }
}

/// Refusals of the same kind from the same place within one batch are one record with a count:
/// who holds one spent token, or no key at all, must not be able to fill the disk.
fn folded(facts: Vec<AuditEntry>) -> Vec<AuditEntry> {
    let mut kept: Vec<AuditEntry> = Vec::with_capacity(facts.len());
    let mut seen: HashMap<(String, String, String, String), (usize, u64)> = HashMap::new();
    for fact in facts {
        if !FOLDED.contains(&fact.event.as_str()) {
            kept.push(fact);
            continue;
        }
        // Targets hold what strangers choose: past the bound they are told apart no more.
        let target = if seen.len() < MOST_KINDS {
            fact.target.clone()
        } else {
            String::new()
        };
        let kind = (
            fact.event.clone(),
            fact.from.clone(),
            target,
            fact.result.clone(),
        );
        match seen.get_mut(&kind) {
            Some((_, count)) => *count += 1,
            None => {
                seen.insert(kind, (kept.len(), 1));
                kept.push(fact);
            }
        }
    }
    for (at, count) in seen.into_values().filter(|(_, count)| *count > 1) {
        if let Some(facts) = kept.get_mut(at).and_then(|fact| fact.facts.as_object_mut()) {
            facts.insert("count".to_owned(), count.into());
        }
    }
    kept
}

/// An error with all its causes, on one line.
#[must_use]
pub fn chain(error: &dyn std::error::Error) -> String {
    let mut text = error.to_string();
    let mut cause = error.source();
    while let Some(next) = cause {
        text.push_str(": ");
        text.push_str(&next.to_string());
        cause = next.source();
    }
    text
}

#[cfg(test)]
mod tests {
    use futures_util::FutureExt as _;
    use tollbridge_domain::Moment;
    use tollbridge_store::{AuditQuery, memory::MemoryStore};

    use super::*;

    fn fact() -> AuditEntry {
        AuditEntry {
            seq: 0,
            at: Moment::from_seconds(1),
            who: "ada".to_owned(),
            from: "local".to_owned(),
            event: "token.minted".to_owned(),
            target: "jti".to_owned(),
            why: String::new(),
            result: "ok".to_owned(),
            facts: serde_json::Value::Null,
        }
    }

    /// A thousand sessions a second are three thousand facts a second.
    #[tokio::test]
    async fn a_backlog_is_written_without_a_rest() {
        let store = Arc::new(MemoryStore::new());
        let failures = IntCounter::new("failures", "of the test").unwrap();
        let (sink, writer) = sink(Arc::<MemoryStore>::clone(&store), failures);
        let many = 4 * BATCH + 1;
        for _ in 0..many {
            sink.push(fact());
        }
        // Polled once: it goes on until it rests.
        assert!(Box::pin(writer.run()).now_or_never().is_none());
        let query = AuditQuery {
            limit: u32::MAX,
            ..AuditQuery::default()
        };
        assert_eq!(store.audit(&query).await.unwrap().len(), many);
    }

    /// A thousand replays of one spent token are one record; other facts are left as they are.
    #[test]
    fn equal_refusals_of_a_batch_are_one_record_with_a_count() {
        let denied = |target: &str| AuditEntry {
            event: "upgrade.denied".to_owned(),
            target: target.to_owned(),
            facts: serde_json::json!({}),
            ..fact()
        };
        let mut facts = vec![denied("a"), fact(), denied("b"), fact()];
        facts.extend((0..999).map(|_| denied("a")));
        let kept = folded(facts);
        let targets: Vec<&str> = kept.iter().map(|one| one.target.as_str()).collect();
        assert_eq!(targets, ["a", "jti", "b", "jti"]);
        assert_eq!(kept[0].facts["count"], 1000);
        assert_eq!(kept[2].facts, serde_json::json!({}));
    }
}
