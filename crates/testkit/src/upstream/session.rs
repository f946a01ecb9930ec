//! One dial after another, each on a task of its own.

use std::io;

use tokio::{
    net::{TcpListener, TcpStream},
    sync::watch,
    task::JoinSet,
    time::sleep,
};

use super::{
    Answer, Behaviour, Call, Seen,
    dial::Pen,
    link::{Line, Link},
    vendor,
};
use crate::{
    Identity,
    frame::{CLOSE, Event, Frame, PING, PONG},
    handshake::accept_for,
    head::Head,
};

/// What every dial meets.
#[derive(Clone, Default)]
pub(crate) struct Script {
    pub(super) behaviour: Behaviour,
    pub(super) required: Vec<(String, String)>,
    pub(super) answer: Vec<(String, String)>,
    pub(super) forgetful: bool,
}

/// Accepts until it is aborted; its connections end with it.
pub(super) async fn accept(
    listener: TcpListener,
    script: Script,
    identity: Option<Identity>,
    seen: watch::Sender<Seen>,
) {
    let mut connections = JoinSet::new();
    loop {
        let Ok((stream, _)) = listener.accept().await else {
            continue;
        };
        seen.send_modify(|seen| seen.connections += 1);
        let (script, identity, seen) = (script.clone(), identity.clone(), seen.clone());
        connections.spawn(async move {
            // What a peer does to its connection is written in the dial; nothing else is done
            // about it.
            let _peer = serve(stream, script, identity, seen).await;
        });
        while connections.try_join_next().is_some() {}
    }
}

async fn serve(
    stream: TcpStream,
    script: Script,
    identity: Option<Identity>,
    seen: watch::Sender<Seen>,
) -> io::Result<()> {
    let mut line = Line::accept(stream, identity.as_ref()).await?;
    let head = Head::read(&mut line).await?;
    let mut pen = Pen::new(seen, head.clone(), identity.is_some());
    if script.forgetful {
        pen = pen.forgetful();
    }
    let link = Link { line, pen };
    match script.refusal(&head, &link.pen) {
        Some(answer) => refuse(link, &answer).await,
        None => script.play(link, &head).await,
    }
}

async fn refuse(mut link: Link, answer: &Answer) -> io::Result<()> {
    link.pen.answered(answer.status);
    link.write(answer.encode().as_bytes()).await?;
    link.finish().await;
    Ok(())
}

impl Script {
    fn refusal(&self, head: &Head, pen: &Pen) -> Option<Answer> {
        let lacks = |(name, value): &(String, String)| head.all(name) != [value.as_str()];
        let missing = self.required.iter().any(lacks);
        if missing {
            return Some(Answer::text(401, "who are you?"));
        }
        match &self.behaviour {
            Behaviour::Refuse {
                status,
                headers,
                body,
            } => Some(Answer {
                status: *status,
                headers: headers.clone(),
                body: body.clone(),
            }),
            Behaviour::Vendor(vendor) => vendor::answer(&**vendor, &pen.dial()),
            _ => None,
        }
    }

    async fn play(self, mut link: Link, head: &Head) -> io::Result<()> {
        let accept = accept_for(&head.all("sec-websocket-key").concat());
        match &self.behaviour {
            Behaviour::Answer(bytes) => {
                link.write(&with_accept(bytes, &accept)).await?;
                while matches!(link.read().await, Event::Frame(_)) {}
                return Ok(());
            }
            Behaviour::Reset => {
                link.line.reset();
                return Ok(());
            }
            Behaviour::Silent => {
                while matches!(link.read().await, Event::Frame(_)) {}
                return Ok(());
            }
            Behaviour::Slow(wait) => sleep(*wait).await,
            _ => {}
        }
        self.say_101(&mut link, &accept).await?;
        self.converse(link).await
    }

    async fn say_101(&self, link: &mut Link, accept: &str) -> io::Result<()> {
        let mut answer = format!(
            "HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\n\
             Connection: Upgrade\r\nSec-WebSocket-Accept: {accept}\r\n"
        );
        let welcome = match &self.behaviour {
            Behaviour::Vendor(vendor) => vendor.welcome(&link.pen.dial()),
            _ => Vec::new(),
        };
        for (name, value) in self.answer.iter().chain(&welcome) {
            answer.push_str(&format!("{name}: {value}\r\n"));
        }
        answer.push_str("\r\n");
        let mut bytes = answer.into_bytes();
        if let Behaviour::Raw(behind) = &self.behaviour {
            bytes.extend_from_slice(behind);
        }
        link.pen.answered(101);
        link.write(&bytes).await
    }

    async fn converse(self, mut link: Link) -> io::Result<()> {
        match self.behaviour {
            Behaviour::AcceptThenReset => link.line.reset(),
            Behaviour::CloseWith(code, reason) => {
                link.send(Frame::close(code, &reason)).await?;
                while !is_over(&link.read().await) {}
                link.finish().await;
            }
            Behaviour::EndWithoutClose => link.finish().await,
            Behaviour::Flood(size) => loop {
                link.send(Frame::binary(vec![0x55; size])).await?;
            },
            Behaviour::NeverAnswersClose => while matches!(link.read().await, Event::Frame(_)) {},
            Behaviour::ReadsNothing => std::future::pending().await,
            Behaviour::Vendor(vendor) => vendor.converse(Call::over(link)).await?,
            _ => echo(link).await?,
        }
        Ok(())
    }
}

async fn echo(mut link: Link) -> io::Result<()> {
    loop {
        let Event::Frame(frame) = link.read().await else {
            return Ok(());
        };
        match frame.opcode {
            PING => link.send(Frame::pong(frame.payload)).await?,
            PONG => {}
            CLOSE => {
                link.send(frame).await?;
                link.finish().await;
                return Ok(());
            }
            _ => link.send(frame).await?,
        }
    }
}

fn is_over(event: &Event) -> bool {
    !matches!(event, Event::Frame(frame) if frame.opcode != CLOSE)
}

fn with_accept(answer: &[u8], accept: &str) -> Vec<u8> {
    const HOLE: &[u8] = b"{accept}";
    match answer.windows(HOLE.len()).position(|window| window == HOLE) {
        Some(at) => [&answer[..at], accept.as_bytes(), &answer[at + HOLE.len()..]].concat(),
        None => answer.to_vec(),
    }
}
