//! One process and what it says.

use std::{
    net::SocketAddr,
    process::{Child, ExitStatus},
    time::Duration,
};

use tokio::time::timeout;

use super::{Stopped, captured::Captured, launch::Launch};

/// A debug build on a busy machine makes keys and tables slowly.
const START: Duration = Duration::from_secs(60);

/// Longer than any drain that a test configures.
const STOP: Duration = Duration::from_secs(60);

/// A running server. Killed when dropped.
pub(super) struct Process {
    pub(super) child: Child,
    pub(super) stdout: Captured,
    pub(super) stderr: Captured,
    pub(super) public: SocketAddr,
    pub(super) admin: SocketAddr,
}

impl Process {
    pub(super) async fn start(launch: &Launch) -> Result<Self, Stopped> {
        let mut child = launch.command(&["serve"]).spawn().expect("the binary runs");
        let stdout = child.stdout.take().expect("piped");
        let stderr = child.stderr.take().expect("piped");
        let mut process = Self {
            child,
            stdout: Captured::from(stdout),
            stderr: Captured::from(stderr),
            public: SocketAddr::from(([0; 4], 0)),
            admin: SocketAddr::from(([0; 4], 0)),
        };
        match timeout(START, process.listening()).await {
            Ok(Some((public, admin))) => {
                (process.public, process.admin) = (public, admin);
                Ok(process)
            }
            Ok(None) => {
                let status = process.ended().await;
                process.stderr.to_end().await;
                Err(Stopped {
                    status,
                    stdout: process.stdout.text(),
                    stderr: process.stderr.text(),
                })
            }
            Err(_) => panic!("the server does not listen:\n{}", process.stderr.text()),
        }
    }

    /// The three lines `public URL`, `admin URL`, `config …`.
    async fn listening(&self) -> Option<(SocketAddr, SocketAddr)> {
        let public = self.stdout.line(|line| line.starts_with("public ")).await?;
        let admin = self.stdout.line(|line| line.starts_with("admin ")).await?;
        self.stdout.line(|line| line.starts_with("config ")).await?;
        Some((address_of(&public), address_of(&admin)))
    }

    /// The end of its output is the signal; what is left of the process is then collected.
    pub(super) async fn ended(&mut self) -> ExitStatus {
        if timeout(STOP, self.stdout.to_end()).await.is_err() {
            let logs = self.stderr.text();
            self.kill();
            panic!("the server does not end:\n{logs}");
        }
        self.child.wait().expect("a child")
    }

    pub(super) fn kill(&mut self) {
        self.child.kill().expect("a child");
        self.child.wait().expect("a child");
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        // Gone already is as good.
        let _gone = self.child.kill();
        let _collected = self.child.wait();
    }
}

fn address_of(line: &str) -> SocketAddr {
    line.rsplit_once("//")
        .and_then(|(_, address)| address.trim_end_matches('/').parse().ok())
        .unwrap_or_else(|| panic!("no address in `{line}`"))
}
