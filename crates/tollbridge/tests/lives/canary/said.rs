//! What a server said, and by what.

use std::{fs, path::Path};

use tollbridge_testkit::{Logs, Response, Server};

/// Everything that is to be searched.
#[derive(Default)]
pub(crate) struct Said(Vec<(String, String)>);

impl Said {
    pub(crate) fn note(&mut self, by: &str, text: impl Into<String>) {
        self.0.push((by.to_owned(), text.into()));
    }

    /// An answer with its headers; `but` is what it is there to tell.
    pub(crate) fn answer(&mut self, by: &str, answer: &Response, but: &str) {
        let mut text = String::from_utf8_lossy(&answer.body).into_owned();
        for (name, value) in &answer.headers {
            text.push_str(&format!("\n{name}: {value}"));
        }
        if !but.is_empty() {
            text = text.replace(but, "");
        }
        self.note(by, text);
    }

    /// What every user of the machine can read. The environment, which holds the credential
    /// because the test's configuration says `env:`, only the server's own user can.
    pub(crate) fn command_line(&mut self, server: &Server) {
        let bytes = fs::read(format!("/proc/{}/cmdline", server.pid())).unwrap();
        self.note("the command line", String::from_utf8_lossy(&bytes));
    }

    /// The store's files as they lie on disk, the log that SQLite writes ahead among them.
    pub(crate) fn stored(&mut self, dir: &Path) {
        for name in ["tollbridge.db", "tollbridge.db-wal", "tollbridge.db-shm"] {
            let bytes = fs::read(dir.join(name)).unwrap();
            self.note(name, String::from_utf8_lossy(&bytes));
        }
    }

    pub(crate) fn assert_clean(&self, secrets: &Logs) {
        for (by, text) in &self.0 {
            assert!(!text.is_empty(), "{by} said nothing at all");
            secrets.assert_absent(by, text);
        }
    }

    /// The search finds what it should: each canary, planted into what each one said.
    pub(crate) fn seen_failing(&self, secrets: &Logs, canaries: &[&str]) {
        for (by, text) in &self.0 {
            for canary in canaries {
                let (start, end) = text.split_at(text.floor_char_boundary(text.len() / 2));
                let planted = format!("{start}{canary}{end}");
                assert!(secrets.present(&planted), "not found in what {by} said");
            }
        }
    }
}
