//! A program that prints a token.

use std::{env, path::PathBuf, process::Stdio, time::Duration};

use rustix::process::{Pid, Signal, kill_process_group};
use tokio::{
    io::AsyncReadExt as _,
    process::{Child, Command},
    time::timeout,
};
use zeroize::Zeroizing;

use crate::{
    CommandError, FetchError, answer,
    fetched::Kind,
    value::{self, Harvest, LONGEST},
};

/// A program that prints a token on standard output. It is run without a shell, with nothing on
/// standard input and nothing of the environment but `PATH` and `HOME`; what it says on standard
/// error is dropped, since nobody can tell what is in it.
///
/// White space around the token is cut off. More than 16 KiB, or a status other than 0, is a
/// failure. When its time is over it is killed, and with it all that it has started in its process
/// group.
#[derive(Clone)]
pub struct TokenCommand {
    /// The program, absolute or found in `PATH`.
    pub program: PathBuf,
    /// Its arguments.
    pub arguments: Vec<String>,
    /// How long it may take.
    pub timeout: Duration,
    /// How long its token may be used for further dials, at most a day. Zero: each dial runs it.
    pub cache_for: Duration,
}

impl TokenCommand {
    pub(crate) async fn fetch(&self) -> Result<Harvest, FetchError> {
        let mut run = Run(self.start()?);
        let text = timeout(self.timeout, run.output())
            .await
            .map_err(|_elapsed| FetchError::Timeout(self.timeout))??;
        let token = value::token(text.trim().to_owned()).map_err(CommandError::Output)?;
        let kept = i64::try_from(self.cache_for.as_secs()).unwrap_or(i64::MAX);
        Ok(Harvest {
            kind: Kind::Token,
            value: token,
            life: answer::life(Some(kept)),
        })
    }

    fn start(&self) -> Result<Child, CommandError> {
        let kept = ["PATH", "HOME"].map(|name| (name, env::var_os(name)));
        Command::new(&self.program)
            .args(&self.arguments)
            .env_clear()
            .envs(kept.into_iter().filter_map(|(name, it)| Some((name, it?))))
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            // One of its own, so that it can be ended as a whole.
            .process_group(0)
            .kill_on_drop(true)
            .spawn()
            .map_err(|error| CommandError::Start(error.kind().to_string()))
    }
}

/// A program that runs. Ended when dropped.
struct Run(Child);

impl Run {
    /// What it prints, once it has ended well.
    async fn output(&mut self) -> Result<Zeroizing<String>, CommandError> {
        let unread = |_error| CommandError::Output("something that cannot be read");
        // Room for all of it: a buffer that grows leaves copies behind.
        let mut text = Vec::with_capacity(LONGEST + 1);
        if let Some(stdout) = self.0.stdout.take() {
            let room = LONGEST as u64 + 1;
            let mut stdout = stdout.take(room);
            stdout.read_to_end(&mut text).await.map_err(unread)?;
        }
        if text.len() > LONGEST {
            return Err(CommandError::Output("more than 16 KiB"));
        }
        let status = self.0.wait().await.map_err(unread)?;
        if !status.success() {
            return Err(CommandError::Failed(status.code()));
        }
        String::from_utf8(text)
            .map(Zeroizing::new)
            .map_err(|_bytes| CommandError::Output("something that is no text"))
    }
}

impl Drop for Run {
    fn drop(&mut self) {
        // It has an id as long as nobody has collected its status, and so long it is nobody else's.
        let group = self.0.id().and_then(|id| i32::try_from(id).ok());
        if let Some(group) = group.and_then(Pid::from_raw) {
            let _gone_already = kill_process_group(group, Signal::KILL);
        }
    }
}
