//! What an idle connection holds.

use peak_alloc::PeakAlloc;
use rustls::version::TLS13;
use tokio::{
    io::{AsyncReadExt as _, AsyncWriteExt as _},
    net::TcpStream,
};
use tollbridge_stream::Tls;

use crate::{
    keys::{BOTH_VERSIONS, Keys},
    sample, tcp,
};

#[global_allocator]
static HEAP: PeakAlloc = PeakAlloc;

#[tokio::test]
async fn a_stream_that_idles_holds_nothing() {
    for version in BOTH_VERSIONS {
        let (near, far) = tcp().await;
        let (mut client, mut server) = Keys::new(version).join(near, far).await;
        let words = sample(64 * 1024);
        let mut heard = vec![0; words.len()];
        let (written, read) = tokio::join!(client.write_all(&words), server.read_exact(&mut heard));
        written.unwrap();
        read.unwrap();
        server.write_all(b"!").await.unwrap();
        client.read_u8().await.unwrap();
        assert_eq!((client.held(), server.held()), (0, 0));
    }
}

/// Every allocation of the process is counted, so this needs a process of its own, as the test
/// runner gives it. Both ends are in it. The bounds are those of rustls' version in the lock file
/// with room for a small change; a buffer that is kept would be far above them.
#[tokio::test]
async fn an_idle_connection_is_what_rustls_remembers() {
    const PAIRS: usize = 20;
    let keys = Keys::new(&TLS13);
    let mut open = Vec::with_capacity(PAIRS);
    // Session stores and thread buffers grow to their size.
    for _ in 0..20 {
        drop(used(&keys).await);
    }
    let before = HEAP.current_usage();
    for _ in 0..PAIRS {
        open.push(used(&keys).await);
    }
    let sockets = 2 * size_of::<TcpStream>();
    let pair = (HEAP.current_usage() - before) / PAIRS;
    let inline = size_of::<Tls<TcpStream>>();
    println!(
        "a client with its server: {pair} bytes, of which inline 2 times {inline}, sockets {sockets}"
    );
    assert!(inline <= 1536, "{inline}");
    assert!(pair <= 9 * 1024, "{pair}");
}

/// Both ends after a message of 3,200 bytes each way.
async fn used(keys: &Keys) -> [Box<Tls<TcpStream>>; 2] {
    let (near, far) = tcp().await;
    let (mut client, mut server) = keys.join(near, far).await;
    let mut room = [0; 3200];
    client.write_all(&sample(3200)).await.unwrap();
    server.read_exact(&mut room).await.unwrap();
    server.write_all(&room).await.unwrap();
    client.read_exact(&mut room).await.unwrap();
    [client, server].map(Box::new)
}
