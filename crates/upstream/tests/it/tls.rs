//! B33, U6: what an upstream must prove before it hears a credential.

use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tollbridge_domain::Slug;
use tollbridge_testkit::{Authority, Frame, Identity, Upstream};
use tollbridge_upstream::{Dialer, Tls};

use crate::{PATIENT, call, dialer, failure};

async fn serving(identity: Identity) -> Upstream {
    Upstream::builder().tls(identity).start().await
}

fn trusting(pem: &str) -> Dialer {
    Dialer::new(&Tls::new(Some(pem.as_bytes())).unwrap(), PATIENT)
}

/// The stand-in prefers HTTP/2, as real upstreams do; it must not be offered.
#[actix_rt::test]
async fn a_configured_authority_is_trusted() {
    let authority = Authority::new();
    let upstream = serving(authority.identity("localhost")).await;
    let dialled = trusting(&authority.pem()).dial(call(&upstream.url())).await;
    assert!(dialled.is_ok());
    assert_eq!(upstream.dials().len(), 1);
}

#[actix_rt::test]
async fn frames_travel_over_tls() {
    let authority = Authority::new();
    let upstream = serving(authority.identity("localhost")).await;
    let call = call(&upstream.url());
    let mut dialled = trusting(&authority.pem()).dial(call).await.unwrap();
    let words = "word ".repeat(40_000);
    let said = Frame::text(&words).masked([1, 2, 3, 4]).encode();
    let mut heard = vec![0; Frame::text(&words).encode().len()];
    let (mut reader, mut writer) = tokio::io::split(&mut dialled.socket);
    let speak = async {
        writer.write_all(&said).await.unwrap();
        writer.flush().await.unwrap();
    };
    let ((), read) = tokio::join!(speak, reader.read_exact(&mut heard));
    read.unwrap();
    assert!(heard == Frame::text(&words).encode());
    dialled.socket.shutdown().await.unwrap();
}

/// The port that awc is told is not the one that the upstream reads.
#[actix_rt::test]
async fn the_host_header_is_that_of_the_url() {
    let authority = Authority::new();
    let upstream = serving(authority.identity("localhost")).await;
    let dialler = trusting(&authority.pem());
    dialler.dial(call(&upstream.url())).await.unwrap();
    let host = format!("localhost:{}", upstream.addr().port());
    assert_eq!(upstream.dials()[0].header_values("host"), [host]);
}

#[actix_rt::test]
async fn a_self_signed_certificate_can_be_trusted_by_name() {
    let identity = Identity::self_signed("localhost");
    let pem = identity.pem.clone();
    let upstream = serving(identity).await;
    assert!(trusting(&pem).dial(call(&upstream.url())).await.is_ok());
}

#[actix_rt::test]
async fn a_certificate_that_proves_nothing_is_refused() {
    let authority = Authority::new();
    let trusting = trusting(&authority.pem());
    let strange = dialer(PATIENT);
    for (dialer, identity, why) in [
        (
            &trusting,
            authority.identity("other.test"),
            "not valid for name",
        ),
        (&trusting, authority.expired("localhost"), "expired"),
        (
            &trusting,
            Identity::self_signed("localhost"),
            "UnknownIssuer",
        ),
        (&strange, authority.identity("localhost"), "UnknownIssuer"),
    ] {
        let upstream = serving(identity).await;
        let error = failure(dialer, call(&upstream.url())).await;
        assert_eq!(error.slug(), Slug::UpstreamUnavailable);
        assert!(error.untouched(), "the request was never written");
        assert!(error.to_string().contains(why), "{error}");
        assert!(upstream.dials().is_empty());
    }
}

#[actix_rt::test]
async fn a_certificate_for_an_address_is_for_that_address_only() {
    let authority = Authority::new();
    let upstream = serving(authority.identity("127.0.0.1")).await;
    let dialer = trusting(&authority.pem());
    let by_address = format!("wss://{}", upstream.addr());
    assert!(dialer.dial(call(&by_address)).await.is_ok());
    let error = failure(&dialer, call(&upstream.url())).await;
    assert!(error.untouched());
}
