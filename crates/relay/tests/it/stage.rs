//! A session between two peers that the test plays.

use std::{
    sync::{
        Arc,
        atomic::{AtomicU8, Ordering},
    },
    time::Duration,
};

use tokio::{
    io::{AsyncReadExt as _, AsyncWriteExt as _, DuplexStream, duplex},
    task::JoinHandle,
};
use tollbridge_domain::{Entropy, Secret, SessionId};
use tollbridge_relay::{Counts, Ending, IdleCounts, Limits, Meter, Reins, Terms, relay};

use crate::frames::CLOSE;

pub(crate) struct Stage {
    pub(crate) client: Peer,
    pub(crate) upstream: Peer,
    pub(crate) reins: Reins,
    pub(crate) meter: Arc<Meter>,
    session: JoinHandle<Ending>,
}

impl Stage {
    pub(crate) fn new() -> Self {
        Self::with(terms())
    }

    pub(crate) fn with(terms: Terms) -> Self {
        Self::sized(terms, 1024 * 1024)
    }

    /// With so many bytes of room in each stream.
    pub(crate) fn sized(terms: Terms, room: usize) -> Self {
        Self::with_rooms(terms, room, room)
    }

    /// With so many bytes of room in the client's stream and in the upstream's.
    pub(crate) fn with_rooms(terms: Terms, client: usize, upstream: usize) -> Self {
        let (client, client_leg) = duplex(client);
        let (upstream, upstream_leg) = duplex(upstream);
        let (reins, orders) = Reins::new();
        let meter = Arc::new(Meter::default());
        let entropy = Arc::new(Counting::default());
        let counted = Arc::clone(&meter);
        let session = relay(client_leg, upstream_leg, terms, orders, counted, entropy);
        Self {
            client: Peer(client),
            upstream: Peer(upstream),
            reins,
            meter,
            session: tokio::spawn(session),
        }
    }

    pub(crate) fn counts(&self) -> Counts {
        self.meter.snapshot()
    }

    /// Ends the play: both peers hang up once the session has nothing more for them.
    pub(crate) async fn ending(self) -> Ending {
        self.session.await.unwrap()
    }
}

/// One end of a stream.
pub(crate) struct Peer(pub(crate) DuplexStream);

#[derive(Debug, Eq, PartialEq)]
pub(crate) struct Frame {
    pub(crate) first: u8,
    pub(crate) is_masked: bool,
    pub(crate) payload: Vec<u8>,
}

impl Frame {
    /// Code and reason of a close frame.
    pub(crate) fn close(&self) -> (Option<u16>, String) {
        assert_eq!(self.first, CLOSE, "not a close frame: {self:?}");
        match self.payload.as_slice() {
            [] => (None, String::new()),
            [high, low, reason @ ..] => (
                Some(u16::from_be_bytes([*high, *low])),
                String::from_utf8(reason.to_vec()).unwrap(),
            ),
            [_] => panic!("a close frame of one byte"),
        }
    }
}

impl Peer {
    pub(crate) async fn send(&mut self, bytes: &[u8]) {
        self.0.write_all(bytes).await.unwrap();
    }

    /// Exactly these bytes come next.
    pub(crate) async fn expect(&mut self, bytes: &[u8]) {
        let mut read = vec![0; bytes.len()];
        self.0.read_exact(&mut read).await.unwrap();
        assert_eq!(read, bytes);
    }

    /// Nothing comes while nobody does anything for 10 ms.
    pub(crate) async fn expect_nothing(&mut self) {
        let mut byte = [0];
        let read = tokio::time::timeout(Duration::from_millis(10), self.0.read(&mut byte));
        assert!(read.await.is_err(), "something came: {byte:?}");
    }

    /// The stream ends here.
    pub(crate) async fn expect_end(&mut self) {
        let mut rest = Vec::new();
        self.0.read_to_end(&mut rest).await.unwrap();
        assert_eq!(rest, b"");
    }

    pub(crate) async fn frame(&mut self) -> Frame {
        let mut start = [0; 2];
        self.0.read_exact(&mut start).await.unwrap();
        let length = match start[1] & 0x7f {
            126 => usize::from(self.0.read_u16().await.unwrap()),
            127 => usize::try_from(self.0.read_u64().await.unwrap()).unwrap(),
            short => usize::from(short),
        };
        let is_masked = start[1] & 0x80 != 0;
        let mut key = [0; 4];
        if is_masked {
            self.0.read_exact(&mut key).await.unwrap();
        }
        let mut payload = vec![0; length];
        self.0.read_exact(&mut payload).await.unwrap();
        for (byte, key) in payload.iter_mut().zip(key.iter().cycle()) {
            *byte ^= key;
        }
        Frame {
            first: start[0],
            is_masked,
            payload,
        }
    }

    /// The next frame is a close; its code and reason.
    pub(crate) async fn close(&mut self) -> (Option<u16>, String) {
        self.frame().await.close()
    }

    /// Ends this peer's half, as a FIN does.
    pub(crate) async fn hang_up(&mut self) {
        self.0.shutdown().await.unwrap();
    }
}

pub(crate) fn limits() -> Limits {
    Limits {
        max_session: Duration::from_secs(3600),
        idle_timeout: Duration::from_secs(600),
        client_idle_timeout: None,
        upstream_idle_timeout: None,
        idle_counts: IdleCounts::Data,
        max_frame: 64 * 1024 * 1024,
        max_message: 64 * 1024 * 1024,
        max_fragments: 16384,
        bytes_per_session: None,
        write_timeout: Duration::from_secs(30),
        client_pings: None,
        upstream_pings: None,
    }
}

pub(crate) fn terms() -> Terms {
    Terms {
        limits: limits(),
        rsv1: false,
        session: SessionId::parse("s1").unwrap(),
        secrets: vec![Secret::new("sk-canary".to_owned())],
    }
}

pub(crate) fn terms_with(change: impl FnOnce(&mut Limits)) -> Terms {
    let mut terms = terms();
    change(&mut terms.limits);
    terms
}

/// Never the same byte twice in a row.
#[derive(Default)]
pub(crate) struct Counting(AtomicU8);

impl Entropy for Counting {
    fn fill(&self, out: &mut [u8]) {
        for byte in out {
            *byte = self.0.fetch_add(1, Ordering::Relaxed).wrapping_add(1);
        }
    }
}
