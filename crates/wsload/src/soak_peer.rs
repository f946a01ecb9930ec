//! One plain WebSocket connection of the long runs, either end of it: whole messages whose every byte is known beforehand.
use crate::ws::*;
use std::cell::{Cell, RefCell};
use std::collections::VecDeque;
use std::io::{self, ErrorKind};
use std::net::{Ipv4Addr, SocketAddr};
use std::rc::Rc;
use std::time::Duration;
use tokio::net::{TcpSocket, TcpStream};

const MASK: [u8; 4] = [0x3d, 0x91, 0xe4, 0x68];
/// What a handshake may take, in a crowd of thousands.
const HANDSHAKE: Duration = Duration::from_secs(30);
/// A message begins with who sent it and its number, eight bytes each.
pub const HEAD: usize = 16;

thread_local! {
    static ROOM: RefCell<Vec<u8>> = RefCell::new(vec![0; 256 << 10]);
}

pub fn bad<T>(m: impl Into<String>) -> io::Result<T> {
    Err(io::Error::new(ErrorKind::InvalidData, m.into()))
}

/// The byte at an offset behind the head: another one for each sender, number and place.
#[inline]
fn filler(who: u64, number: u64, at: u64) -> u8 {
    (who.wrapping_mul(37) ^ number.wrapping_mul(11)).wrapping_add(at.wrapping_mul(131) >> 3) as u8
}

/// A whole message of `len` bytes, HEAD at least.
pub fn message(who: u64, number: u64, len: usize) -> Vec<u8> {
    let mut m = Vec::with_capacity(len);
    m.extend_from_slice(&who.to_be_bytes());
    m.extend_from_slice(&number.to_be_bytes());
    m.extend((HEAD..len).map(|at| filler(who, number, at as u64)));
    m
}

/// What one message said.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Msg {
    pub who: u64,
    pub number: u64,
    pub len: u64,
    /// Every byte was the one it had to be.
    pub good: bool,
}

/// All that was read from one side.
#[derive(Default)]
pub struct Heard {
    from_client: bool,
    head: [u8; HEAD],
    now: Msg,
    pub done: VecDeque<Msg>,
    ctl: Vec<u8>,
    /// Answers to pings, not sent yet.
    pub pongs: Vec<u8>,
    pub pings: u64,
    /// The close frame: its code, if it had one, and its reason.
    pub close: Option<(Option<u16>, String)>,
    /// Frames that came behind the close frame.
    pub after_close: u64,
}

impl Sink for Heard {
    fn header(&mut self, h: &Header) -> io::Result<()> {
        if h.masked != self.from_client {
            return bad("the mask bit is wrong");
        }
        if self.close.is_some() {
            self.after_close += 1;
        }
        if h.op >= 8 {
            self.ctl.clear();
        } else if h.op != OP_CONT {
            self.now = Msg { good: true, ..Msg::default() };
        }
        Ok(())
    }

    fn payload(&mut self, h: &Header, d: &[u8]) {
        if h.op >= 8 {
            self.ctl.extend_from_slice(d);
            return;
        }
        let mut rest = d;
        while (self.now.len as usize) < HEAD && !rest.is_empty() {
            self.head[self.now.len as usize] = rest[0];
            self.now.len += 1;
            rest = &rest[1..];
            if self.now.len as usize == HEAD {
                self.now.who = u64::from_be_bytes(self.head[..8].try_into().unwrap());
                self.now.number = u64::from_be_bytes(self.head[8..].try_into().unwrap());
            }
        }
        let Msg { who, number, len, .. } = self.now;
        self.now.good &= rest.iter().enumerate().all(|(i, b)| *b == filler(who, number, len + i as u64));
        self.now.len += rest.len() as u64;
    }

    fn end(&mut self, h: &Header) -> io::Result<()> {
        match h.op {
            OP_PING => {
                self.pings += 1;
                put_frame(&mut self.pongs, OP_PONG, &self.ctl, (!self.from_client).then_some(MASK));
            }
            OP_CLOSE => {
                let code = self.ctl.get(..2).map(|c| u16::from_be_bytes([c[0], c[1]]));
                let reason = String::from_utf8_lossy(self.ctl.get(2..).unwrap_or(&[])).into_owned();
                self.close.get_or_insert((code, reason));
            }
            OP_PONG => {}
            _ if h.fin => {
                self.now.good &= self.now.len as usize >= HEAD;
                self.done.push_back(self.now);
            }
            _ => {}
        }
        Ok(())
    }
}

