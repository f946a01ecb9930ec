//! What every start of one server has in common.

use std::{
    collections::BTreeMap,
    io::Write as _,
    process::{Command, Output, Stdio},
};

use tempfile::TempDir;
use tokio::task::spawn_blocking;

/// Binary, surroundings and directory.
pub(super) struct Launch {
    pub(super) binary: String,
    pub(super) env: BTreeMap<String, String>,
    pub(super) descriptors: Option<u32>,
    pub(super) dir: TempDir,
}

impl Launch {
    pub(super) fn command(&self, arguments: &[&str]) -> Command {
        let mut command = self.program();
        command
            .args(arguments)
            .arg("--config")
            .arg(self.dir.path().join("tollbridge.toml"))
            .current_dir(self.dir.path())
            .env_clear()
            .env("PATH", std::env::var_os("PATH").unwrap_or_default())
            .envs(&self.env)
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped());
        command
    }

    /// The binary; behind a shell that lowers the limit and then becomes it, where one is set.
    fn program(&self) -> Command {
        let Some(most) = self.descriptors else {
            return Command::new(&self.binary);
        };
        let mut shell = Command::new("/bin/sh");
        let script = format!("ulimit -n {most} && exec \"$0\" \"$@\"");
        shell.arg("-c").arg(script).arg(&self.binary);
        shell
    }

    pub(super) async fn run(&self, arguments: &[&str], input: &[u8]) -> Output {
        let mut command = self.command(arguments);
        let input = input.to_vec();
        let run = move || {
            let mut child = command.stdin(Stdio::piped()).spawn()?;
            // A command that does not read its input closes the pipe; that is its right.
            let _unread = child.stdin.take().map(|mut stdin| stdin.write_all(&input));
            child.wait_with_output()
        };
        spawn_blocking(run)
            .await
            .expect("no panic")
            .expect("the binary runs")
    }
}
