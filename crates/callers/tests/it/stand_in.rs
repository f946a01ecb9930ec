//! An HTTP server on a free port, on threads of its own, that answers as the test says.

use std::{
    io::{BufRead as _, BufReader, Read as _, Write as _},
    net::{Shutdown, SocketAddr, TcpListener, TcpStream},
    sync::{
        Arc, Condvar, Mutex,
        atomic::{AtomicUsize, Ordering},
    },
    thread,
};

use crate::PATIENT;

/// One question, as it came.
#[derive(Clone, Debug)]
pub(crate) struct Asked {
    pub(crate) method: String,
    pub(crate) target: String,
    pub(crate) headers: Vec<(String, String)>,
    pub(crate) body: String,
}

/// Remembers every question.
pub(crate) struct StandIn {
    address: SocketAddr,
    seen: Arc<Mutex<Vec<Asked>>>,
    most: Arc<AtomicUsize>,
}

type Answer = dyn Fn(&Asked) -> String + Send + Sync;

impl StandIn {
    /// Answers with these bytes, whatever they are.
    pub(crate) fn answering(answer: impl Fn(&Asked) -> String + Send + Sync + 'static) -> Self {
        Self::knowing_itself(|_| answer)
    }

    /// The same, for answers that hold the server's own address.
    pub(crate) fn knowing_itself<A>(answer: impl FnOnce(&str) -> A) -> Self
    where
        A: Fn(&Asked) -> String + Send + Sync + 'static,
    {
        let listener = TcpListener::bind("127.0.0.1:0").expect("a free port");
        let address = listener.local_addr().expect("a bound socket");
        let answer: Arc<Answer> = Arc::new(answer(&format!("http://{address}")));
        let stand_in = Self {
            address,
            seen: Arc::default(),
            most: Arc::default(),
        };
        let (seen, most) = (Arc::clone(&stand_in.seen), Arc::clone(&stand_in.most));
        let now = Arc::new(AtomicUsize::new(0));
        thread::spawn(move || {
            while let Ok((stream, _)) = listener.accept() {
                let (answer, seen) = (Arc::clone(&answer), Arc::clone(&seen));
                let (now, most) = (Arc::clone(&now), Arc::clone(&most));
                thread::spawn(move || {
                    let open = now.fetch_add(1, Ordering::SeqCst) + 1;
                    most.fetch_max(open, Ordering::SeqCst);
                    serve(&stream, &*answer, &seen);
                    now.fetch_sub(1, Ordering::SeqCst);
                });
            }
        });
        stand_in
    }

    pub(crate) fn url(&self, path: &str) -> String {
        format!("http://{}{path}", self.address)
    }

    pub(crate) fn asked(&self) -> Vec<Asked> {
        self.seen.lock().unwrap().clone()
    }

    /// How often it was asked for this path.
    pub(crate) fn times(&self, path: &str) -> usize {
        let asked = self.asked();
        asked.iter().filter(|asked| asked.target == path).count()
    }

    /// The most questions that were open at once.
    pub(crate) fn most_at_once(&self) -> usize {
        self.most.load(Ordering::SeqCst)
    }
}

impl Asked {
    pub(crate) fn header(&self, name: &str) -> Vec<&str> {
        let fits = self.headers.iter().filter(|(key, _)| key == name);
        fits.map(|(_, value)| value.as_str()).collect()
    }
}

/// An answer with these further header lines.
pub(crate) fn answer(status: u16, lines: &str, body: &str) -> String {
    format!(
        "HTTP/1.1 {status} So\r\n{lines}Content-Length: {}\r\n\r\n{body}",
        body.len()
    )
}

pub(crate) fn json(body: &serde_json::Value) -> String {
    answer(200, "Content-Type: application/json\r\n", &body.to_string())
}

fn serve(stream: &TcpStream, answer: &Answer, seen: &Mutex<Vec<Asked>>) {
    let mut reader = BufReader::new(stream);
    let Some(asked) = read(&mut reader) else {
        return;
    };
    seen.lock().unwrap().push(asked.clone());
    let text = answer(&asked);
    let mut stream = stream;
    // Whoever asked may be gone.
    let _sent = stream.write_all(text.as_bytes());
    let _closed = stream.shutdown(Shutdown::Write);
    let _rest = reader.read_to_end(&mut Vec::new());
}

fn read(reader: &mut BufReader<&TcpStream>) -> Option<Asked> {
    let mut line = String::new();
    reader.read_line(&mut line).ok()?;
    let mut words = line.split(' ');
    let (method, target) = (words.next()?.to_owned(), words.next()?.to_owned());
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
        *self.0.0.lock().unwrap() = true;
        self.0.1.notify_all();
    }

    pub(crate) fn pass(&self) {
        let is_open = self.0.0.lock().unwrap();
        let waited = self.0.1.wait_timeout_while(is_open, PATIENT, |open| !*open);
        let _open = waited.unwrap();
    }
}