/// The slug of a close frame of the bridge's.
pub fn slug(reason: &str) -> Option<&str> {
    reason.strip_prefix("tb:").map(|r| r.split(';').next().unwrap_or(r))
}

/// A connection that is open.
pub struct Peer {
    pub s: Rc<TcpStream>,
    parser: Parser,
    pub heard: Heard,
    /// Masks what it sends.
    client: bool,
}

impl Peer {
    fn new(s: TcpStream, client: bool) -> Self {
        let heard = Heard { from_client: !client, ..Heard::default() };
        Peer { s: Rc::new(s), parser: Parser::default(), heard, client }
    }

    /// One read; false at the end of the stream. Nothing is lost where the future is dropped.
    pub async fn read(&mut self) -> io::Result<bool> {
        loop {
            self.s.readable().await?;
            let got = ROOM.with_borrow_mut(|room| match self.s.try_read(room) {
                Ok(0) => Ok(Some(false)),
                Ok(n) => self.parser.feed(&mut room[..n], &mut self.heard).map(|_| Some(true)),
                Err(e) if e.kind() == ErrorKind::WouldBlock => Ok(None),
                Err(e) => Err(e),
            })?;
            if let Some(more) = got {
                return Ok(more);
            }
        }
    }

    /// Reads and answers pings; false at the end of the stream.
    pub async fn listen(&mut self) -> io::Result<bool> {
        let more = self.read().await?;
        if !self.heard.pongs.is_empty() {
            let pongs = std::mem::take(&mut self.heard.pongs);
            send(&self.s, &pongs).await?;
        }
        Ok(more)
    }

    /// True when no frame is partly read.
    pub fn is_whole(&self) -> bool {
        self.parser.at_boundary()
    }

    pub fn mask(&self) -> Option<[u8; 4]> {
        self.client.then_some(MASK)
    }

    /// One frame, ready for the wire.
    pub fn frame(&self, op: u8, payload: &[u8]) -> Vec<u8> {
        let mut f = Vec::with_capacity(payload.len() + 14);
        put_frame(&mut f, op, payload, self.mask());
        f
    }

    /// A close frame with that code, or an empty one.
    pub fn close_frame(&self, code: Option<u16>) -> Vec<u8> {
        self.frame(OP_CLOSE, &code.map_or(vec![], |c| c.to_be_bytes().to_vec()))
    }

    /// Sends a message and waits for the very same one.
    pub async fn echo(&mut self, who: u64, number: u64, len: usize) -> io::Result<()> {
        let f = self.frame(OP_BIN, &message(who, number, len));
        send(&self.s, &f).await?;
        loop {
            if let Some(m) = self.heard.done.pop_front() {
                let want = Msg { who, number, len: len as u64, good: true };
                return if m == want { Ok(()) } else { bad(format!("sent {want:?}, heard {m:?}")) };
            }
            if let Some((code, reason)) = &self.heard.close {
                return bad(format!("closed with {code:?} {reason}"));
            }
            if !self.listen().await? {
                return bad("the stream ended");
            }
        }
    }

    /// Says 1000 and waits a little for the answer.
    pub async fn leave(&mut self) {
        let f = self.close_frame(Some(1000));
        let over = async {
            send(&self.s, &f).await?;
            while self.heard.close.is_none() && self.read().await? {}
            io::Result::Ok(())
        };
        let _ = tokio::time::timeout(Duration::from_secs(5), over).await;
    }
}

/// Writes all of it.
pub async fn send(s: &TcpStream, mut bytes: &[u8]) -> io::Result<()> {
    while !bytes.is_empty() {
        s.writable().await?;
        match s.try_write(bytes) {
            Ok(n) => bytes = &bytes[n..],
            Err(e) if e.kind() == ErrorKind::WouldBlock => {}
            Err(e) => return Err(e),
        }
    }
    Ok(())
}

/// Ends the stream the hard way.
pub fn reset(s: &TcpStream) {
    let _ = linger_nothing(s);
}

