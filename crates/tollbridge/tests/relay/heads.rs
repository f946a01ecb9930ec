//! Slowloris before there is a session.

use std::time::Duration;

use tokio::{
    io::{AsyncReadExt as _, AsyncWriteExt as _},
    net::TcpStream,
    time::{Instant, sleep, timeout},
};
use tollbridge_testkit::{Behaviour, Upstream};

use crate::stage::{PATIENCE, Plan, knock};

const CONNECTIONS: usize = 60;

/// B26, short: sixty connections that never finish their handshake, a byte now and then or none at
/// all, are gone at the deadline; nobody is dialled for them, and others come and go meanwhile.
#[tokio::test]
async fn a_handshake_that_never_ends_is_cut_off_and_disturbs_nobody() {
    let echo = Upstream::behaving(Behaviour::Echo).await;
    let stage = Plan::new().await.echo("echo", &echo).start().await;
    let head = knock("echo", "eyJhbGciOiJFZERTQSJ9.e30.AAAA").encode(stage.server.public());
    let slow = (0..CONNECTIONS).map(|at| {
        let (head, to) = (head.clone(), stage.server.public());
        tokio::spawn(async move {
            let stream = TcpStream::connect(to).await.unwrap();
            dawdle(stream, &head, at).await
        })
    });
    let slow: Vec<_> = slow.collect();
    let begun = Instant::now();
    let mut visitors = 0;
    while slow.iter().any(|one| !one.is_finished()) && begun.elapsed() < PATIENCE {
        let mut ws = stage.session("echo").await;
        ws.echo("meanwhile").await;
        ws.close(1000).await;
        visitors += 1;
    }
    for one in slow {
        let answer = one.await.unwrap();
        assert!(
            answer.is_empty() || answer.starts_with("HTTP/1.1 408"),
            "{answer}"
        );
    }
    assert_eq!(echo.dials().len(), visitors, "nobody was dialled for them");
}

/// A third say nothing, a third all but the end at once, a third a byte at a time.
async fn dawdle(mut stream: TcpStream, head: &[u8], at: usize) -> String {
    let (mut read, mut write) = stream.split();
    let talking = async {
        match at % 3 {
            0 => {}
            1 => write.write_all(&head[..head.len() - 2]).await.unwrap(),
            _ => {
                for byte in &head[..head.len() - 2] {
                    if write.write_all(&[*byte]).await.is_err() {
                        break;
                    }
                    sleep(Duration::from_millis(100)).await;
                }
            }
        }
        std::future::pending::<()>().await;
    };
    let mut answer = Vec::new();
    let heard = timeout(PATIENCE, read.read_to_end(&mut answer));
    tokio::select! {
        heard = heard => {
            let _reset_is_an_end_too = heard.expect("the end of the connection");
        }
        () = talking => {}
    }
    String::from_utf8_lossy(&answer).into_owned()
}
