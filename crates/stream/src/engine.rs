//! rustls' protocol machine, which is fed by hand.

use std::io;

use rustls::{
    CommonState, Error,
    client::UnbufferedClientConnection,
    server::UnbufferedServerConnection,
    unbuffered::{ConnectionState, EncodeError, EncryptError, UnbufferedStatus},
};

use crate::kept::Kept;

/// One side of a TLS connection. Holds keys and state, and no bytes in transit.
pub(crate) enum Engine {
    Client(UnbufferedClientConnection),
    Server(UnbufferedServerConnection),
}

/// Where a step led to.
pub(crate) enum Turn {
    /// There is more to do with the bytes at hand.
    Again,
    /// The handshake goes on when the peer has said more.
    Hungry,
    /// The handshake is over, and nothing is left to do.
    Open,
    /// The peer says nothing more.
    PeerClosed,
    /// The peer broke the rules, or says that we did.
    Failed(Error),
}

impl Engine {
    pub(crate) fn common(&self) -> &CommonState {
        match self {
            Self::Client(connection) => connection,
            Self::Server(connection) => connection,
        }
    }

    pub(crate) const fn is_server(&self) -> bool {
        matches!(self, Self::Server(_))
    }

    /// Works on the ciphertext in `incoming`, in place. Answers how much of it is done with; the
    /// caller cuts that off the front before the next step. Plaintext goes to `plain`, ciphertext
    /// for the peer into `outgoing`.
    pub(crate) fn step(
        &mut self,
        incoming: &mut [u8],
        plain: impl FnMut(&[u8]),
        outgoing: &mut Kept,
    ) -> (usize, Turn) {
        match self {
            Self::Client(it) => advance(it.process_tls_records(incoming), plain, outgoing),
            Self::Server(it) => advance(it.process_tls_records(incoming), plain, outgoing),
        }
    }

    /// After a failure: the alert that tells the peer.
    pub(crate) fn alert(&mut self, outgoing: &mut Kept) {
        while self.common().wants_write() {
            let (_nothing, _turn) = self.step(&mut [], |_none| {}, outgoing);
        }
    }

    /// Encrypts all of `plain` to the front of `out`. `torn` is what [`step`](Self::step) left
    /// over, which rustls wants to see each time.
    pub(crate) fn seal(
        &mut self,
        torn: &mut [u8],
        plain: &[u8],
        out: &mut [u8],
    ) -> io::Result<usize> {
        match self {
            Self::Client(it) => encrypt(it.process_tls_records(torn), plain, out),
            Self::Server(it) => encrypt(it.process_tls_records(torn), plain, out),
        }
    }

    /// Says that nothing more comes from us (RFC 8446, 6.1).
    pub(crate) fn say_goodbye(&mut self, torn: &mut [u8], outgoing: &mut Kept) {
        let mut notice = [0; 128];
        let size = match self {
            Self::Client(it) => close(it.process_tls_records(torn), &mut notice),
            Self::Server(it) => close(it.process_tls_records(torn), &mut notice),
        };
        outgoing.push(notice.get(..size).unwrap_or_default());
    }
}

fn advance<Data>(
    status: UnbufferedStatus<'_, '_, Data>,
    mut plain: impl FnMut(&[u8]),
    outgoing: &mut Kept,
) -> (usize, Turn) {
    let mut done = status.discard;
    let turn = match status.state {
        Ok(ConnectionState::ReadTraffic(mut traffic)) => loop {
            match traffic.next_record() {
                Some(Ok(record)) => {
                    done += record.discard;
                    plain(record.payload);
                }
                Some(Err(error)) => break Turn::Failed(error),
                None => break Turn::Again,
            }
        },
        Ok(ConnectionState::EncodeTlsData(mut message)) => {
            if let Err(EncodeError::InsufficientSize(need)) = message.encode(&mut []) {
                // The room is as large as was asked for.
                let _fits = message.encode(outgoing.grow(need.required_size));
            }
            Turn::Again
        }
        Ok(ConnectionState::TransmitTlsData(sent)) => {
            sent.done();
            Turn::Again
        }
        Ok(ConnectionState::BlockedHandshake) => Turn::Hungry,
        Ok(ConnectionState::WriteTraffic(_)) => Turn::Open,
        Ok(ConnectionState::PeerClosed | ConnectionState::Closed) => Turn::PeerClosed,
        // Early data, which no configuration of ours allows.
        Ok(_) => Turn::Failed(Error::General(
            "a state of TLS that is not in use".to_owned(),
        )),
        Err(error) => Turn::Failed(error),
    };
    (done, turn)
}

fn encrypt<Data>(
    status: UnbufferedStatus<'_, '_, Data>,
    plain: &[u8],
    out: &mut [u8],
) -> io::Result<usize> {
    match status.state.map_err(failure)? {
        ConnectionState::WriteTraffic(mut traffic) => {
            traffic.encrypt(plain, out).map_err(|error| match error {
                EncryptError::EncryptExhausted => failure(Error::EncryptError),
                EncryptError::InsufficientSize(_) => io::Error::other(error),
            })
        }
        _ => Err(io::ErrorKind::NotConnected.into()),
    }
}

fn close<Data>(status: UnbufferedStatus<'_, '_, Data>, out: &mut [u8]) -> usize {
    match status.state {
        Ok(ConnectionState::WriteTraffic(mut traffic)) => {
            traffic.queue_close_notify(out).unwrap_or(0)
        }
        _ => 0,
    }
}

/// The form in which callers find the cause: `InvalidData` around a [`rustls::Error`].
pub(crate) fn failure(error: Error) -> io::Error {
    io::Error::new(io::ErrorKind::InvalidData, error)
}