fn linger_nothing(s: &TcpStream) -> io::Result<()> {
    use std::os::fd::AsRawFd;
    let hard = libc::linger { l_onoff: 1, l_linger: 0 };
    let len = std::mem::size_of::<libc::linger>() as libc::socklen_t;
    let at = std::ptr::from_ref(&hard).cast();
    match unsafe { libc::setsockopt(s.as_raw_fd(), libc::SOL_SOCKET, libc::SO_LINGER, at, len) } {
        0 => Ok(()),
        _ => Err(io::Error::last_os_error()),
    }
}

/// Ends our half of the stream.
pub fn half_close(s: &TcpStream) {
    use std::os::fd::AsRawFd;
    unsafe { libc::shutdown(s.as_raw_fd(), libc::SHUT_WR) };
}

/// Where clients go in: each with a token of its own, from one of several source addresses, so that their ports last.
pub struct Door {
    addr: SocketAddr,
    path: String,
    headers: String,
    tokens: RefCell<std::vec::IntoIter<String>>,
    sources: u8,
    nonce: Cell<u64>,
    /// Bytes the kernel may hold for a client that does not read; 0 leaves it to the kernel.
    pub receive_buffer: u32,
}

impl Door {
    pub fn new(url: &str, tokens: &str, sources: u8) -> Result<Self, String> {
        let rest = url.strip_prefix("ws://").ok_or("only ws:// URLs")?;
        let (host, path) = rest.split_at(rest.find('/').unwrap_or(rest.len()));
        let addr = host.parse().map_err(|_| format!("{host}: need ip:port"))?;
        let read = std::fs::read_to_string(tokens).map_err(|e| format!("{tokens}: {e}"))?;
        let tokens: Vec<String> = read.lines().map(str::to_string).collect();
        Ok(Door {
            addr,
            path: path.into(),
            headers: String::new(),
            tokens: RefCell::new(tokens.into_iter()),
            sources: sources.max(1),
            nonce: Cell::new(0),
            receive_buffer: 0,
        })
    }

    /// Header lines for every handshake, each with its line end.
    pub fn with_headers(mut self, headers: &str) -> Self {
        self.headers = headers.into();
        self
    }

    /// Opens a session; `{n}` in the path becomes `who`.
    pub async fn open(&self, who: u64) -> io::Result<Peer> {
        match tokio::time::timeout(HANDSHAKE, self.handshake(who)).await {
            Ok(opened) => opened,
            Err(_) => bad("no answer to the handshake"),
        }
    }

    async fn handshake(&self, who: u64) -> io::Result<Peer> {
        let n = self.nonce.get();
        self.nonce.set(n + 1);
        let mut path = self.path.replace("{n}", &who.to_string());
        if path.contains("{token}") {
            let token = self.tokens.borrow_mut().next();
            path = path.replace("{token}", &token.ok_or_else(|| io::Error::other("out of tokens"))?);
        }
        let sock = TcpSocket::new_v4()?;
        if self.receive_buffer > 0 {
            sock.set_recv_buffer_size(self.receive_buffer)?;
        }
        if self.addr.ip().is_loopback() {
            sock.bind((Ipv4Addr::new(127, 0, 1, (n % u64::from(self.sources)) as u8 + 1), 0).into())?;
        }
        let s = sock.connect(self.addr).await?;
        s.set_nodelay(true)?;
        let key = b64(&[who.to_be_bytes(), n.to_be_bytes()].concat(), false);
        let ask = format!(
            "GET {path} HTTP/1.1\r\nHost: {}\r\nUpgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Key: {key}\r\nSec-WebSocket-Version: 13\r\n{}\r\n",
            self.addr, self.headers
        );
        send(&s, ask.as_bytes()).await?;
        let Some((head, mut rest)) = read_head(&s).await? else { return bad("closed in the handshake") };
        if !head.starts_with("HTTP/1.1 101") {
            return bad(format!("refused: {}", head.lines().next().unwrap_or("")));
        }
        if header(&head, "sec-websocket-accept").0 != Some(accept_key(&key).as_str()) {
            return bad("wrong Sec-WebSocket-Accept");
        }
        let mut peer = Peer::new(s, true);
        peer.parser.feed(&mut rest, &mut peer.heard)?;
        Ok(peer)
    }
}

