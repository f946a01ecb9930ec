//! Heads that never end.

use tokio::{
    io::{AsyncReadExt as _, AsyncWriteExt as _},
    net::TcpStream,
    time::timeout,
};

use crate::house::{House, PATIENCE, builder, config};

const ASK: &[u8] = b"GET /livez HTTP/1.1\r\nHost: x\r\n\r\n";

async fn house() -> House {
    let config = config(&[]).replace("workers = 1", "workers = 1\nhandshake_timeout = \"1s\"");
    House::of(builder(&[]).config(config)).await
}

async fn answered(client: &mut TcpStream) {
    client.write_all(ASK).await.unwrap();
    let mut answer = Vec::new();
    while !answer.ends_with(b"ok\n") {
        assert_ne!(client.read_buf(&mut answer).await.unwrap(), 0);
    }
}

/// B26: the deadline of a head is not the first one's alone.
#[tokio::test]
async fn a_head_that_never_ends_is_cut_off_behind_an_answer_too() {
    let house = house().await;
    for beginning in [&b"G"[..], b"\r\n", b"GET / HTTP/1.1\r\nHost: x\r\n"] {
        let mut client = TcpStream::connect(house.server.public()).await.unwrap();
        answered(&mut client).await;
        answered(&mut client).await;
        client.write_all(beginning).await.unwrap();
        let mut rest = Vec::new();
        let ended = timeout(PATIENCE, client.read_to_end(&mut rest)).await;
        ended.expect("the end of the connection").unwrap();
        assert_eq!(rest, b"", "{beginning:?}");
    }
}

/// Answers' heads are used again, and what is left in one of them must not speak for the next.
#[tokio::test]
async fn who_speaks_http_1_0_ends_nobody_elses_connection() {
    let house = house().await;
    let mut kept = TcpStream::connect(house.server.public()).await.unwrap();
    answered(&mut kept).await;
    for _ in 0..3 {
        let mut old = TcpStream::connect(house.server.public()).await.unwrap();
        old.write_all(b"GET /livez HTTP/1.0\r\n\r\n").await.unwrap();
        let mut told = Vec::new();
        let ended = timeout(PATIENCE, old.read_to_end(&mut told)).await;
        ended.expect("the end of the connection").unwrap();
        assert!(told.ends_with(b"ok\n"));
        answered(&mut kept).await;
        answered(&mut kept).await;
    }
}
