//! A WebSocket client that can say anything.

use std::{io, net::SocketAddr, time::Duration};

use tokio::{
    io::{AsyncWriteExt as _, BufReader},
    net::{
        TcpStream,
        tcp::{OwnedReadHalf, OwnedWriteHalf},
    },
    time::timeout,
};

use crate::{
    PATIENCE, RawPeer, Response,
    frame::{CLOSE, Event, Frame, LengthForm},
    handshake::{Handshake, accept_for},
    head::{self, Head},
};

/// An open WebSocket on a bare socket.
#[derive(Debug)]
pub struct RawWs {
    read: BufReader<OwnedReadHalf>,
    write: OwnedWriteHalf,
    /// The answer 101, judged.
    pub response: Response,
}

/// Clients mask (RFC 6455, 5.3); with a fixed key a test can compare bytes.
const MASK: [u8; 4] = [0x5a, 0xa5, 0x3c, 0xc3];

impl RawWs {
    /// Opens one; an answer other than 101 is judged and is the error.
    ///
    /// # Errors
    /// That is the refusal.
    ///
    /// # Panics
    /// Where no answer comes, or the answer is wrong.
    pub async fn connect(to: SocketAddr, handshake: Handshake) -> Result<Self, Response> {
        match timeout(PATIENCE, Self::open(to, &handshake)).await {
            Ok(Ok(opened)) => opened,
            Ok(Err(error)) => panic!("no answer to the handshake: {error}"),
            Err(_) => panic!("no answer to the handshake in time"),
        }
    }

    async fn open(to: SocketAddr, handshake: &Handshake) -> io::Result<Result<Self, Response>> {
        let stream = TcpStream::connect(to).await?;
        stream.set_nodelay(true)?;
        let (read, mut write) = stream.into_split();
        write.write_all(&handshake.encode(to)).await?;
        let mut read = BufReader::new(read);
        let head = Head::read(&mut read).await?;
        let response = Response::read(head, &mut read)
            .await?
            .judged(&handshake.kept());
        if response.status != 101 {
            return Ok(Err(response));
        }
        let accept = accept_for(handshake.key().unwrap_or_default());
        assert_eq!(
            response.header("sec-websocket-accept"),
            Some(accept.as_str())
        );
        Ok(Ok(Self {
            read,
            write,
            response,
        }))
    }

    /// The subprotocol that was chosen.
    #[must_use]
    pub fn protocol(&self) -> Option<&str> {
        self.response.header("sec-websocket-protocol")
    }

    /// All values of a header of the answer.
    #[must_use]
    pub fn header_values(&self, name: &str) -> Vec<&str> {
        head::all(&self.response.headers, name)
    }

    /// Sends a frame, masked unless it brings a key of its own.
    ///
    /// # Panics
    /// Where the connection is gone.
    pub async fn send(&mut self, frame: Frame) {
        let masked = frame.mask.unwrap_or(MASK);
        self.send_raw(&frame.masked(masked).encode()).await;
    }

    /// Sends a frame exactly as it is, masked or not, with any length declared in any form.
    ///
    /// # Panics
    /// Where the connection is gone.
    pub async fn send_frame(&mut self, frame: &Frame, declared: Option<u64>, form: LengthForm) {
        self.send_raw(&frame.encode_as(declared, form)).await;
    }

    /// Sends bytes.
    ///
    /// # Panics
    /// Where the connection is gone or does not take them in time.
    pub async fn send_raw(&mut self, bytes: &[u8]) {
        self.try_send_raw(bytes)
            .await
            .expect("a connection that takes bytes");
    }

    /// Sends bytes, if the connection takes them.
    ///
    /// # Errors
    /// Where it does not.
    pub async fn try_send_raw(&mut self, bytes: &[u8]) -> io::Result<()> {
        timeout(PATIENCE, self.write.write_all(bytes)).await?
    }

    /// The next thing the peer does.
    ///
    /// # Panics
    /// Where it does nothing in time.
    pub async fn recv(&mut self) -> Event {
        self.recv_within(PATIENCE)
            .await
            .expect("something from the peer in time")
    }

    /// The next thing the peer does, if it does something within `patience`. Where it does not,
    /// nothing is lost unless it was in the middle of a frame.
    pub async fn recv_within(&mut self, patience: Duration) -> Option<Event> {
        let read = timeout(patience, Frame::read(&mut self.read)).await;
        read.ok().map(Event::of)
    }

    /// The next data frame or close; pings and pongs in between are passed over.
    ///
    /// # Panics
    /// As [`recv`](Self::recv).
    pub async fn recv_data(&mut self) -> Event {
        loop {
            match self.recv().await {
                Event::Frame(frame) if frame.is_control() && frame.opcode != CLOSE => {}
                event => return event,
            }
        }
    }

    /// Sends a text and expects the same back.
    ///
    /// # Panics
    /// Where something else comes.
    pub async fn echo(&mut self, text: &str) {
        self.send(Frame::text(text)).await;
        assert_eq!(self.recv_data().await, Event::Frame(Frame::text(text)));
    }

    /// Reads on until a close frame and gives its code and reason; `None` where the connection
    /// ends without one. A close frame without a code has the code 1005, as in browsers.
    ///
    /// # Panics
    /// As [`recv`](Self::recv).
    pub async fn close_parts(&mut self) -> Option<(u16, String)> {
        loop {
            match self.recv().await {
                Event::Frame(frame) if frame.opcode == CLOSE => {
                    return Some(frame.close_parts().unwrap_or((1005, String::new())));
                }
                Event::Frame(_) => {}
                Event::Eof | Event::Reset => return None,
            }
        }
    }

    /// The code of [`close_parts`](Self::close_parts).
    ///
    /// # Panics
    /// As [`recv`](Self::recv).
    pub async fn close_code(&mut self) -> Option<u16> {
        self.close_parts().await.map(|(code, _)| code)
    }

    /// Closes with this code, expects the same code back, then the end of the connection.
    ///
    /// # Panics
    /// Where that is not what happens.
    pub async fn close(mut self, code: u16) {
        self.send(Frame::close(code, "")).await;
        assert_eq!(self.close_code().await, Some(code));
        assert_eq!(
            self.recv().await,
            Event::Eof,
            "the server ends the connection"
        );
    }

    /// Ends our half without a close frame.
    ///
    /// # Panics
    /// Where the connection is gone already.
    pub async fn finish(&mut self) {
        self.write.shutdown().await.expect("a connection");
    }

    /// Breaks the connection: the peer sees a reset.
    ///
    /// # Panics
    /// Where the halves do not fit, which they do.
    pub fn reset(self) {
        let stream = self
            .read
            .into_inner()
            .reunite(self.write)
            .expect("two halves of one");
        stream.set_zero_linger().expect("a socket with options");
    }

    /// The same connection without manners: for tests that look at every byte.
    #[must_use]
    pub fn into_peer(self) -> RawPeer {
        RawPeer::of(self.read, self.write)
    }

    /// The client's own address.
    ///
    /// # Panics
    /// Where the connection is gone.
    #[must_use]
    pub fn local_addr(&self) -> SocketAddr {
        self.write.local_addr().expect("a bound socket")
    }
}