/// The server's half of a handshake: the request's head, and the connection; `None` where the credential was not right.
pub async fn accept(s: TcpStream, secret: &str) -> io::Result<Option<(String, Peer)>> {
    s.set_nodelay(true)?;
    let Some((head, mut rest)) = read_head(&s).await? else { return Ok(None) };
    let key = header(&head, "sec-websocket-key").0.unwrap_or_default();
    if header(&head, "authorization").0 != Some(format!("Bearer {secret}").as_str()) {
        send(&s, b"HTTP/1.1 401 Unauthorized\r\nContent-Length: 0\r\nConnection: close\r\n\r\n").await?;
        return Ok(None);
    }
    let answer = format!(
        "HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Accept: {}\r\n\r\n",
        accept_key(key)
    );
    send(&s, answer.as_bytes()).await?;
    let mut peer = Peer::new(s, false);
    peer.parser.feed(&mut rest, &mut peer.heard)?;
    Ok(Some((head, peer)))
}

/// A head without its empty line, and what followed it; `None` where the stream ended first.
async fn read_head(s: &TcpStream) -> io::Result<Option<(String, Vec<u8>)>> {
    let mut acc = Vec::with_capacity(512);
    loop {
        s.readable().await?;
        let mut piece = [0; 2048];
        match s.try_read(&mut piece) {
            Ok(0) => return Ok(None),
            Ok(n) => acc.extend_from_slice(&piece[..n]),
            Err(e) if e.kind() == ErrorKind::WouldBlock => continue,
            Err(e) => return Err(e),
        }
        if let Some(end) = acc.windows(4).position(|w| w == b"\r\n\r\n") {
            let rest = acc.split_off(end + 4);
            acc.truncate(end);
            return Ok(Some((String::from_utf8_lossy(&acc).into_owned(), rest)));
        }
        if acc.len() > 64 << 10 {
            return bad("a head of over 64 KiB");
        }
    }
}

/// Listens as the upstream, and hands every genuine session with its path to `serve`.
pub fn upstream<F, Fut>(listen: &str, secret: &str, serve: F) -> io::Result<()>
where
    F: Fn(String, Peer) -> Fut + 'static,
    Fut: std::future::Future<Output = io::Result<()>> + 'static,
{
    let addr: SocketAddr = listen.parse().map_err(io::Error::other)?;
    let sock = TcpSocket::new_v4()?;
    sock.set_reuseaddr(true)?;
    sock.bind(addr)?;
    let listener = sock.listen(4096)?;
    let (serve, secret) = (Rc::new(serve), secret.to_string());
    tokio::task::spawn_local(async move {
        loop {
            let Ok((s, _)) = listener.accept().await else {
                tokio::time::sleep(Duration::from_millis(20)).await;
                continue;
            };
            let (serve, secret) = (serve.clone(), secret.clone());
            tokio::task::spawn_local(async move {
                if let Ok(Some((head, peer))) = accept(s, &secret).await {
                    let _ = serve(head, peer).await;
                }
            });
        }
    });
    Ok(())
}

/// The path and query of a request.
pub fn target(head: &str) -> &str {
    head.split(' ').nth(1).unwrap_or("/")
}

/// Answers every message with itself until the peer closes.
pub async fn serve_echo(mut peer: Peer) -> io::Result<()> {
    loop {
        while let Some(m) = peer.heard.done.pop_front() {
            if !m.good {
                return bad("a changed message");
            }
            let f = peer.frame(OP_BIN, &message(m.who, m.number, m.len as usize));
            send(&peer.s, &f).await?;
        }
        if let Some((code, _)) = &peer.heard.close {
            let f = peer.close_frame(*code);
            return send(&peer.s, &f).await;
        }
        if !peer.listen().await? {
            return Ok(());
        }
    }
}

/// How often each thing was said, as JSON.
pub fn tally(said: &[String]) -> String {
    let mut count = std::collections::BTreeMap::new();
    for s in said {
        *count.entry(s.replace(['"', '\\', '\n', '\r'], " ")).or_insert(0u64) += 1;
    }
    let all: Vec<String> = count.iter().map(|(k, n)| format!(r#""{k}":{n}"#)).collect();
    format!("{{{}}}", all.join(","))
}
