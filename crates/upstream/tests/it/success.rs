//! What a good upstream gets and gives.

use std::rc::Rc;

use futures_util::future::join_all;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tollbridge_domain::Secret;
use tollbridge_testkit::{Behaviour, Frame, Upstream};

use crate::{CREDENTIAL, PATIENT, call, dialer};

/// B01: one dial, exactly the configured headers, those of the handshake, and `Date`, which
/// actix-http writes into every request and does not let us leave out (RFC 9110, 6.6.1 allows it).
#[actix_rt::test]
async fn an_upstream_sees_the_configured_headers_and_no_other() {
    let upstream = Upstream::echo("x-key", CREDENTIAL).await;
    let mut call = call(&upstream.url());
    call.passed = vec![("x-request".to_owned(), b"7".to_vec())];
    let dialled = dialer(PATIENT).dial(call).await.unwrap();
    assert_eq!(dialled.protocol, None);
    assert_eq!(dialled.extensions, None);
    let dials = upstream.dials();
    assert_eq!((dials.len(), upstream.connections()), (1, 1));
    let dial = &dials[0];
    assert_eq!(
        dial.header_names(),
        [
            "connection",
            "date",
            "host",
            "sec-websocket-key",
            "sec-websocket-version",
            "upgrade",
            "user-agent",
            "x-key",
            "x-request",
        ]
    );
    assert_eq!(dial.header_values("host"), [upstream.addr().to_string()]);
    assert!(dial.header_values("user-agent")[0].starts_with("tollbridge/"));
    assert_eq!(dial.head.split(' ').next(), Some("GET"));
    assert_eq!(dial.query_values("key"), [CREDENTIAL]);
}

#[actix_rt::test]
async fn a_configured_user_agent_replaces_ours() {
    let upstream = Upstream::echo("x-key", CREDENTIAL).await;
    let mut call = call(&upstream.url());
    let agent = ("User-Agent".to_owned(), Secret::new("acme/1".to_owned()));
    call.headers.push(agent);
    dialer(PATIENT).dial(call).await.unwrap();
    assert_eq!(upstream.dials()[0].header_values("user-agent"), ["acme/1"]);
}

#[actix_rt::test]
async fn what_was_offered_may_be_chosen() {
    let upstream = Upstream::builder()
        .protocol("realtime")
        .extensions("permessage-deflate; client_max_window_bits=12")
        .answer("X-Tt-Logid", "log-1")
        .start()
        .await;
    let mut call = call(&upstream.url());
    call.protocols = vec!["realtime".to_owned(), "beta".to_owned()];
    call.extensions = Some("permessage-deflate; client_max_window_bits".to_owned());
    let dialled = dialer(PATIENT).dial(call).await.unwrap();
    assert_eq!(dialled.protocol.as_deref(), Some("realtime"));
    let accepted = "permessage-deflate; client_max_window_bits=12";
    assert_eq!(dialled.extensions.as_deref(), Some(accepted));
    let log_id = ("x-tt-logid".to_owned(), b"log-1".to_vec());
    assert!(dialled.headers.contains(&log_id));
    let dial = &upstream.dials()[0];
    assert_eq!(
        dial.header_values("sec-websocket-protocol"),
        ["realtime, beta"]
    );
}

#[actix_rt::test]
async fn frames_behind_the_answer_are_read_first() {
    let greeting = Frame::text("session.created").encode();
    let upstream = Upstream::behaving(Behaviour::Raw(greeting.clone())).await;
    let mut dialled = dialer(PATIENT).dial(call(&upstream.url())).await.unwrap();
    let echoed = Frame::text("hello").masked([1, 2, 3, 4]);
    dialled.socket.write_all(&echoed.encode()).await.unwrap();
    let mut read = vec![0; greeting.len() + Frame::text("hello").encode().len()];
    let (early, late) = read.split_at_mut(3);
    dialled.socket.read_exact(early).await.unwrap();
    dialled.socket.read_exact(late).await.unwrap();
    assert_eq!(read, [greeting, Frame::text("hello").encode()].concat());
}

/// B34: credentials of two routes to one host never cross. More dials at once than awc's pool
/// would let through.
#[actix_rt::test]
async fn many_dials_at_once_keep_their_credentials_apart() {
    const DIALS: usize = 120;
    let upstream = Upstream::behaving(Behaviour::Echo).await;
    let routes = [Rc::new(dialer(PATIENT)), Rc::new(dialer(PATIENT))];
    let dials = (0..DIALS).map(|index| {
        let dialer = Rc::clone(&routes[index % 2]);
        let mut call = call(&upstream.url());
        let credential = Secret::new(format!("key-of-route-{}", index % 2));
        call.headers = vec![("X-Key".to_owned(), credential)];
        call.passed = vec![("x-index".to_owned(), index.to_string().into_bytes())];
        async move { dialer.dial(call).await }
    });
    let open: Vec<_> = join_all(dials)
        .await
        .into_iter()
        .map(Result::unwrap)
        .collect();
    assert_eq!(open.len(), DIALS);
    assert_eq!(upstream.connections(), DIALS, "no connection serves twice");
    for dial in upstream.dials() {
        let index: usize = dial.header_values("x-index")[0].parse().unwrap();
        let credential = format!("key-of-route-{}", index % 2);
        assert_eq!(dial.header_values("x-key"), [credential]);
    }
}
