//! A team's server, which says what a test wants, and remembers what it was asked.

use std::{
    net::SocketAddr,
    sync::{Arc, Mutex},
};

use base64::{Engine as _, engine::general_purpose::STANDARD};
use ring::hmac;
use serde_json::Value;
use tokio::{
    io::{AsyncBufReadExt as _, AsyncReadExt as _, AsyncWriteExt as _, BufReader},
    net::{TcpListener, TcpStream},
    sync::watch,
};

use crate::house::until;

/// What it does with a question.
#[derive(Clone, Debug)]
pub(super) enum Mood {
    /// Says exactly this, then nothing more.
    Says(String),
    /// Says this and goes on with blanks for ever.
    Endless(String),
    /// Says nothing until its mood changes, and then as that says.
    Thinks,
}

/// One question, as it came.
#[derive(Clone, Debug)]
pub(super) struct Asked {
    pub(super) line: String,
    headers: Vec<(String, String)>,
    pub(super) body: String,
}

impl Asked {
    pub(super) fn header(&self, name: &str) -> &str {
        let mut named = self.headers.iter().filter(|(known, _)| known == name);
        let (_, value) = named.next().unwrap();
        assert!(named.next().is_none(), "{name} twice");
        value
    }

    pub(super) fn json(&self) -> Value {
        serde_json::from_str(&self.body).unwrap()
    }

    /// Whether the signature is that of this secret, by Standard Webhooks.
    pub(super) fn is_signed_with(&self, secret: &[u8]) -> bool {
        let (id, at) = (self.header("webhook-id"), self.header("webhook-timestamp"));
        let message = [id, at, &self.body].join(".");
        let key = hmac::Key::new(hmac::HMAC_SHA256, secret);
        let tag = self
            .header("webhook-signature")
            .strip_prefix("v1,")
            .unwrap();
        let tag = STANDARD.decode(tag).unwrap();
        hmac::verify(&key, message.as_bytes(), &tag).is_ok()
    }
}

/// It, listening.
pub(super) struct Hook {
    pub(super) address: SocketAddr,
    mood: watch::Sender<Mood>,
    asked: Arc<Mutex<Vec<Asked>>>,
}

impl Hook {
    pub(super) async fn start() -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let (mood, moods) = watch::channel(Mood::Says(answer(204, "")));
        let asked: Arc<Mutex<Vec<Asked>>> = Arc::default();
        let record = Arc::clone(&asked);
        tokio::spawn(async move {
            while let Ok((stream, _)) = listener.accept().await {
                tokio::spawn(serve(stream, moods.clone(), Arc::clone(&record)));
            }
        });
        Self {
            address,
            mood,
            asked,
        }
    }

    pub(super) fn is(&self, mood: Mood) {
        self.mood.send_replace(mood);
    }

    /// From now on it answers with this status and body.
    pub(super) fn says(&self, status: u16, body: &str) {
        self.is(Mood::Says(answer(status, body)));
    }

    pub(super) fn asked(&self) -> Vec<Asked> {
        self.asked.lock().unwrap().clone()
    }

    pub(super) fn times(&self) -> usize {
        self.asked.lock().unwrap().len()
    }

    /// Waits until it has been asked so often.
    pub(super) async fn heard(&self, times: usize) {
        until(async || (self.times() >= times).then_some(())).await;
    }
}

pub(super) fn answer(status: u16, body: &str) -> String {
    let length = match status {
        204 => String::new(),
        _ => format!("Content-Length: {}\r\n", body.len()),
    };
    format!("HTTP/1.1 {status} Said\r\nContent-Type: application/json\r\n{length}\r\n{body}")
}

async fn serve(
    stream: TcpStream,
    mut moods: watch::Receiver<Mood>,
    record: Arc<Mutex<Vec<Asked>>>,
) {
    let mut stream = BufReader::new(stream);
    let Some(asked) = read(&mut stream).await else {
        return;
    };
    record.lock().unwrap().push(asked);
    let settled = moods.wait_for(|mood| !matches!(mood, Mood::Thinks));
    let mood = match settled.await {
        Ok(mood) => mood.clone(),
        Err(_over) => return,
    };
    match mood {
        Mood::Says(text) => {
            let _sent = stream.write_all(text.as_bytes()).await;
            let _closed = stream.shutdown().await;
            let _rest = stream.read_to_end(&mut Vec::new()).await;
        }
        Mood::Endless(text) => {
            let _sent = stream.write_all(text.as_bytes()).await;
            while stream.write_all(&[b' '; 4096]).await.is_ok() {}
        }
        Mood::Thinks => {}
    }
}

async fn read(stream: &mut BufReader<TcpStream>) -> Option<Asked> {
    let mut lines = Vec::new();
    loop {
        let mut line = String::new();
        if stream.read_line(&mut line).await.ok()? == 0 {
            return None;
        }
        match line.trim_end() {
            "" => break,
            line => lines.push(line.to_owned()),
        }
    }
    let headers: Vec<(String, String)> = lines
        .iter()
        .filter_map(|line| line.split_once(": "))
        .map(|(name, value)| (name.to_ascii_lowercase(), value.to_owned()))
        .collect();
    let length = headers.iter().find(|(name, _)| name == "content-length");
    let length = length.map_or(0, |(_, length)| length.parse().unwrap());
    let mut body = vec![0; length];
    stream.read_exact(&mut body).await.ok()?;
    Some(Asked {
        line: lines.first()?.clone(),
        headers,
        body: String::from_utf8(body).unwrap(),
    })
}
