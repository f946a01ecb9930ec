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

    /// The first line that is wanted, or `None` at the end of the output. `wanted` may look at the
    /// whole output itself: it is asked while nothing is held, as a second look would otherwise
    /// wait for the pipe, which waits for the first one.
    pub(super) async fn line(&self, wanted: impl Fn(&str) -> bool) -> Option<String> {
        let mut said = self.0.clone();
        loop {
            let (text, ended) = said.borrow_and_update().clone();
            let mut whole = text
                .split_inclusive('\n')
                .filter(|line| line.ends_with('\n'))
                .map(str::trim_end);
            if let Some(line) = whole.find(|line| wanted(line)) {
                return Some(line.to_owned());
            }
            if ended || said.changed().await.is_err() {
                return None;
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use std::io::{Write as _, pipe};

    use super::*;

    /// As a test does that counts lines while it waits for one.
    #[tokio::test]
    async fn who_waits_for_a_line_may_look_at_all_of_them() {
        let (reader, mut writer) = pipe().unwrap();
        let captured = Captured::from(reader);
        writer.write_all(b"first\n").unwrap();
        let line = captured.line(|line| {
            if line == "first" {
                writer.try_clone().unwrap().write_all(b"second\n").unwrap();
                while !captured.text().contains("second") {
                    thread::yield_now();
                }
            }
            line == "second"
        });
        assert_eq!(line.await.as_deref(), Some("second"));
    }

    #[tokio::test]
    async fn the_end_of_the_output_ends_the_waiting() {
        let captured = Captured::from(&b"one\nhalf a li"[..]);
        assert_eq!(captured.line(|line| line.starts_with("half")).await, None);
        assert_eq!(captured.line(|line| line == "one").await.unwrap(), "one");
    }
}
