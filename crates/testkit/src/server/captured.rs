//! What a pipe says.

use std::{
    io::{BufRead as _, BufReader, Read},
    thread,
};

use tokio::sync::watch;

/// What a pipe has said so far, and whether it has ended.
#[derive(Clone)]
pub(super) struct Captured(watch::Receiver<(String, bool)>);

impl Captured {
    /// Reads to the end on a thread of its own, so that the server never waits for the test.
    pub(super) fn from(pipe: impl Read + Send + 'static) -> Self {
        let (sender, receiver) = watch::channel((String::new(), false));
        thread::spawn(move || {
            let mut pipe = BufReader::new(pipe);
            let mut line = Vec::new();
            while pipe.read_until(b'\n', &mut line).is_ok_and(|read| read > 0) {
                let text = String::from_utf8_lossy(&line).into_owned();
                sender.send_modify(|(said, _)| said.push_str(&text));
                line.clear();
            }
            sender.send_modify(|(_, ended)| *ended = true);
        });
        Self(receiver)
    }

    pub(super) fn text(&self) -> String {
        self.0.borrow().0.clone()
    }

    pub(super) async fn to_end(&self) {
        let mut said = self.0.clone();
        let _ended = said.wait_for(|(_, ended)| *ended).await;
    }

    /// The first line that is wanted, or `None` at the end of the output.
    pub(super) async fn line(&self, wanted: impl Fn(&str) -> bool) -> Option<String> {
        let mut said = self.0.clone();
        let mut found = None;
        let _seen = said
            .wait_for(|(text, ended)| {
                let whole = text
                    .split_inclusive('\n')
                    .filter(|line| line.ends_with('\n'));
                found = whole
                    .map(str::trim_end)
                    .find(|line| wanted(line))
                    .map(str::to_owned);
                found.is_some() || *ended
            })
            .await;
        found
    }
}
