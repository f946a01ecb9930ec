//! The real binary, in a directory of its own.

use std::{
    collections::BTreeMap,
    fs,
    net::SocketAddr,
    path::Path,
    process::{Command, ExitStatus, Output},
    sync::Arc,
    time::Duration,
};

use tempfile::TempDir;
use tokio::time::timeout;

use self::{launch::Launch, process::Process};

mod captured;
mod launch;
mod process;

/// How a server is to be started.
#[derive(Clone, Debug)]
pub struct Builder {
    binary: String,
    config: String,
    env: BTreeMap<String, String>,
    files: Vec<(String, Vec<u8>)>,
    descriptors: Option<u32>,
}

/// A running `tollbridge serve`. Killed when dropped; the directory goes with it.
pub struct Server {
    launch: Arc<Launch>,
    process: Process,
}

/// A server that would not start, or has stopped.
#[derive(Clone, Debug)]
pub struct Stopped {
    /// How it ended.
    pub status: ExitStatus,
    /// What it printed.
    pub stdout: String,
    /// What it logged.
    pub stderr: String,
}

impl Builder {
    /// The configuration file's text. It should listen on `127.0.0.1:0`, twice.
    #[must_use]
    pub fn config(mut self, toml: impl Into<String>) -> Self {
        self.config = toml.into();
        self
    }

    /// One more environment variable. Of the test's own environment the server sees only `PATH`.
    #[must_use]
    pub fn env(mut self, name: &str, value: &str) -> Self {
        self.env.insert(name.to_owned(), value.to_owned());
        self
    }

    /// One more file beside the configuration.
    #[must_use]
    pub fn file(mut self, name: &str, contents: impl AsRef<[u8]>) -> Self {
        self.files
            .push((name.to_owned(), contents.as_ref().to_vec()));
        self
    }

    /// At most so many descriptors, as after `ulimit -n`.
    #[must_use]
    pub const fn descriptors(mut self, most: u32) -> Self {
        self.descriptors = Some(most);
        self
    }

    /// Starts it and waits until it listens.
    ///
    /// # Panics
    /// Where it does not start; the message has its log.
    pub async fn start(self) -> Server {
        match self.try_start().await {
            Ok(server) => server,
            Err(stopped) => panic!("the server did not start: {stopped:?}"),
        }
    }

    /// Starts it and waits until it listens or ends.
    ///
    /// # Errors
    /// Where it ends.
    ///
    /// # Panics
    /// Where it does neither in time.
    pub async fn try_start(self) -> Result<Server, Stopped> {
        let launch = Arc::new(self.prepare());
        let process = Process::start(&launch).await?;
        Ok(Server { launch, process })
    }

    /// Runs another command in the same surroundings without starting a server.
    ///
    /// # Panics
    /// Where the binary cannot be run.
    pub async fn cli(self, arguments: &[&str]) -> Output {
        let launch = Arc::new(self.prepare());
        launch.run(arguments, b"").await
    }

    fn prepare(self) -> Launch {
        let dir = TempDir::with_prefix("tollbridge-").expect("a temporary directory");
        fs::write(dir.path().join("tollbridge.toml"), &self.config).expect("a writable directory");
        for (name, contents) in &self.files {
            fs::write(dir.path().join(name), contents).expect("a writable directory");
        }
        Launch {
            binary: self.binary,
            env: self.env,
            descriptors: self.descriptors,
            dir,
        }
    }
}

impl Server {
    /// Of this binary, e.g. `env!("CARGO_BIN_EXE_tollbridge")`; of the one that
    /// `TOLLBRIDGE_TEST_BIN` names instead, where it is set: the release build under the same tests.
    #[must_use]
    pub fn builder(binary: &str) -> Builder {
        let binary = std::env::var("TOLLBRIDGE_TEST_BIN").unwrap_or_else(|_| binary.to_owned());
        Builder {
            binary,
            config: String::new(),
            env: BTreeMap::new(),
            files: Vec::new(),
            descriptors: None,
        }
    }

