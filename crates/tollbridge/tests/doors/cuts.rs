//! B28: handshakes that are cut off leave nothing behind.

use std::{fs, time::Duration};

use tokio::{
    io::{AsyncReadExt as _, AsyncWriteExt as _},
    net::TcpStream,
    task::JoinSet,
    time::{interval, timeout},
};

use crate::{
    plan::PAGE,
    stage::{PATIENCE, Stage, echo, knock},
};

/// Where a handshake is cut off.
#[derive(Clone, Copy, Debug)]
enum Cut {
    /// Before a byte.
    Connected,
    /// In the request line.
    Line,
    /// In the headers.
    Head,
    /// Before the answer, so perhaps while the upstream is dialled.
    Asked,
    /// After 101.
    Opened,
    /// After a refusal by close.
    Refused,
}

const CUTS: [Cut; 6] = [
    Cut::Connected,
    Cut::Line,
    Cut::Head,
    Cut::Asked,
    Cut::Opened,
    Cut::Refused,
];

/// B28: 2,000 handshakes where the threat model has 100,000, so that a debug build is done in time.
#[tokio::test(flavor = "multi_thread")]
async fn two_thousand_cut_handshakes_leave_no_descriptor_and_no_memory() {
    let (stage, _upstream) = echo().await;
    // What is made once, by the first of each kind, is no leak.
    let start = descriptors(&stage);
    cut_many(&stage, 300).await;
    until_at_rest(&stage, start).await;
    let before = resident_kib(&stage);
    cut_many(&stage, 2000).await;
    until_at_rest(&stage, start).await;
    let grown = resident_kib(&stage).saturating_sub(before);
    assert!(grown < 16 * 1024, "{grown} KiB more");
    stage.redeem("voice", &stage.forge.token("voice")).await;
    stage.end().await;
}

async fn cut_many(stage: &Stage, count: usize) {
    const AT_ONCE: usize = 50;
    let to = stage.server.public();
    for start in (0..count).step_by(AT_ONCE) {
        let mut cutting = JoinSet::new();
        for n in start..(start + AT_ONCE).min(count) {
            let cut = CUTS[n % CUTS.len()];
            let token = stage.forge.token("voice");
            let origin = match cut {
                Cut::Refused => "https://evil.example",
                _ => PAGE,
            };
            let request = knock("voice", &token).origin(origin).encode(to);
            cutting.spawn(async move {
                let stream = TcpStream::connect(to).await.unwrap();
                cut_off(stream, &request, cut, n % 2 == 0).await;
            });
        }
        cutting.join_all().await;
    }
}

async fn cut_off(mut stream: TcpStream, request: &[u8], cut: Cut, by_reset: bool) {
    let sent = match cut {
        Cut::Connected => 0,
        Cut::Line => 20,
        Cut::Head => request.len() - 30,
        Cut::Asked | Cut::Opened | Cut::Refused => request.len(),
    };
    stream.write_all(&request[..sent]).await.unwrap();
    if let Cut::Opened | Cut::Refused = cut {
        let mut answer = [0; 12];
        let read = timeout(PATIENCE, stream.read_exact(&mut answer)).await;
        read.expect("an answer in time").unwrap();
        assert_eq!(&answer, b"HTTP/1.1 101");
    }
    if by_reset {
        stream.set_zero_linger().unwrap();
    }
}

/// Memory of the server's process, in KiB.
pub(crate) fn resident_kib(stage: &Stage) -> u64 {
    let status = fs::read_to_string(format!("/proc/{}/status", stage.server.pid())).unwrap();
    let line = status.lines().find(|line| line.starts_with("VmRSS:"));
    let number = line.and_then(|line| line.split_whitespace().nth(1));
    number
        .and_then(|number| number.parse().ok())
        .expect("a number")
}

/// Waits until the server has no session and no more descriptors than this. A process does not
/// say when it has closed one, so it is looked at again and again.
async fn until_at_rest(stage: &Stage, most: usize) {
    stage.until_empty().await;
    let mut look = interval(Duration::from_millis(50));
    let resting = async {
        while descriptors(stage) > most {
            look.tick().await;
        }
    };
    let rested = timeout(PATIENCE, resting).await;
    rested.unwrap_or_else(|_| panic!("{} of {most} descriptors", descriptors(stage)));
}

/// File descriptors of the server's process.
fn descriptors(stage: &Stage) -> usize {
    let open = fs::read_dir(format!("/proc/{}/fd", stage.server.pid())).unwrap();
    open.count()
}
