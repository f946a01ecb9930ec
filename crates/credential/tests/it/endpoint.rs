//! A token endpoint on a free port, on threads of its own, so that clients of any runtime can ask.

use std::{
    collections::BTreeMap,
    io::{BufRead as _, BufReader, Read as _, Write as _},
    net::{SocketAddr, TcpListener, TcpStream},
    sync::{
        Arc, Condvar, Mutex,
        atomic::{AtomicUsize, Ordering},
    },
    thread,
};

use tokio::{sync::watch, time::timeout};
use url::{Url, form_urlencoded};

use crate::PATIENT;

/// One question, as it came.
#[derive(Clone, Debug)]
pub(crate) struct Asked {
    pub(crate) method: String,
    pub(crate) target: String,
    pub(crate) headers: Vec<(String, String)>,
    pub(crate) body: String,
}

/// Remembers every question, and answers it as the test says.
pub(crate) struct Endpoint {
    address: SocketAddr,
    seen: watch::Receiver<Vec<Asked>>,
    busy: Arc<Busy>,
}

#[derive(Default)]
struct Busy {
    now: AtomicUsize,
    most: AtomicUsize,
}

impl Endpoint {
    /// Answers with these bytes, whatever they are.
    pub(crate) fn answering(answer: impl Fn(&Asked) -> String + Send + Sync + 'static) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").expect("a free port");
        let address = listener.local_addr().expect("a bound socket");
        let (sender, seen) = watch::channel(Vec::new());
        let busy = Arc::new(Busy::default());
        let (answer, sender) = (Arc::new(answer), Arc::new(sender));
        let counted = Arc::clone(&busy);
        thread::spawn(move || {
            while let Ok((stream, _)) = listener.accept() {
                let (answer, sender) = (Arc::clone(&answer), Arc::clone(&sender));
                let busy = Arc::clone(&counted);
                thread::spawn(move || serve(stream, &*answer, &sender, &busy));
            }
        });
        Self {
            address,
            seen,
            busy,
        }
    }

    /// Gives out `token-1`, `token-2` and so on, each for so long.
    pub(crate) fn issuing(expires_in: i64) -> Self {
        let issued = AtomicUsize::new(0);
        Self::answering(move |_| token(issued.fetch_add(1, Ordering::SeqCst) + 1, expires_in))
    }

    pub(crate) fn url(&self, path: &str) -> Url {
        format!("http://{}{path}", self.address).parse().unwrap()
    }

    pub(crate) fn asked(&self) -> Vec<Asked> {
        self.seen.borrow().clone()
    }

    /// The only question so far.
    pub(crate) fn asked_once(&self) -> Asked {
        let [asked] = self.asked().try_into().expect("one question");
        asked
    }

    /// Waits for so many questions.
    pub(crate) async fn until_asked(&self, times: usize) {
        let mut seen = self.seen.clone();
        let waited = seen.wait_for(|seen| seen.len() >= times);
        let _seen = timeout(PATIENT, waited)
            .await
            .expect("a question in time")
            .expect("an endpoint that lives");
    }

    /// The most questions that were open at once.
    pub(crate) fn most_at_once(&self) -> usize {
        self.busy.most.load(Ordering::SeqCst)
    }
}

impl Asked {
    pub(crate) fn header(&self, name: &str) -> Vec<&str> {
        let fits = self.headers.iter().filter(|(key, _)| key == name);
        fits.map(|(_, value)| value.as_str()).collect()
    }

    pub(crate) fn path(&self) -> &str {
        self.target.split('?').next().unwrap_or_default()
    }

    pub(crate) fn query(&self) -> BTreeMap<String, String> {
        pairs(self.target.split_once('?').map_or("", |(_, query)| query))
    }

    pub(crate) fn form(&self) -> BTreeMap<String, String> {
        assert_eq!(
            self.header("content-type"),
            ["application/x-www-form-urlencoded"]
        );
        pairs(&self.body)
    }
}

/// Each name once.
fn pairs(text: &str) -> BTreeMap<String, String> {
    let mut pairs = BTreeMap::new();
    for (name, value) in form_urlencoded::parse(text.as_bytes()).into_owned() {
        assert_eq!(pairs.insert(name, value), None, "twice in {text}");
    }
    pairs
}

/// The other side's pairs, to compare with.
pub(crate) fn map(pairs: &[(&str, &str)]) -> BTreeMap<String, String> {
    pairs
        .iter()
        .map(|&(name, value)| (name.to_owned(), value.to_owned()))
        .collect()
}

pub(crate) fn token(number: usize, expires_in: i64) -> String {
    json(
        200,
        &format!(
            r#"{{"access_token":"token-{number}","token_type":"Bearer","expires_in":{expires_in}}}"#
        ),
    )
}

pub(crate) fn json(status: u16, body: &str) -> String {
    format!(
        "HTTP/1.1 {status} So\r\nContent-Type: application/json\r\nContent-Length: {}\r\n\r\n{body}",
        body.len()
    )
}

fn serve(
    stream: TcpStream,
    answer: &(dyn Fn(&Asked) -> String + Send + Sync),
    seen: &watch::Sender<Vec<Asked>>,
    busy: &Busy,
) {
    let mut reader = BufReader::new(&stream);
    // No question: somebody has only looked whether the port is open.
    let Some(asked) = read(&mut reader) else {
        return;
    };
    let now = busy.now.fetch_add(1, Ordering::SeqCst) + 1;
    busy.most.fetch_max(now, Ordering::SeqCst);
    seen.send_modify(|seen| seen.push(asked.clone()));
    let text = answer(&asked);
    busy.now.fetch_sub(1, Ordering::SeqCst);
    // Whoever asked may be gone.
    let _sent = (&stream).write_all(text.as_bytes());
    let _closed = stream.shutdown(std::net::Shutdown::Write);
    let _rest = reader.read_to_end(&mut Vec::new());
}

fn read(reader: &mut BufReader<&TcpStream>) -> Option<Asked> {
    let mut line = String::new();
    reader.read_line(&mut line).ok()?;
    let mut words = line.split(' ');
    let (method, target) = (words.next()?.to_owned(), words.next()?.to_owned());
    assert_eq!(words.next(), Some("HTTP/1.1\r\n"));
    let mut headers = Vec::new();
    loop {
        let mut line = String::new();
        reader.read_line(&mut line).ok()?;
        let Some((name, value)) = line.trim_end().split_once(": ") else {
            break;
        };
        headers.push((name.to_ascii_lowercase(), value.to_owned()));
    }
    let length = headers.iter().find(|(name, _)| name == "content-length");
    let length = length.map_or(0, |(_, length)| length.parse().unwrap());
    let mut body = vec![0; length];
    reader.read_exact(&mut body).ok()?;
    Some(Asked {
        method,
        target,
        headers,
        body: String::from_utf8(body).expect("a body of text"),
    })
}

/// Holds answers back until it is opened.
#[derive(Clone, Default)]
pub(crate) struct Gate(Arc<(Mutex<bool>, Condvar)>);

impl Gate {
    pub(crate) fn open(&self) {
        self.set(true);
    }

    pub(crate) fn close(&self) {
        self.set(false);
    }

    fn set(&self, open: bool) {
        *self.0.0.lock().unwrap() = open;
        self.0.1.notify_all();
    }

    pub(crate) fn pass(&self) {
        let is_open = self.0.0.lock().unwrap();
        let waited = self.0.1.wait_timeout_while(is_open, PATIENT, |open| !*open);
        assert!(!waited.unwrap().1.timed_out(), "a gate that is opened");
    }
}
