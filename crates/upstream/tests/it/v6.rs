//! Upstreams that are addressed by number, with colons in it.

use tokio::{
    io::copy_bidirectional,
    net::{TcpListener, TcpStream},
    task::JoinHandle,
};
use tollbridge_testkit::{Authority, Upstream};
use tollbridge_upstream::{Dialer, Tls};

use crate::{PATIENT, call, failure};

/// Lets a stand-in be reached at `[::1]`. `None` on a machine without IPv6.
async fn in_front_of(upstream: &Upstream) -> Option<(u16, JoinHandle<()>)> {
    let listener = TcpListener::bind("[::1]:0").await.ok()?;
    let port = listener.local_addr().unwrap().port();
    let behind = upstream.addr();
    let passing = tokio::spawn(async move {
        while let Ok((mut near, _)) = listener.accept().await {
            let mut far = TcpStream::connect(behind).await.unwrap();
            let _gone = copy_bidirectional(&mut near, &mut far).await;
        }
    });
    Some((port, passing))
}

#[actix_rt::test]
async fn a_certificate_for_an_ipv6_address_is_for_that_address_only() {
    let authority = Authority::new();
    let pem = authority.pem();
    let dialer = Dialer::new(&Tls::new(Some(pem.as_bytes())).unwrap(), PATIENT);
    for (name, is_good) in [("::1", true), ("127.0.0.1", false), ("localhost", false)] {
        let upstream = Upstream::builder()
            .tls(authority.identity(name))
            .start()
            .await;
        let Some((port, passing)) = in_front_of(&upstream).await else {
            return;
        };
        let call = call(&format!("wss://[::1]:{port}"));
        if is_good {
            dialer.dial(call).await.unwrap();
            let host = format!("[::1]:{port}");
            assert_eq!(upstream.dials()[0].header_values("host"), [host]);
        } else {
            let error = failure(&dialer, call).await;
            assert!(error.untouched());
            assert!(error.to_string().contains("not valid for name"), "{error}");
        }
        passing.abort();
    }
}
