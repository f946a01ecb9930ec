//! What an idle connection holds.

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

fn resident() -> usize {
    let status = std::fs::read_to_string("/proc/self/statm").unwrap();
    let pages: usize = status.split(' ').nth(1).unwrap().parse().unwrap();
    pages * 4096
}

/// A measurement, not a check: `cargo nextest run -p tollbridge-stream --release --run-ignored
/// only --no-capture`.
#[tokio::test]
#[ignore = "measures"]
async fn memory_of_idle_connections() {
    const PAIRS: usize = 1000;
    let keys = Keys::new(&TLS13);
    let mut open: Vec<[Box<Tls<TcpStream>>; 2]> = Vec::with_capacity(PAIRS + 100);
    let mut before = 0;
    for count in 0..PAIRS + 100 {
        let (near, far) = tcp().await;
        let (mut client, mut server) = keys.join(near, far).await;
        server.write_all(b"!").await.unwrap();
        client.read_u8().await.unwrap();
        open.push([client, server].map(Box::new));
        if count == 99 {
            before = resident();
        }
    }
    let pair = (resident() - before) / PAIRS;
    let size = size_of::<Tls<TcpStream>>();
    let report = format!("{pair} bytes a client with its server, {size} of them inline, each\n");
    std::io::Write::write_all(&mut std::io::stdout(), report.as_bytes()).unwrap();
}
