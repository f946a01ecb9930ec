//! One end of a WebSocket whose handshake is over.

use std::{io, net::SocketAddr};

use tokio::{
    io::{AsyncReadExt as _, AsyncWriteExt as _, BufReader},
    net::{
        TcpStream,
        tcp::{OwnedReadHalf, OwnedWriteHalf},
    },
    time::timeout,
};

use crate::PATIENCE;

/// A bare socket that says exactly what it is told to, and shows every byte that it hears. Either
/// side's: nothing is masked, answered or counted by itself.
#[derive(Debug)]
pub struct RawPeer {
    read: BufReader<OwnedReadHalf>,
    write: OwnedWriteHalf,
}

impl RawPeer {
    pub(crate) const fn of(read: BufReader<OwnedReadHalf>, write: OwnedWriteHalf) -> Self {
        Self { read, write }
    }

    pub(crate) fn over(stream: TcpStream) -> io::Result<Self> {
        stream.set_nodelay(true)?;
        let (read, write) = stream.into_split();
        Ok(Self::of(BufReader::new(read), write))
    }

    /// Sends bytes, if the connection takes them.
    ///
    /// # Errors
    /// Where it does not, or not in time.
    pub async fn send(&mut self, bytes: &[u8]) -> io::Result<()> {
        timeout(PATIENCE, self.write.write_all(bytes)).await?
    }

    /// Appends what comes next and says how many bytes that are: 0 at the end of the stream.
    ///
    /// # Errors
    /// Where the connection breaks, or nothing comes in time.
    pub async fn read_some(&mut self, into: &mut Vec<u8>) -> io::Result<usize> {
        timeout(PATIENCE, self.read.read_buf(into)).await?
    }

    /// Fills all of `bytes`.
    ///
    /// # Errors
    /// Where the stream ends or breaks before, or nothing comes in time.
    pub async fn read_all(&mut self, bytes: &mut [u8]) -> io::Result<()> {
        timeout(PATIENCE, self.read.read_exact(bytes)).await??;
        Ok(())
    }

    /// Ends its half.
    ///
    /// # Errors
    /// Where the connection is gone.
    pub async fn finish(&mut self) -> io::Result<()> {
        self.write.shutdown().await
    }

    /// Breaks the connection: the other side sees a reset.
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

    /// Its own address.
    ///
    /// # Panics
    /// Where the connection is gone.
    #[must_use]
    pub fn local_addr(&self) -> SocketAddr {
        self.write.local_addr().expect("a bound socket")
    }
}
