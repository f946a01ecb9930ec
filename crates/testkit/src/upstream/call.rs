//! A conversation: whole messages both ways, each wait with its deadline.

use std::{io, time::Duration};

use serde_json::Value;
use tokio::{
    io::{AsyncWriteExt as _, ReadHalf, WriteHalf},
    sync::mpsc,
    task::JoinHandle,
    time::{Instant, timeout, timeout_at},
};

use super::{
    Dial,
    dial::Pen,
    link::{Line, Link},
    message::{Assembly, Message},
};
use crate::{
    PATIENCE,
    frame::{CLOSE, Event, Frame, PING},
};

/// Longer than any vendor lets a session last that a test would wait for.
const LONGEST: Duration = Duration::from_secs(2 * 3600);

/// Frames read ahead of the conversation.
const AHEAD: usize = 16;

/// The vendor's end of an open WebSocket. Pings are answered, a close is answered with the same.
pub struct Call {
    frames: mpsc::Receiver<Event>,
    write: WriteHalf<Line>,
    assembly: Assembly,
    pongs: bool,
    pen: Pen,
    _reading: Reading,
}

/// What came, or did not.
#[derive(Debug)]
pub enum Heard {
    /// A whole message.
    Message(Message),
    /// Nothing in time. Nothing is lost: a message that is under way comes later.
    Silence,
    /// The end of the connection, or the client's close, which is answered already.
    End,
}

impl Call {
    pub(super) fn over(link: Link) -> Self {
        let (read, write) = tokio::io::split(link.line);
        let (sender, frames) = mpsc::channel(AHEAD);
        let reading = tokio::spawn(read_frames(read, link.pen.clone(), sender));
        Self {
            frames,
            write,
            assembly: Assembly::default(),
            pongs: true,
            pen: link.pen.clone(),
            _reading: Reading(reading, link.pen),
        }
    }

    /// The dial as it was when the conversation began, and everything since.
    #[must_use]
    pub fn dial(&self) -> Dial {
        self.pen.dial()
    }

    /// Whether pings are answered.
    #[must_use]
    pub const fn pongs(mut self, pongs: bool) -> Self {
        self.pongs = pongs;
        self
    }

    /// Sends JSON as text.
    ///
    /// # Errors
    /// Where the connection does not take it in time.
    pub async fn say(&mut self, event: &Value) -> io::Result<()> {
        self.send(Frame::text(event.to_string())).await
    }

    /// Sends a frame, unmasked as servers do.
    ///
    /// # Errors
    /// Where the connection does not take it in time.
    pub async fn send(&mut self, mut frame: Frame) -> io::Result<()> {
        frame.mask = None;
        self.pen.sent(&frame);
        let bytes = frame.encode();
        let write = async {
            self.write.write_all(&bytes).await?;
            self.write.flush().await
        };
        timeout(PATIENCE, write).await?
    }

    /// The next message; `None` at the end.
    ///
    /// # Errors
    /// Where the client breaks RFC 6455: it is closed with the code for that.
    pub async fn hear(&mut self) -> io::Result<Option<Message>> {
        match self.hear_within(LONGEST).await? {
            Heard::Message(message) => Ok(Some(message)),
            Heard::Silence | Heard::End => Ok(None),
        }
    }

    /// What comes within this time.
    ///
    /// # Errors
    /// As [`hear`](Self::hear).
    pub async fn hear_within(&mut self, patience: Duration) -> io::Result<Heard> {
        self.hear_by(Instant::now() + patience).await
    }

    /// What comes until then.
    ///
    /// # Errors
    /// As [`hear`](Self::hear).
    pub async fn hear_by(&mut self, deadline: Instant) -> io::Result<Heard> {
        loop {
            let Ok(event) = timeout_at(deadline, self.frames.recv()).await else {
                return Ok(Heard::Silence);
            };
            let Some(Event::Frame(frame)) = event else {
                return Ok(Heard::End);
            };
            match frame.opcode {
                CLOSE => {
                    self.send(frame).await?;
                    return Ok(Heard::End);
                }
                PING if self.pongs => self.send(Frame::pong(&frame.payload)).await?,
                _ if frame.is_control() => {}
                _ => {
                    if let Some(message) = self.take(frame).await? {
                        return Ok(Heard::Message(message));
                    }
                }
            }
        }
    }

    async fn take(&mut self, frame: Frame) -> io::Result<Option<Message>> {
        match self.assembly.take(frame) {
            Ok(message) => Ok(message),
            Err((code, why)) => {
                self.send(Frame::close(code, why)).await?;
                Err(io::Error::other(why))
            }
        }
    }

    /// Writes down audio that was heard.
    pub fn audio(&self, bytes: &[u8]) {
        self.pen.audio(bytes);
    }

    /// Closes with this code, then reads until the other side has ended too.
    ///
    /// # Errors
    /// Where the connection does not take the close.
    pub async fn close(mut self, code: u16, reason: &str) -> io::Result<()> {
        self.send(Frame::close(code, reason)).await?;
        self.finish().await;
        Ok(())
    }

    /// Ends its half, then reads until the other side has ended too.
    pub async fn finish(mut self) {
        let rest = async {
            // A peer that is gone already has ended as well.
            let _gone = self.write.shutdown().await;
            while self.frames.recv().await.is_some() {}
        };
        // A peer that stays does so without us.
        let _stays = timeout(PATIENCE, rest).await;
    }
}

/// The task that reads; with it ends the dial.
struct Reading(JoinHandle<()>, Pen);

impl Drop for Reading {
    fn drop(&mut self) {
        self.0.abort();
        // Says nothing where the end is written down already.
        self.1.received(&Event::Reset);
    }
}

async fn read_frames(mut line: ReadHalf<Line>, pen: Pen, frames: mpsc::Sender<Event>) {
    loop {
        let event = Event::of(Frame::read(&mut line).await);
        pen.received(&event);
        let over = !matches!(event, Event::Frame(_));
        if frames.send(event).await.is_err() || over {
            return;
        }
    }
}