    /// Where bearers and callers connect.
    #[must_use]
    pub const fn public(&self) -> SocketAddr {
        self.process.public
    }

    /// Where operators connect.
    #[must_use]
    pub const fn admin(&self) -> SocketAddr {
        self.process.admin
    }

    /// The directory with configuration, store and master key.
    #[must_use]
    pub fn dir(&self) -> &Path {
        self.launch.dir.path()
    }

    /// The process, for signals other than the usual.
    #[must_use]
    pub fn pid(&self) -> u32 {
        self.process.child.id()
    }

    /// Everything on standard error since the last start.
    #[must_use]
    pub fn logs(&self) -> String {
        self.process.stderr.text()
    }

    /// Everything on standard output since the last start.
    #[must_use]
    pub fn stdout(&self) -> String {
        self.process.stdout.text()
    }

    /// The first log line that `wanted` accepts, as soon as there is one.
    ///
    /// # Panics
    /// Where there is none by the deadline.
    pub async fn wait_for_log(&self, wanted: impl Fn(&str) -> bool, within: Duration) -> String {
        let found = self.process.stderr.line(wanted);
        match timeout(within, found).await {
            Ok(Some(line)) => line,
            _ => panic!("no such line in the log:\n{}", self.logs()),
        }
    }

    /// Runs another command of the binary with this server's configuration.
    ///
    /// # Panics
    /// Where the binary cannot be run.
    pub async fn cli(&self, arguments: &[&str]) -> Output {
        self.launch.run(arguments, b"").await
    }

    /// As [`cli`](Self::cli), with something on standard input.
    ///
    /// # Panics
    /// Where the binary cannot be run.
    pub async fn cli_with_input(&self, arguments: &[&str], input: &[u8]) -> Output {
        self.launch.run(arguments, input).await
    }

    /// Replaces the configuration file, in one step as careful editors do.
    ///
    /// # Panics
    /// Where the directory is not writable.
    pub fn rewrite_config(&self, toml: &str) {
        let draft = self.dir().join("tollbridge.toml.new");
        fs::write(&draft, toml).expect("a writable directory");
        fs::rename(draft, self.dir().join("tollbridge.toml")).expect("a writable directory");
    }

    /// Sends a signal by its name, e.g. `HUP`.
    ///
    /// # Panics
    /// Where the process is gone.
    pub fn signal(&self, name: &str) {
        let sent = Command::new("sh")
            .args(["-c", &format!("kill -{name} {}", self.pid())])
            .status()
            .expect("a shell");
        assert!(sent.success(), "the server is gone:\n{}", self.logs());
    }

    /// Asks it to stop.
    ///
    /// # Panics
    /// Where the process is gone.
    pub fn sigterm(&self) {
        self.signal("TERM");
    }

    /// Ends it at once, as a crash would, and waits until it is gone.
    ///
    /// # Panics
    /// Where the system refuses.
    pub fn kill9(&mut self) {
        self.process.kill();
    }

    /// Waits until it has ended of itself.
    ///
    /// # Panics
    /// Where it does not in time.
    pub async fn ended(&mut self) -> ExitStatus {
        self.process.ended().await
    }

    /// Asks it to stop and waits until it has.
    ///
    /// # Panics
    /// Where it does not in time.
    pub async fn stop(mut self) -> ExitStatus {
        self.sigterm();
        self.ended().await
    }

    /// Starts it again with the same directory, after stopping it if it still runs. The ports are
    /// new ones.
    ///
    /// # Panics
    /// Where it does not stop or does not start.
    pub async fn restart(&mut self) {
        if self.process.child.try_wait().expect("a child").is_none() {
            self.sigterm();
            self.ended().await;
        }
        match Process::start(&self.launch).await {
            Ok(process) => self.process = process,
            Err(stopped) => panic!("the server did not start again: {stopped:?}"),
        }
    }
}
