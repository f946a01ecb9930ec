//! The far side, played by the test itself.

use std::{
    collections::{HashMap, VecDeque},
    io,
    net::SocketAddr,
    pin::pin,
    sync::{Arc, Mutex},
};

use tokio::{
    io::AsyncWriteExt as _,
    net::{TcpListener, TcpStream},
    sync::Notify,
    task::{JoinHandle, JoinSet},
    time::timeout,
};

use crate::{PATIENCE, RawPeer, handshake::accept_for, head::Head};

/// An upstream on a free port of 127.0.0.1 that answers every handshake with 101 and hands the
/// connection over. It accepts permessage-deflate wherever that is offered. Gone when dropped.
pub struct RawUpstream {
    address: SocketAddr,
    hall: Arc<Hall>,
    accepting: JoinHandle<()>,
}

/// Where connections wait for the test, by the path that they asked for.
#[derive(Default)]
struct Hall {
    waiting: Mutex<HashMap<String, VecDeque<RawPeer>>>,
    arrived: Notify,
}

impl RawUpstream {
    /// Starts it.
    ///
    /// # Panics
    /// Where no port is free.
    pub async fn start() -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("a free port");
        let address = listener.local_addr().expect("a bound socket");
        let hall = Arc::new(Hall::default());
        let accepting = tokio::spawn(accept(listener, Arc::clone(&hall)));
        Self {
            address,
            hall,
            accepting,
        }
    }

    /// `ws://127.0.0.1:PORT`.
    #[must_use]
    pub fn url(&self) -> String {
        format!("ws://{}", self.address)
    }

    /// The next connection that asked for this path, as soon as there is one.
    ///
    /// # Panics
    /// Where none comes in time.
    pub async fn dialled(&self, path: &str) -> RawPeer {
        timeout(PATIENCE, self.hall.next(path))
            .await
            .unwrap_or_else(|_| panic!("nobody dials {path}"))
    }
}

impl Drop for RawUpstream {
    fn drop(&mut self) {
        self.accepting.abort();
    }
}

impl Hall {
    fn enter(&self, path: &str, peer: RawPeer) {
        let mut waiting = self.waiting.lock().expect("no panic under the lock");
        waiting.entry(path.to_owned()).or_default().push_back(peer);
        self.arrived.notify_waiters();
    }

    async fn next(&self, path: &str) -> RawPeer {
        loop {
            let mut arrived = pin!(self.arrived.notified());
            arrived.as_mut().enable();
            if let Some(peer) = self.take(path) {
                return peer;
            }
            arrived.await;
        }
    }

    fn take(&self, path: &str) -> Option<RawPeer> {
        let mut waiting = self.waiting.lock().expect("no panic under the lock");
        waiting.get_mut(path)?.pop_front()
    }
}

async fn accept(listener: TcpListener, hall: Arc<Hall>) {
    let mut greetings = JoinSet::new();
    loop {
        let Ok((stream, _)) = listener.accept().await else {
            continue;
        };
        let hall = Arc::clone(&hall);
        greetings.spawn(async move {
            // Who leaves in the middle of the handshake is waited for in vain; that is a failure.
            let _left = greet(stream, &hall).await;
        });
        while greetings.try_join_next().is_some() {}
    }
}

async fn greet(mut stream: TcpStream, hall: &Hall) -> io::Result<()> {
    let head = Head::read(&mut stream).await?;
    let accept = accept_for(&head.all("sec-websocket-key").concat());
    let offered = head.all("sec-websocket-extensions").concat();
    let extensions = match offered.contains("permessage-deflate") {
        true => "Sec-WebSocket-Extensions: permessage-deflate\r\n",
        false => "",
    };
    let answer = format!(
        "HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n\
         Sec-WebSocket-Accept: {accept}\r\n{extensions}\r\n"
    );
    stream.write_all(answer.as_bytes()).await?;
    let path = head.start.split([' ', '?']).nth(1).unwrap_or_default();
    hall.enter(path, RawPeer::over(stream)?);
    Ok(())
}
