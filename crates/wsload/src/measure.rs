//! What a load measures with: latencies, and the words by which its driver tells the phases apart.
use std::io::{self, Write};
use std::time::Duration;

#[derive(Default, Clone)]
pub struct Lat(pub Vec<u32>); // tenths of a microsecond

impl Lat {
    #[inline]
    pub fn add(&mut self, d: Duration) {
        self.0.push((d.as_nanos() / 100).min(u32::MAX as u128) as u32)
    }
    pub fn json(&mut self) -> String {
        if self.0.is_empty() {
            return r#"{"n":0}"#.into();
        }
        self.0.sort_unstable();
        let q = |p: f64| self.0[((self.0.len() as f64 * p) as usize).min(self.0.len() - 1)] as f64 / 10.0;
        let mean = self.0.iter().map(|x| *x as f64).sum::<f64>() / self.0.len() as f64 / 10.0;
        format!(
            r#"{{"n":{},"mean_us":{mean:.1},"p50_us":{:.1},"p90_us":{:.1},"p99_us":{:.1},"p999_us":{:.1},"max_us":{:.1}}}"#,
            self.0.len(), q(0.5), q(0.9), q(0.99), q(0.999), q(1.0)
        )
    }
}

/// With --sync the driver says when each phase starts: we print a word and wait for a line.
pub struct Sync(pub bool);
impl Sync {
    pub async fn mark(&self, what: &str) {
        println!("{what}");
        let _ = io::stdout().flush();
        if self.0 {
            let (tx, rx) = tokio::sync::oneshot::channel();
            std::thread::spawn(move || {
                let mut l = String::new();
                let _ = io::stdin().read_line(&mut l);
                let _ = tx.send(());
            });
            let _ = rx.await;
        }
    }
    pub fn say(&self, what: &str) {
        println!("{what}");
        let _ = io::stdout().flush();
    }
}
