//! Whatever hands out credentials and is not Entra: HTTP/1.1, scripted, remembering every question.

use std::{collections::BTreeMap, net::SocketAddr, sync::Arc};

use serde_json::Value;
use tokio::{
    io::{AsyncBufReadExt as _, AsyncReadExt as _, AsyncWriteExt as _, BufReader},
    net::{TcpListener, TcpStream},
    sync::watch,
    task::JoinHandle,
};

/// One question, as it came.
#[derive(Clone, Debug)]
pub(crate) struct Asked {
    pub(crate) method: String,
    pub(crate) target: String,
    headers: Vec<(String, String)>,
    pub(crate) body: String,
}

/// What it answers: status, headers, body.
pub(crate) type Said = (u16, Vec<(&'static str, String)>, String);

/// Gone when dropped.
pub(crate) struct Endpoint {
    address: SocketAddr,
    seen: watch::Receiver<Vec<Asked>>,
    accepting: JoinHandle<()>,
}

impl Endpoint {
    pub(crate) async fn answering(answer: impl Fn(&Asked) -> Said + Send + Sync + 'static) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("a free port");
        let address = listener.local_addr().expect("a bound socket");
        let (sender, seen) = watch::channel(Vec::new());
        let answer: Arc<dyn Fn(&Asked) -> Said + Send + Sync> = Arc::new(answer);
        let accepting = tokio::spawn(async move {
            while let Ok((stream, _)) = listener.accept().await {
                let (answer, sender) = (Arc::clone(&answer), sender.clone());
                tokio::spawn(serve(stream, answer, sender));
            }
        });
        Self {
            address,
            seen,
            accepting,
        }
    }

    pub(crate) fn url(&self, path: &str) -> String {
        format!("http://{}{path}", self.address)
    }

    pub(crate) fn asked(&self) -> Vec<Asked> {
        self.seen.borrow().clone()
    }
}

impl Drop for Endpoint {
    fn drop(&mut self) {
        self.accepting.abort();
    }
}

impl Asked {
    /// The one value of a header.
    pub(crate) fn header(&self, name: &str) -> Option<&str> {
        let mut fits = self.headers.iter().filter(|(it, _)| it == name);
        let first = fits.next().map(|(_, value)| value.as_str());
        assert!(fits.next().is_none(), "{name} twice");
        first
    }

    pub(crate) fn path(&self) -> &str {
        self.target.split('?').next().unwrap_or_default()
    }

    pub(crate) fn query(&self) -> BTreeMap<String, String> {
        pairs(self.target.split_once('?').map_or("", |(_, query)| query))
    }

    pub(crate) fn form(&self) -> BTreeMap<String, String> {
        let kind = "application/x-www-form-urlencoded";
        assert_eq!(self.header("content-type"), Some(kind));
        pairs(&self.body)
    }
}

/// JSON with a status.
pub(crate) fn json(status: u16, body: &Value) -> Said {
    let kind = ("content-type", "application/json".to_owned());
    (status, vec![kind], body.to_string())
}

/// Each name once.
fn pairs(text: &str) -> BTreeMap<String, String> {
    let base = url::Url::parse(&format!("http://x/?{text}")).unwrap();
    let mut found = BTreeMap::new();
    for (name, value) in base.query_pairs().into_owned() {
        assert_eq!(found.insert(name, value), None, "twice in {text}");
    }
    found
}

async fn serve(
    stream: TcpStream,
    answer: Arc<dyn Fn(&Asked) -> Said + Send + Sync>,
    seen: watch::Sender<Vec<Asked>>,
) {
    let mut stream = BufReader::new(stream);
    // Who asks nothing has only looked whether the port is open.
    let Some(asked) = read(&mut stream).await else {
        return;
    };
    seen.send_modify(|seen| seen.push(asked.clone()));
    let (status, headers, body) = answer(&asked);
    let mut text = format!(
        "HTTP/1.1 {status} So\r\nContent-Length: {}\r\nConnection: close\r\n",
        body.len()
    );
    for (name, value) in headers {
        text.push_str(&format!("{name}: {value}\r\n"));
    }
    text.push_str(&format!("\r\n{body}"));
    // Whoever asked may be gone.
    let _gone = stream.get_mut().write_all(text.as_bytes()).await;
    let _closed = stream.get_mut().shutdown().await;
}

async fn read(stream: &mut BufReader<TcpStream>) -> Option<Asked> {
    let start = line(stream).await.filter(|line| !line.is_empty())?;
    let mut words = start.split(' ');
    let (method, target) = (words.next()?.to_owned(), words.next()?.to_owned());
    let mut headers = Vec::new();
    while let Some((name, value)) = line(stream).await?.split_once(": ") {
        headers.push((name.to_ascii_lowercase(), value.to_owned()));
    }
    let length = headers.iter().find(|(name, _)| name == "content-length");
    let mut body = vec![0; length.map_or(0, |(_, length)| length.parse().unwrap())];
    stream.read_exact(&mut body).await.ok()?;
    let body = String::from_utf8(body).expect("a body of text");
    Some(Asked {
        method,
        target,
        headers,
        body,
    })
}

async fn line(stream: &mut BufReader<TcpStream>) -> Option<String> {
    let mut line = String::new();
    stream.read_line(&mut line).await.ok()?;
    Some(line.trim_end().to_owned())
}
