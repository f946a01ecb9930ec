//! A certificate that changes while sessions live.

use std::fs;

use rustls::HandshakeKind;
use serde_json::{Value, json};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tollbridge_testkit::Identity;

use super::{NAME, Secured, with_tls};
use crate::house::{config, route, until};

impl Secured {
    /// Puts a file in the place of another, in one step.
    fn put(&self, name: &str, text: &str) {
        let [new, file] =
            [format!("{name}.new"), name.to_owned()].map(|name| self.house.server.dir().join(name));
        fs::write(&new, text).unwrap();
        fs::rename(new, file).unwrap();
    }

    /// One request on a connection of its own: which certificate was shown, and how the handshake
    /// went.
    async fn shown(&self) -> (Vec<u8>, HandshakeKind) {
        let mut stream = self
            .client
            .connect(self.house.server.public())
            .await
            .unwrap();
        let ask = b"GET /livez HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n";
        stream.write_all(ask).await.unwrap();
        stream.read_to_end(&mut Vec::new()).await.unwrap();
        let tls = stream.get_ref().1;
        let shown = tls.peer_certificates().unwrap()[0].to_vec();
        (shown, tls.handshake_kind().unwrap())
    }

    async fn shows(&self, identity: &Identity) {
        let (shown, _) = self.shown().await;
        assert!(shown == identity.der(), "another certificate");
    }
}

#[tokio::test]
async fn a_renewed_certificate_is_for_new_connections_and_old_sessions_live_on() {
    let secured = Secured::new().await;
    let mut before = secured.session().await;
    let renewed = secured.authority.identity(NAME);
    secured.put("cert.pem", &renewed.pem);
    secured.put("key.pem", &renewed.key_pem);
    let event = secured.house.logged("certificate.reloaded", |_| true).await;
    assert!(event["not_after"].is_string(), "{event}");
    secured.shows(&renewed).await;
    before.echo("as before").await;
    secured
        .measures("tollbridge_tls_certificate_last_reload_successful 1")
        .await;
}

/// Clients that come again resume; not what another certificate began.
#[tokio::test]
async fn sessions_of_tls_are_resumed_until_the_certificate_changes() {
    let secured = Secured::new().await;
    assert_eq!(secured.shown().await.1, HandshakeKind::Full);
    assert_eq!(secured.shown().await.1, HandshakeKind::Resumed);
    secured.house.cli(&["reload"]).await;
    assert_eq!(secured.shown().await.1, HandshakeKind::Resumed);
    let renewed = secured.authority.identity(NAME);
    secured.put("cert.pem", &renewed.pem);
    secured.put("key.pem", &renewed.key_pem);
    secured.house.logged("certificate.reloaded", |_| true).await;
    assert_eq!(secured.shown().await.1, HandshakeKind::Full);
}

#[tokio::test]
async fn a_pair_that_does_not_fit_changes_nothing_until_it_does() {
    let secured = Secured::new().await;
    let renewed = secured.authority.identity(NAME);
    secured.put("cert.pem", &renewed.pem);
    let failed = secured
        .house
        .logged("certificate.reload_failed", |_| true)
        .await;
    let reason = failed["reason"].as_str().unwrap();
    assert!(
        reason.contains("server.tls.key") && reason.contains("does not belong"),
        "{reason}"
    );
    secured.shows(&secured.identity).await;
    secured
        .measures("tollbridge_tls_certificate_last_reload_successful 0")
        .await;
    let answer = secured.house.ask("POST", "reload", &json!({})).await;
    assert_eq!(answer.status, 422, "{answer:?}");
    secured.shows(&secured.identity).await;
    secured.put("key.pem", &renewed.key_pem);
    secured.house.logged("certificate.reloaded", |_| true).await;
    secured.shows(&renewed).await;
    secured
        .measures("tollbridge_tls_certificate_last_reload_successful 1")
        .await;
}

/// It may be the clock; at any rate the operator hears of it.
#[tokio::test]
async fn an_expired_certificate_is_served_and_said() {
    let secured = Secured::new().await;
    let old = secured.authority.expired(NAME);
    secured.put("cert.pem", &old.pem);
    secured.put("key.pem", &old.key_pem);
    let event = secured.house.logged("certificate.untimely", |_| true).await;
    assert!(
        event["reason"].as_str().unwrap().contains("expired"),
        "{event}"
    );
    secured
        .measures("tollbridge_tls_certificate_not_after_timestamp_seconds 1609372800")
        .await;
}

/// A new place in the configuration is where the certificate is from then on.
#[tokio::test]
async fn a_reload_follows_the_configuration_to_other_files() {
    let secured = Secured::new().await;
    let other = secured.authority.identity(NAME);
    secured.put("other.pem", &format!("{}{}", other.pem, other.key_pem));
    let moved = with_tls(&secured.upstream)
        .replace("cert.pem", "other.pem")
        .replace("key.pem", "other.pem");
    secured.house.server.rewrite_config(&moved);
    secured.house.logged("config.reloaded", |_| true).await;
    secured.shows(&other).await;
    let renewed = secured.authority.identity(NAME);
    secured.put("other.pem", &format!("{}{}", renewed.pem, renewed.key_pem));
    until(async || (secured.shown().await.0 == renewed.der()).then_some(())).await;
}

/// A listener that speaks TLS goes on so until the restart.
#[tokio::test]
async fn tls_ends_with_a_restart_only() {
    let secured = Secured::new().await;
    let plain = config(&[route("echo", &secured.upstream, "")]);
    secured.house.server.rewrite_config(&plain);
    let said: Value =
        serde_json::from_str(&secured.house.cli(&["reload", "--json"]).await).unwrap();
    assert_eq!(said["needs_restart"], json!(["server.tls"]));
    secured.shows(&secured.identity).await;
    let minted = secured.mint().await;
    assert!(
        minted["url"].as_str().unwrap().starts_with("wss:"),
        "{minted}"
    );
}
