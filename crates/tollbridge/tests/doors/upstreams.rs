//! Upstreams that cannot be trusted to be who they are, or to answer.

use tokio::{
    io::{AsyncReadExt as _, AsyncWriteExt as _},
    net::TcpListener,
};
use tollbridge_testkit::{Authority, Identity, Upstream};

use crate::{
    plan::{CANARY, Plan},
    stage::{Stage, knock},
};

/// A route to an upstream with this certificate, trusting this authority.
async fn shown(identity: Identity, authority: &Authority) -> (Stage, Upstream) {
    let upstream = Upstream::builder().require("x-api-key", CANARY);
    let upstream = upstream.tls(identity).start().await;
    let plan = Plan::new().route("voice", &upstream.url());
    let plan = plan.set("routes.voice.ca", r#""file:ca.pem""#);
    let stage = plan.file("ca.pem", &authority.pem()).start().await;
    (stage, upstream)
}

/// B33. That the log says why, and nothing of the credential, is checked as the stage ends.
#[tokio::test]
async fn a_certificate_that_is_not_the_upstreams_is_refused() {
    let (authority, other) = (Authority::new(), Authority::new());
    for (identity, why) in [
        (
            authority.identity("elsewhere.example"),
            "not valid for name",
        ),
        (authority.expired("localhost"), "expired"),
        (
            Identity::self_signed("localhost"),
            "invalid peer certificate",
        ),
        (other.identity("localhost"), "invalid peer certificate"),
    ] {
        let (stage, upstream) = shown(identity, &authority).await;
        let (status, code) = stage
            .verdict(knock("voice", &stage.forge.token("voice")))
            .await;
        assert_eq!(
            (status, code.as_str()),
            (502, "upstream_unavailable"),
            "{why}"
        );
        assert!(upstream.dials().is_empty(), "{why}");
        let failed = |line: &str| line.contains("upstream.failed") && line.contains(why);
        stage
            .server
            .wait_for_log(failed, crate::stage::PATIENCE)
            .await;
        stage.end().await;
    }
    let (stage, upstream) = shown(authority.identity("localhost"), &authority).await;
    stage.redeem("voice", &stage.forge.token("voice")).await;
    assert_eq!(upstream.dials().len(), 1);
    stage.end().await;
}

/// B33: TLS 1.0, which no library of ours speaks, so its server's first words are written by hand.
#[tokio::test]
async fn an_upstream_that_only_speaks_tls_1_0_is_refused() {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let port = listener.local_addr().unwrap().port();
    let speaking = tokio::spawn(async move {
        let (mut client, _) = listener.accept().await.unwrap();
        let mut hello = [0; 5];
        client.read_exact(&mut hello).await.unwrap();
        let mut answer = vec![22, 3, 1, 0, 42, 2, 0, 0, 38, 3, 1];
        answer.extend([7; 32]);
        answer.extend([0, 0, 0x2f, 0]);
        client.write_all(&answer).await.unwrap();
        let mut rest = Vec::new();
        let _reset_is_an_end_too = client.read_to_end(&mut rest).await;
        rest
    });
    let plan = Plan::new().route("voice", &format!("wss://localhost:{port}"));
    let stage = plan.start().await;
    let (status, code) = stage
        .verdict(knock("voice", &stage.forge.token("voice")))
        .await;
    assert_eq!((status, code.as_str()), (502, "upstream_unavailable"));
    let said = speaking.await.unwrap();
    let told = |needle: &[u8]| said.windows(needle.len()).any(|window| window == needle);
    assert!(!told(b"GET ") && !told(CANARY.as_bytes()));
    stage.end().await;
}

/// B35: neither the slot nor the lease outlives the deadline.
#[tokio::test]
async fn an_upstream_that_stays_silent_is_given_up_and_its_place_is_free() {
    let upstream = Upstream::behaving(tollbridge_testkit::Behaviour::Silent).await;
    let plan = Plan::new()
        .route("voice", &upstream.url())
        .set("routes.voice.limits.connect_timeout", r#""1s""#)
        .set("routes.voice.limits.sessions", "1");
    let stage = plan.start().await;
    for _ in 0..2 {
        let (status, code) = stage
            .verdict(knock("voice", &stage.forge.token("voice")))
            .await;
        assert_eq!((status, code.as_str()), (504, "upstream_timeout"));
    }
    upstream.ended(2).await;
    stage.end().await;
}

/// An upstream that takes the connection and never speaks TLS.
#[tokio::test]
async fn a_silent_tls_handshake_is_given_up() {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let port = listener.local_addr().unwrap().port();
    let plan = Plan::new().route("voice", &format!("wss://localhost:{port}"));
    let plan = plan.set("routes.voice.limits.connect_timeout", r#""1s""#);
    let stage = plan.start().await;
    let (status, code) = stage
        .verdict(knock("voice", &stage.forge.token("voice")))
        .await;
    assert_eq!((status, code.as_str()), (504, "upstream_timeout"));
    stage.end().await;
}
