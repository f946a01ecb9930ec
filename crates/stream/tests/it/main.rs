//! TLS over real sockets and over sockets that misbehave.
#![expect(
    clippy::unwrap_used,
    reason = "helpers of tests report a broken assumption by a panic"
)]

mod both;
mod calls;
mod choppy;
mod chunks;
mod cut;
mod faults;
mod idle;
mod interop;
mod keys;
mod readable;

use tokio::net::{TcpListener, TcpStream};

/// Two ends of a TCP connection.
async fn tcp() -> (TcpStream, TcpStream) {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let near = TcpStream::connect(listener.local_addr().unwrap());
    let (near, far) = tokio::join!(near, listener.accept());
    let (near, far) = (near.unwrap(), far.unwrap().0);
    near.set_nodelay(true).unwrap();
    far.set_nodelay(true).unwrap();
    (near, far)
}

/// Bytes in which a lost, doubled or moved piece shows.
fn sample(size: usize) -> Vec<u8> {
    let mut state = 0x9e37_79b9_u32;
    let next = || {
        state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
        state.to_be_bytes()[0]
    };
    std::iter::repeat_with(next).take(size).collect()
}
