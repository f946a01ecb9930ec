//! Upstreams that cannot be reached, and whether they can have noticed.

use tokio::{
    io::{AsyncReadExt as _, AsyncWriteExt as _},
    net::TcpListener,
};
use tollbridge_domain::Slug;
use tollbridge_testkit::{Authority, Behaviour, Upstream};

use crate::{IMPATIENT, PATIENT, call, dialer, failure};

#[actix_rt::test]
async fn a_refused_port_leaves_the_upstream_untouched() {
    let (_held, address) = Upstream::refusing();
    let error = failure(&dialer(PATIENT), call(&format!("ws://{address}"))).await;
    assert_eq!(error.slug(), Slug::UpstreamUnavailable);
    assert!(error.untouched());
    assert!(
        error.to_string().starts_with("no TCP connection"),
        "{error}"
    );
}

#[actix_rt::test]
async fn a_name_that_does_not_resolve_leaves_the_upstream_untouched() {
    let error = failure(&dialer(PATIENT), call("wss://upstream.invalid")).await;
    assert!(error.untouched());
}

/// B35: the request was sent, so what the upstream made of it is unknown.
#[actix_rt::test]
async fn an_upstream_that_stays_silent_is_given_up_and_not_untouched() {
    let upstream = Upstream::behaving(Behaviour::Silent).await;
    let error = failure(&dialer(IMPATIENT), call(&upstream.url())).await;
    assert_eq!(error.slug(), Slug::UpstreamTimeout);
    assert!(!error.untouched());
    upstream.ended(1).await;
}

/// Not a byte of TLS came back, so not a byte of the request went out.
#[actix_rt::test]
async fn an_upstream_silent_before_tls_is_untouched() {
    let upstream = Upstream::behaving(Behaviour::Silent).await;
    let url = format!("wss://{}", upstream.addr());
    let error = failure(&dialer(IMPATIENT), call(&url)).await;
    assert_eq!(error.slug(), Slug::UpstreamTimeout);
    assert!(error.untouched());
    assert_eq!(upstream.connections(), 1);
    assert!(upstream.dials().is_empty());
}

/// U6: neither plaintext nor an old version of TLS is put up with.
#[actix_rt::test]
async fn a_port_without_proper_tls_is_untouched() {
    let tls_1_0_only = b"\x15\x03\x01\x00\x02\x02\x46";
    for answer in [&b"HTTP/1.1 400 Bad Request\r\n\r\n"[..], tls_1_0_only] {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let url = format!("wss://{}", listener.local_addr().unwrap());
        let upstream = async {
            let (mut stream, _) = listener.accept().await.unwrap();
            stream.write_all(answer).await.unwrap();
            // Read to the end: closing with bytes unread would be a reset.
            let mut hello = Vec::new();
            let _gone = stream.read_to_end(&mut hello).await;
            hello
        };
        let dialer = dialer(PATIENT);
        let (error, hello) = tokio::join!(failure(&dialer, call(&url)), upstream);
        assert_eq!(error.slug(), Slug::UpstreamUnavailable);
        assert!(error.untouched());
        assert!(
            error.to_string().starts_with("no TLS connection"),
            "{error}"
        );
        assert!(!hello.windows(3).any(|it| it == b"GET"));
    }
}

#[actix_rt::test]
async fn plain_words_to_a_tls_port_are_a_wrong_route() {
    let identity = Authority::new().identity("localhost");
    let upstream = Upstream::builder().tls(identity).start().await;
    let error = failure(&dialer(PATIENT), call(&format!("ws://{}", upstream.addr()))).await;
    assert!(!error.untouched());
    assert!(upstream.dials().is_empty());
}

#[actix_rt::test]
async fn a_connection_that_breaks_before_the_answer_is_not_untouched() {
    for behaviour in [
        Behaviour::Reset,
        Behaviour::Answer(b"HTTP/1.1 101 Swit".to_vec()),
    ] {
        let upstream = Upstream::behaving(behaviour.clone()).await;
        let error = failure(&dialer(IMPATIENT), call(&upstream.url())).await;
        assert!(!error.untouched(), "{behaviour:?}");
        let slugs = [Slug::UpstreamUnavailable, Slug::UpstreamTimeout];
        assert!(slugs.contains(&error.slug()), "{behaviour:?}: {error}");
    }
}
