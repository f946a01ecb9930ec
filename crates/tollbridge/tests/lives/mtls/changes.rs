//! Authorities that come and go while clients are connected.

use std::fs;

use rustls::HandshakeKind;
use serde_json::json;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tollbridge_testkit::{Authority, Frame, RawWs, TlsClient};

use super::{Guarded, NAME, answer, device, mint_on, written};
use crate::house::at;

impl Guarded {
    /// Puts a file in the place of another, in one step, and waits until it is in force.
    async fn believes(&self, authorities: &str) {
        let [new, file] =
            ["clients.pem.new", "clients.pem"].map(|it| self.house.server.dir().join(it));
        fs::write(&new, authorities).unwrap();
        fs::rename(new, file).unwrap();
        self.house.logged("certificate.reloaded", |_| true).await;
    }

    /// How the handshake of the next connection goes.
    async fn kind(&self, client: &TlsClient) -> std::io::Result<HandshakeKind> {
        let mut stream = client.connect(self.house.server.public()).await?;
        let ask = b"GET /livez HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n";
        stream.write_all(ask).await?;
        assert_eq!(answer(&mut stream).await?.0, 200);
        stream.read_to_end(&mut Vec::new()).await?;
        Ok(stream.get_ref().1.handshake_kind().unwrap())
    }
}

/// Who resumes is who they were: the ticket holds the certificate.
#[tokio::test]
async fn a_client_that_resumes_mints_again() {
    let guarded = Guarded::new().await;
    let yesterday = TlsClient::of_yesterday(&guarded.servers.pem(), NAME);
    let yesterday = yesterday.showing(&guarded.clients.signed(device()));
    for client in [guarded.device(), yesterday] {
        assert_eq!(guarded.kind(&client).await.unwrap(), HandshakeKind::Full);
        assert_eq!(guarded.kind(&client).await.unwrap(), HandshakeKind::Resumed);
        assert_eq!(guarded.mint(&client, &[]).await.unwrap().0, 201);
    }
}

#[tokio::test]
async fn whom_nobody_vouches_for_any_more_is_refused_resumption_included() {
    let guarded = Guarded::new().await;
    let yesterday = TlsClient::of_yesterday(&guarded.servers.pem(), NAME);
    let old = [
        guarded.device(),
        yesterday.showing(&guarded.clients.signed(device())),
    ];
    for client in &old {
        guarded.kind(client).await.unwrap();
        assert_eq!(guarded.kind(client).await.unwrap(), HandshakeKind::Resumed);
    }
    // Open from before: a session, and a connection that goes on being used.
    let minted = guarded.mint(&old[0], &[]).await.unwrap().1;
    let tunnel = old[0].tunnel(guarded.house.server.public()).await;
    let handshake = at("echo", minted["token"].as_str().unwrap());
    let mut session = RawWs::connect(tunnel.address(), handshake).await.unwrap();
    let mut open = guarded.connect(&old[0]).await.unwrap();
    let minted = mint_on(&mut open, &[], "keep-alive").await.unwrap();
    assert_eq!(minted.0, 201, "{minted:?}");

    let successor = Authority::new();
    guarded.believes(&successor.pem()).await;
    for client in &old {
        let told = guarded.kind(client).await;
        assert!(told.is_err(), "{told:?}");
        let told = guarded.mint(client, &[]).await;
        assert!(told.is_err(), "{told:?}");
    }
    let told = mint_on(&mut open, &[], "keep-alive").await.unwrap();
    assert_eq!((told.0, &told.1["code"]), (401, &json!("unauthorized")));
    let is_it = |event: &serde_json::Value| event["reason"] == "unknown_authority";
    guarded.house.logged("token.denied", is_it).await;
    session.send(Frame::text("still here")).await;
    session.recv_data().await;

    let new = guarded.client(&successor.signed(device()));
    assert_eq!(guarded.mint(&new, &[]).await.unwrap().0, 201);
}

/// A rotation: for a time both are believed, and nobody is cut off.
#[tokio::test]
async fn a_second_authority_is_added_and_nobody_notices() {
    let guarded = Guarded::new().await;
    let old = guarded.device();
    let mut open = guarded.connect(&old).await.unwrap();
    assert_eq!(mint_on(&mut open, &[], "keep-alive").await.unwrap().0, 201);
    let successor = Authority::new();
    let both = format!("{}{}", guarded.clients.pem(), successor.pem());
    guarded.believes(&both).await;
    assert_eq!(mint_on(&mut open, &[], "keep-alive").await.unwrap().0, 201);
    let new = guarded.client(&successor.signed(device()));
    for client in [&old, &new] {
        assert_eq!(guarded.mint(client, &[]).await.unwrap().0, 201);
    }
}

#[tokio::test]
async fn what_is_no_authority_changes_nothing() {
    let guarded = Guarded::new().await;
    fs::write(guarded.house.server.dir().join("clients.pem"), "hello").unwrap();
    let failed = guarded
        .house
        .logged("certificate.reload_failed", |_| true)
        .await;
    let reason = failed["reason"].as_str().unwrap();
    assert!(reason.contains("server.tls.client_ca"), "{reason}");
    assert_eq!(guarded.mint(&guarded.device(), &[]).await.unwrap().0, 201);
    let answer = guarded.house.ask("POST", "reload", &json!({})).await;
    assert_eq!(answer.status, 422, "{answer:?}");
    assert_eq!(guarded.mint(&guarded.device(), &[]).await.unwrap().0, 201);
}

/// With `client_ca` out of the configuration nobody is asked, and who was let in is no longer.
#[tokio::test]
async fn a_reload_without_authorities_ends_what_they_vouched_for() {
    let guarded = Guarded::new().await;
    let device = guarded.device();
    let mut open = guarded.connect(&device).await.unwrap();
    assert_eq!(mint_on(&mut open, &[], "keep-alive").await.unwrap().0, 201);
    let without = written(&guarded.upstream, "").replace(
        "[callers.devices]\ntype = \"mtls\"\nsubject = \"san:dns\"\n\
         [callers.services]\ntype = \"mtls\"\nsubject = \"san:uri\"\n",
        "[callers.devices]\ntype = \"api_key\"\n[callers.services]\ntype = \"api_key\"\n",
    );
    guarded.house.server.rewrite_config(&without);
    guarded.house.logged("config.reloaded", |_| true).await;
    assert_eq!(guarded.kind(&device).await.unwrap(), HandshakeKind::Full);
    assert_eq!(mint_on(&mut open, &[], "keep-alive").await.unwrap().0, 401);
    assert_eq!(guarded.mint(&device, &[]).await.unwrap().0, 401);
}
